"""What a peer owns and wants, as plain records: appliances, generators, battery, vehicle, wishes.

Shared by simulator, agents and page. Powers in W, energies in Wh, times of day in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_PRODUCERS = 10
SOURCES = ("pv", "wind", "hydro", "battery", "grid")


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

    def is_home(self, minutes_of_day: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return in which slots the vehicle is plugged in from their start."""
        if self.arrival <= self.departure:
            return (minutes_of_day >= self.arrival) & (minutes_of_day < self.departure)
        return (minutes_of_day >= self.arrival) | (minutes_of_day < self.departure)

    def load_w(
        self, minutes_of_day: npt.NDArray[np.int64], slot_minutes: int
    ) -> npt.NDArray[np.float64]:
        """Return its load per slot when it charges at full power from arrival until satisfied."""
        load_w = np.zeros(len(minutes_of_day))
        hours = slot_minutes / 60
        missing_wh = 0.0
        was_home = False
        for slot, is_home in enumerate(self.is_home(minutes_of_day)):
            if is_home and not was_home:
                missing_wh = self.need_wh / self.charge_efficiency
            was_home = bool(is_home)
            if is_home and missing_wh > 0:
                load_w[slot] = min(self.charge_w, missing_wh / hours)
                missing_wh -= load_w[slot] * hours
        return load_w

    def envelope(
        self, minutes_of_day: npt.NDArray[np.int64], slot_minutes: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the bounds of a clever charge per slot: energy drawn by its end, and power.

        (least Wh, most Wh, most W), energies counted at the house from the start of the run. Each
        stay draws what charging from arrival on would have drawn, at any time of the stay.
        """
        is_home = self.is_home(minutes_of_day)
        drawn_wh = self.load_w(minutes_of_day, slot_minutes) * slot_minutes / 60
        begins = is_home & ~np.concatenate([[False], is_home[:-1]])
        stay = np.cumsum(begins)  # 0 before the first stay
        of_stay = np.bincount(stay, drawn_wh)
        most_wh = np.cumsum(of_stay)[stay]
        is_last = ~np.concatenate([is_home[1:], [False]])  # nobody knows the time after the run
        least_wh = np.where(is_home & ~is_last, most_wh - of_stay[stay], most_wh)
        return least_wh, most_wh, np.where(is_home, self.charge_w, 0.0)


@dataclass(frozen=True)
class Preferences:
    """What a peer wants of the market; prices in EUR/kWh.

    `order`: "use-store-trade" fills the own battery before selling, "use-trade-store" sells first.
    `producers`: up to ten peers bought from first, in this order. `buyers`: peers sold to; empty
    is everybody. `reserve_soc` is kept in the battery for outages. Without `is_automatic` the peer
    does not trade with others, only with the grid. `bidding`: how it makes prices of its limits in
    a book; None is the market's way.
    """

    order: str = "use-store-trade"
    reserve_soc: float = 0.0
    highest_buying_eur_per_kwh: float | None = None
    lowest_selling_eur_per_kwh: float | None = None
    producers: tuple[str, ...] = ()
    buyers: tuple[str, ...] = ()
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
    """One line of a peer's transaction history: energy bought or sold, with whom and from what."""

    slot: int
    counterparty: str
    source: str
    energy_kwh: float  # positive bought, negative sold
    price_eur_per_kwh: float


@dataclass(frozen=True)
class Wallet:
    """A peer's money: what it started with and what its history did to it."""

    start_eur: float
    history: tuple[HistoryEntry, ...] = ()

    def balance_eur(self) -> float:
        """Return the money left: purchases lower it, sales raise it."""
        return self.start_eur - sum(
            entry.energy_kwh * entry.price_eur_per_kwh for entry in self.history
        )
