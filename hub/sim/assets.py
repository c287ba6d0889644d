"""What a peer owns and wants, as plain records: appliances, generators, battery, vehicle, wishes.

Shared by simulator, agents and page. Powers in W, energies in Wh, times of day in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.charging import Stays, charge_at_once, stays_of
from hub.sim.series import Series

MAX_PRODUCERS = 10
GENERATED = ("pv", "wind", "hydro", "battery")
GRID, PEERS, POOL = "grid", "peers", "pool"
SOURCES = (*GENERATED, GRID, PEERS, POOL)
"""Of energy that a peer takes or gives; `PEERS`: bought and passed on, `POOL`: out of the
community's battery. `GRID` and `POOL` are counterparties in a history, too."""


@dataclass(frozen=True)
class Appliance:
    """One device, metered singly; each run is (start, end) in minutes of the day.

    `shiftable_share` is the share of its energy that may move to another time of the same day.
    """

    name: str
    place: str
    power_w: float
    runs: tuple[tuple[int, int], ...]
    is_on: bool = True
    shiftable_share: float = 0.0

    def share_of_slots(
        self, minutes_of_day: npt.NDArray[np.int64], slot_minutes: int
    ) -> npt.NDArray[np.float64]:
        """Return which share of each slot the appliance runs; a run over midnight is allowed."""
        ran = np.zeros(len(minutes_of_day))
        if not self.is_on:
            return ran
        for start, end in self.runs:
            for first, last in ((start, end),) if start <= end else ((start, 1440), (0, end)):
                overlap = np.minimum(minutes_of_day + slot_minutes, last) - np.maximum(
                    minutes_of_day, first
                )
                ran += np.maximum(overlap, 0)
        return ran / slot_minutes


def _appliance(name: str, place: str, power_w: float, *runs: tuple[int, int]) -> Appliance:
    return Appliance(name, place, power_w, tuple((start * 60, end * 60) for start, end in runs))


CATALOGUE = {
    one.name: one
    for one in (
        Appliance("microwave", "kitchen", 1000, ((7 * 60, 7 * 60 + 10), (12 * 60, 12 * 60 + 15))),
        Appliance("kettle", "kitchen", 2000, ((7 * 60, 7 * 60 + 5), (16 * 60, 16 * 60 + 5))),
        _appliance("fridge", "kitchen", 50, (0, 24)),
        _appliance("heater", "living room", 1500, (6, 8), (18, 21)),
        _appliance("computer", "office", 120, (9, 17)),
        _appliance("lamp", "living room", 10, (18, 23)),
    )
}
"""Typical devices with their mean running power; a scenario names one and changes what differs."""


