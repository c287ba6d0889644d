"""The best battery schedule: net load, prices and batteries enter, the cheapest powers leave.

A linear programme, solved exactly by HiGHS. For every battery and slot: charge c >= 0, discharge
d >= 0 and stored energy e; for every slot of a pool: import i >= 0, and export
x = i - (net + c - d) >= 0. It minimises  sum(retail i - feed_in x)  subject to
    e = e_before (1 - self-discharge) + hours (c efficiency - d / efficiency),
which is formula (1) to (10) of Gabriel et al. (2021), doi:10.1109/ICE/ITMC52061.2021.9570218, with
the slot's length in hours where it was left out. Charging and discharging at once never pays while
feed_in <= retail; ties are netted afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt

from hub.errors import TruequeError
from hub.sim.community import Storage, Tariff

Values = npt.NDArray[np.float64]

INFINITE = highspy.kHighsInf
W_PER_KW = 1000.0
SIMPLEX_BATTERIES = 8
"""Above this interior point is faster: 100 batteries x 96 slots 0.7 s against 2.4 s."""


class NoSchedule(TruequeError):
    """The programme has no solution, or the solver gave up."""


@dataclass(frozen=True)
class Pool:
    """Batteries that are scheduled together against one grid connection.

    `net_w` is load less generation of the whole pool per slot; `generation_w` and `own_net_w`
    (slots, batteries) and `export_limit_w` (batteries) bind each battery's house. A store whose
    limits change with time (a vehicle that comes and goes) has them in `limits`.
    """

    net_w: Values
    own_net_w: Values
    generation_w: Values
    export_limit_w: Values
    storage: Storage
    limits: dict[int, Limits] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """Bounds of one store in each slot: energy at its end in Wh, charging power in W."""

    lowest_wh: Values
    highest_wh: Values
    charge_w: Values


def schedule(pool: Pool, tariff: Tariff, slot_hours: float) -> Values:
    """Return the batteries' power in W (positive charging), (slots, batteries).

    Raises NoSchedule where limits contradict each other.
    """
    programme = _Programme(pool, tariff, slot_hours)
    solved = programme.solve()
    cells = programme.slots * programme.batteries
    charge_w = solved[:cells].reshape(programme.batteries, programme.slots).T
    discharge_w = solved[cells : 2 * cells].reshape(programme.batteries, programme.slots).T
    return _net(charge_w, discharge_w, pool.storage)


def _net(charge_w: Values, discharge_w: Values, storage: Storage) -> Values:
    """Cancel charging against discharging in the same slot with the stored energy kept."""
    both = storage.charge_efficiency * storage.discharge_efficiency
    cancelled_w = np.minimum(charge_w, discharge_w / both)
    return (charge_w - cancelled_w) - (discharge_w - cancelled_w * both)


class _Programme:
    """The columns and rows; columns are c, d, e (battery by battery), i, then curtailment u."""

    def __init__(self, pool: Pool, tariff: Tariff, slot_hours: float) -> None:
        self.slots, self.batteries = pool.own_net_w.shape
        self._pool, self._hours = pool, slot_hours
        self._limited = np.flatnonzero(np.isfinite(pool.export_limit_w))
        cells = self.slots * self.batteries
        self._first_import = 3 * cells
        self._first_curtailed = self._first_import + self.slots
        self._entries: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Values]] = []
        self._row_low: list[Values] = []
        self._row_high: list[Values] = []
        self._rows = 0
        self._add_columns(tariff)
        self._add_storage_rows()
        self._add_export_row()
        for place, battery in enumerate(self._limited):
            self._add_limit_rows(place, int(battery))

    def _add_columns(self, tariff: Tariff) -> None:
        storage, slots = self._pool.storage, self.slots
        per_w = self._hours / W_PER_KW
        sale = tariff.feed_in * per_w
        count = len(self._limited)
        self._cost = np.concatenate(
            [
                np.tile(sale, self.batteries),
                np.tile(-sale, self.batteries),
                np.zeros(slots * self.batteries),
                (tariff.retail - tariff.feed_in) * per_w,
                np.tile(sale, count),
            ]
        )
        highest = np.repeat(storage.highest_wh[:, None], slots, axis=1)
        lowest = np.repeat(storage.lowest_wh[:, None], slots, axis=1)
        lowest[:, -1] = np.where(
            storage.is_final_bounded, np.maximum(lowest[:, -1], storage.initial_wh), lowest[:, -1]
        )
        charge_w = np.repeat(storage.charge_limit_w[:, None], slots, axis=1)
        for place, own in self._pool.limits.items():
            lowest[place], highest[place], charge_w[place] = (
                own.lowest_wh,
                own.highest_wh,
                own.charge_w,
            )
        self._low = np.zeros(len(self._cost))
        self._high = np.concatenate(
            [
                charge_w.ravel(),
                np.repeat(storage.discharge_limit_w, slots),
                highest.ravel(),
                np.full(slots, INFINITE),
                self._pool.generation_w[:, self._limited].T.ravel(),
            ]
        )
        cells = slots * self.batteries
        self._low[2 * cells : 3 * cells] = lowest.ravel()

    def _add_storage_rows(self) -> None:
        storage, slots = self._pool.storage, self.slots
        cells = slots * self.batteries
        rows = np.arange(cells)
        stored = 2 * cells + rows
        later = rows[rows % slots != 0]
        battery = np.arange(self.batteries).repeat(slots)
        keep = 1 - storage.self_discharge
        start = np.zeros(cells)
        start[::slots] = storage.initial_wh * keep
        self._entries += [
            (rows, stored, np.ones(cells)),
            (later, 2 * cells + later - 1, -keep[battery[later]]),
            (rows, rows, -self._hours * storage.charge_efficiency[battery]),
            (rows, cells + rows, self._hours / storage.discharge_efficiency[battery]),
        ]
        self._bound_rows(start, start)

    def _add_export_row(self) -> None:
        """Add, for each slot, i - sum(c) + sum(d) - sum(u) >= net."""
        slots, cells = self.slots, self.slots * self.batteries
        slot = np.tile(np.arange(slots), self.batteries)
        rows = self._rows + slot
        own = np.arange(cells)
        curtailed = np.arange(slots * len(self._limited))
        self._entries += [
            (self._rows + np.arange(slots), self._first_import + np.arange(slots), np.ones(slots)),
            (rows, own, -np.ones(cells)),
            (rows, cells + own, np.ones(cells)),
            (
                self._rows + curtailed % slots,
                self._first_curtailed + curtailed,
                -np.ones(len(curtailed)),
            ),
        ]
        self._bound_rows(self._pool.net_w, np.full(slots, INFINITE))

    def _add_limit_rows(self, place: int, battery: int) -> None:
        """Add, for a house with an export limit, own net + c - d + u >= -limit in each slot."""
        slots, cells = self.slots, self.slots * self.batteries
        rows = self._rows + np.arange(slots)
        own = battery * slots + np.arange(slots)
        curtailed = self._first_curtailed + place * slots + np.arange(slots)
        self._entries += [
            (rows, own, np.ones(slots)),
            (rows, cells + own, -np.ones(slots)),
            (rows, curtailed, np.ones(slots)),
        ]
        low = -self._pool.export_limit_w[battery] - self._pool.own_net_w[:, battery]
        self._bound_rows(low, np.full(slots, INFINITE))

    def _bound_rows(self, low: Values, high: Values) -> None:
        self._row_low.append(low)
        self._row_high.append(high)
        self._rows += len(low)

    def solve(self) -> Values:
        """Return the value of every column at the optimum."""
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        if self.batteries > SIMPLEX_BATTERIES:
            # Crossover afterwards ends in a vertex, so the result is as exact as simplex's.
            solver.setOptionValue("solver", "ipm")
        solver.passModel(self._model())
        solver.run()
        status = solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            word = solver.modelStatusToString(status)
            raise NoSchedule(f"no optimal schedule: the solver says {word!r}")
        return np.array(solver.getSolution().col_value)

    def _model(self) -> highspy.HighsLp:
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        order = np.argsort(columns, kind="stable")
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._cost), self._rows
        model.col_cost_, model.col_lower_, model.col_upper_ = self._cost, self._low, self._high
        model.row_lower_ = np.concatenate(self._row_low)
        model.row_upper_ = np.concatenate(self._row_high)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.concatenate(
            [[0], np.cumsum(np.bincount(columns, minlength=len(self._cost)))]
        ).astype(np.int32)
        model.a_matrix_.index_ = rows[order].astype(np.int32)
        model.a_matrix_.value_ = values[order]
        return model
