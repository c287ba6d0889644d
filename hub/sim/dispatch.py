"""What each battery does in each slot: load and generation enter, charging and charge leave.

The greedy rule: a surplus of the house charges, a deficit discharges, as far as limits allow. It
sees its own house only; a house that trades first leaves to its battery what the community did
not take. Scheduled batteries (`optimal`) follow their schedule through the same equation
    stored' = stored (1 - self-discharge) + charge x efficiency - discharge / efficiency.
"""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from hub.sim.community import Storage

Values = npt.NDArray[np.float64]

TILE = 8192  # homes at a time, so that a slot's vectors stay in the cache


class Batteries:
    """The batteries of a run and their charge, block after block."""

    def __init__(
        self, storage: Storage, slot_hours: float, trading: npt.NDArray[np.bool_] | None
    ) -> None:
        """`trading`: in which slots of the run peers trade; None is in none."""
        self._where = np.flatnonzero(storage.highest_wh > 0)
        self.stored_wh = storage.initial_wh.copy()
        self._storage = storage
        self._hours = slot_hours
        self._tiles: list[_Tile] = []  # built once: a block of 100,000 homes is one slot
        self._trading, self._slot = trading, 0
        has_traders = bool(np.any(storage.trades_first & storage.is_greedy))
        self._trades_first = trading is not None and has_traders

    def step_block(self, surplus_w: Values, scheduled_w: Values | None) -> tuple[Values, Values]:
        """Return battery power (positive charging) in W and charge after each slot in Wh.

        `surplus_w` is generation less load, (slots, peers); `scheduled_w` is the power of the
        batteries with a schedule and ignored for the others.
        """
        battery_w = np.zeros_like(surplus_w)
        stored_wh = np.zeros_like(surplus_w)
        if not self._where.size:
            return battery_w, stored_wh
        if self._trades_first:
            self._step_traders(surplus_w, scheduled_w, battery_w, stored_wh)
            self._slot += len(surplus_w)
            return battery_w, stored_wh
        if not self._tiles:
            starts = range(0, self._where.size, TILE)
            peers = [self._where[start : start + TILE] for start in starts]
            self._tiles = [_Tile(self._storage, some, self._hours) for some in peers]
        for tile in self._tiles:
            own = None if scheduled_w is None else scheduled_w[:, tile.peers]
            for slot, available_w in enumerate(surplus_w[:, tile.peers]):
                power_w = tile.step(self.stored_wh, available_w, None if own is None else own[slot])
                battery_w[slot, tile.peers] = power_w
                stored_wh[slot, tile.peers] = self.stored_wh[tile.peers]
        return battery_w, stored_wh

    def _is_trading(self, row: int) -> bool:
        return self._trading is not None and bool(self._trading[self._slot + row])

    def preview(self, slot: int, stored_wh: Values, surplus_w: Values) -> Values:
        """Return the powers in W that surpluses in a slot would bring from these charges on."""
        trial = copy.copy(self)
        trial.stored_wh, trial._slot = stored_wh.copy(), slot
        return trial.step_block(surplus_w[None, :], None)[0][0]

    def correct(self, power_w: Values, instead_w: Values) -> None:
        """Undo the last slot's powers and do others instead, which move each battery less."""
        storage = self._storage
        for was_w, sign in ((power_w, -1.0), (instead_w, 1.0)):
            stored_wh = np.where(
                was_w > 0,
                was_w * storage.charge_efficiency,
                was_w / storage.discharge_efficiency,
            )
            self.stored_wh += sign * self._hours * stored_wh

    def _step_traders(
        self, surplus_w: Values, scheduled_w: Values | None, battery_w: Values, stored_wh: Values
    ) -> None:
        """Step when some peers trade before they store: the community's balance decides first."""
        storage = self._storage
        first = _Tile(
            storage, np.flatnonzero(~storage.trades_first & (storage.highest_wh > 0)), self._hours
        )
        then = _Tile(
            storage, np.flatnonzero(storage.trades_first & (storage.highest_wh > 0)), self._hours
        )
        for slot, row_w in enumerate(surplus_w):
            left_w = row_w.copy()
            for tile in (first, then):
                waits = tile is then and self._is_trading(slot)
                available_w = (_unmatched(left_w) if waits else left_w)[tile.peers]
                own = None if scheduled_w is None else scheduled_w[slot, tile.peers]
                power_w = tile.step(self.stored_wh, available_w, own)
                left_w[tile.peers] -= power_w
                battery_w[slot, tile.peers] = power_w
            stored_wh[slot] = self.stored_wh


class _Tile:
    """Some batteries with the constants of a step; `peers` are their places in the community."""

    def __init__(self, storage: Storage, peers: npt.NDArray[np.int64], slot_hours: float) -> None:
        own = storage.of(peers)
        self.peers = peers
        self._low_wh, self._high_wh = own.lowest_wh, own.highest_wh
        self._stored_per_w = own.charge_efficiency * slot_hours
        self._taken_per_w = slot_hours / own.discharge_efficiency
        self._keep = None if not own.self_discharge.any() else 1 - own.self_discharge
        self._charge_limit_w = np.where(own.is_greedy, own.charge_limit_w, 0.0)
        self._discharge_limit_w = np.where(own.is_greedy, own.discharge_limit_w, 0.0)
        self._is_optimal = own.is_optimal

    def step(self, stored_wh: Values, available_w: Values, scheduled_w: Values | None) -> Values:
        """Advance `stored_wh` (of all peers, in place) by one slot; return the power in W."""
        stored = stored_wh[self.peers]
        if self._keep is not None:
            stored *= self._keep
        room_w = (self._high_wh - stored) / self._stored_per_w
        held_w = (self._low_wh - stored) / self._taken_per_w
        if scheduled_w is not None:
            # Where a feeder made it give way, a battery may lack what its schedule counts on.
            scheduled_w = np.clip(scheduled_w, np.minimum(held_w, 0.0), np.maximum(room_w, 0.0))
        np.minimum(room_w, self._charge_limit_w, out=room_w)
        np.maximum(room_w, 0.0, out=room_w)
        np.maximum(held_w, -self._discharge_limit_w, out=held_w)
        np.minimum(held_w, 0.0, out=held_w)
        power_w = np.minimum(available_w, room_w, out=room_w)
        np.maximum(power_w, held_w, out=power_w)
        if scheduled_w is not None:
            np.copyto(power_w, scheduled_w, where=self._is_optimal)
        stored += np.where(power_w > 0, power_w * self._stored_per_w, power_w * self._taken_per_w)
        stored_wh[self.peers] = stored
        return power_w


def _unmatched(surplus_w: Values) -> Values:
    """Return what is left of each surplus or deficit after the community's pro-rata match."""
    up = float(np.maximum(surplus_w, 0.0).sum())
    down = float(np.maximum(-surplus_w, 0.0).sum())
    matched = min(up, down)
    left_up = 1 - matched / up if up > 0 else 0.0
    left_down = 1 - matched / down if down > 0 else 0.0
    return np.where(surplus_w > 0, surplus_w * left_up, surplus_w * left_down)