@dataclass(frozen=True)
class WindTurbine:
    """A turbine by its power curve: cubic between cut-in and rated speed, then flat to cut-out."""

    rated_w: float
    cut_in_m_per_s: float = 3.0
    rated_m_per_s: float = 12.0
    cut_out_m_per_s: float = 25.0
    is_on: bool = True

    def power_w(self, wind_m_per_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the electric power in W at each wind speed at hub height."""
        rising = (wind_m_per_s**3 - self.cut_in_m_per_s**3) / (
            self.rated_m_per_s**3 - self.cut_in_m_per_s**3
        )
        power = self.rated_w * np.clip(rising, 0.0, 1.0)
        return np.where(self.is_on & (wind_m_per_s < self.cut_out_m_per_s), power, 0.0)


@dataclass(frozen=True)
class Battery:
    """A battery; `inf` is no power limit. Efficiencies are between the house and the cells.

    `self_discharge` is the share of the stored energy lost in each slot.
    """

    capacity_wh: float = 0.0
    soc_min: float = 0.0
    soc_max: float = 1.0
    soc_initial: float = 0.5
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    self_discharge: float = 0.0
    charge_limit_w: float = float("inf")
    discharge_limit_w: float = float("inf")


@dataclass(frozen=True)
class Vehicle:
    """An electric vehicle that is at home from arrival to departure and needs energy each day."""

    need_wh: float
    arrival: int
    departure: int
    charge_w: float = 3700.0
    charge_efficiency: float = 0.9

    @property
    def need_at_meter_wh(self) -> float:
        """Return what a stay draws, charging losses included."""
        return self.need_wh / self.charge_efficiency

    def stays(self, minutes_of_day: npt.NDArray[np.int64], slot_minutes: int) -> Stays:
        """Return when it is plugged in."""
        return stays_of(self.arrival, self.departure, minutes_of_day, slot_minutes)

    def load_w(
        self,
        minutes_of_day: npt.NDArray[np.int64],
        slot_minutes: int,
        room_w: npt.NDArray[np.float64] | float = np.inf,
    ) -> npt.NDArray[np.float64]:
        """Return its load per slot when it charges from arrival until satisfied, at full power or
        what `room_w`, the house's connection, leaves for it."""
        stays = self.stays(minutes_of_day, slot_minutes)
        most_w = self.most_w(stays, room_w)
        return charge_at_once(stays, self.need_at_meter_wh, most_w, slot_minutes / 60)

    def most_w(
        self, stays: Stays, room_w: npt.NDArray[np.float64] | float = np.inf
    ) -> npt.NDArray[np.float64]:
        """Return what it could draw in each slot."""
        return np.where(stays.is_home, np.clip(room_w, 0.0, self.charge_w), 0.0)

    def envelope(
        self,
        minutes_of_day: npt.NDArray[np.int64],
        slot_minutes: int,
        room_w: npt.NDArray[np.float64] | float = np.inf,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the bounds of a clever charge per slot: energy drawn by its end, and power.

        (least Wh, most Wh, most W), energies counted at the house from the start of the run. Each
        stay draws what charging from arrival on would have drawn, at any time of the stay.
        """
        stays = self.stays(minutes_of_day, slot_minutes)
        most_w = self.most_w(stays, room_w)
        hours = slot_minutes / 60
        drawn_wh = charge_at_once(stays, self.need_at_meter_wh, most_w, hours) * hours
        of_stay = np.asarray(np.bincount(stays.number, drawn_wh), dtype=np.float64)
        most_wh = np.cumsum(of_stay)[stays.number]
        is_last = np.zeros(len(drawn_wh), dtype=bool)  # nobody knows the time after the run
        is_last[stays.ends] = True
        least_wh = np.where(stays.is_home & ~is_last, most_wh - of_stay[stays.number], most_wh)
        return least_wh, most_wh, most_w


@dataclass(frozen=True)
class Partner:
    """Peers chosen by name, by the community they are of and by what their energy comes from
    (`type`): all that is given must hold. `share`: of each bid, what they alone may fill.
    """

    peer: str = ""
    community: str = ""
    type: str = ""
    share: float = 0.0

    @property
    def label(self) -> str:
        """Return who is chosen, for people; nothing where nobody is."""
        given = (("", self.peer), ("type ", self.type), ("community ", self.community))
        return ", ".join(kind + name for kind, name in given if name)


@dataclass(frozen=True)
class Preferences:
    """What a peer wants of the market; prices in EUR/kWh, which may change from slot to slot.

    `order`: "use-store-trade" fills the own battery before selling, "use-trade-store" sells first.
    `producers`: up to ten bought from first, in this order; with `producers_only` from no others.
    `buyers`: sold to only; empty is everybody. `origins`: what bought energy may come from; empty
    is anything. `origin`: what its own energy is called, instead of pv, wind, hydro or battery.
    `priority`: the class of its load, or of the first `critical_w` of what it needs; a higher one
    is served first. `reserve_soc` is kept in the
    battery for outages. Without `is_automatic` the peer does not trade with others, only with the
    grid. `bidding`: how it makes prices of its limits in a book; None is the market's way.
    """

    order: str = "use-store-trade"
    reserve_soc: float = 0.0
    highest_buying_eur_per_kwh: Series | None = None
    lowest_selling_eur_per_kwh: Series | None = None
    producers: tuple[Partner, ...] = ()
    producers_only: bool = False
    buyers: tuple[Partner, ...] = ()
    origins: tuple[str, ...] = ()
    origin: str = ""
    priority: int = 0
    critical_w: Series | None = None
    is_automatic: bool = True
    bidding: str | None = None


@dataclass(frozen=True)
class EventWishes:
    """What a peer does in demand-response events.

    `share` of its load it can do without (0: it takes no part) for at least a reward;
    `kept_share` of what it pledged it really does; `rebound_share` of that it uses right after.
    """

    share: float = 0.0
    least_reward_eur_per_kwh: float = 0.0
    kept_share: float = 1.0
    rebound_share: float = 0.0


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a peer's transaction history: energy taken or given, with whom and from what."""

    slot: int
    counterparty: str  # a peer's name, "pool" or "grid"
    source: str  # one of SOURCES
    energy_kwh: float  # positive taken, negative given
    price_eur_per_kwh: float
    fee_eur: float = 0.0  # paid besides, to the network's operator; negative: had from the pool


@dataclass(frozen=True)
class Wallet:
    """A peer's money: what it started with and what its history did to it."""

    start_eur: float
    history: tuple[HistoryEntry, ...] = ()

    def balance_eur(self) -> float:
        """Return the money left: purchases lower it, sales raise it."""
        return self.start_eur - sum(
            entry.energy_kwh * entry.price_eur_per_kwh + entry.fee_eur for entry in self.history
        )
