"""What a run leaves: totals per peer, series per slot, details; and what a block of slots is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import Community, Inputs, Tariff
from hub.sim.events import Held
from hub.sim.settle import Settled

if TYPE_CHECKING:
    from hub.sim.network.guard import Guard

Values = npt.NDArray[np.float64]

FLOWS = ("load", "pv", "generation", "import", "export", "bought", "sold")
POOLED = ("pool_given", "pool_drawn")
SERIES = (*FLOWS, "battery", "stored", "curtailed", "deferred", *POOLED)
ENERGIES = (*FLOWS, "charged", "discharged", "curtailed", "deferred", *POOLED)
MONEY = (
    "cost",
    "grid_only_cost",
    "trade_income",
    "trade_cost",
    "fee",
    "pool_income",
    "pool_cost",
)
CO2 = "co2"  # kg, of what is imported


@dataclass(frozen=True)
class Response:
    """How demand answered prices: rounds, the last change of any load in W, the energy moved."""

    rounds: int
    residual_w: float
    shifted_kwh: float


@dataclass
class ForecastErrors:
    """What forecasts were wrong by, per peer: sums over the slots of a run that had one.

    In W: `absolute`, `squared` (W^2), `signed` (ordered less metered). `perfect_cost`: EUR of the
    same slots had everybody ordered what it then took. `slots`: of each slot, ordered by all in W.
    """

    ahead_slots: int
    absolute: Values
    squared: Values
    signed: Values
    perfect_cost: Values
    slots: Values
    count: int = 0

    @classmethod
    def none(cls, community: Community) -> ForecastErrors:
        """Return the errors before the first slot."""
        size, ahead = community.size, community.market.forecast_ahead_slots
        absolute, squared, signed, cost = (np.zeros(size) for _ in range(4))
        return cls(ahead, absolute, squared, signed, cost, np.zeros(community.clock.slots))


@dataclass
class Outcome:
    """The result of a run. Energies in kWh, money in EUR, powers in W.

    `totals`: per peer; `slots`: of the community in each slot; `details`: (slots, peers), only
    where asked for; `stored_wh`: the batteries' charge at the end; `unserved_wh`: what
    vehicles lacked when they left, and load that the feeder made wait and that was not served;
    `vehicle_w`: (slots, peers), what vehicles that are scheduled take, None without any.
    """

    community: Community
    totals: dict[str, Values]
    slots: dict[str, Values]
    peak_import_w: Values
    peak_export_w: Values
    stored_wh: Values
    unserved_wh: Values
    net_metering_cost: Values | None = None
    vehicle_w: Values | None = None
    details: dict[str, Values] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    response: Response | None = None
    events: list[Held] = field(default_factory=list)
    pool_stored_wh: float = 0.0
    guard: Guard | None = None
    forecast: ForecastErrors | None = None
    curtailed_trades: list[Pair] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, community: Community) -> Outcome:
        """Return the outcome before the first slot."""
        slots, size = community.clock.slots, community.size
        short_wh = community.vehicles_short_wh
        return cls(
            community,
            {name: np.zeros(size) for name in (*ENERGIES, *MONEY, CO2)},
            {
                name: np.zeros(slots)
                for name in (*SERIES, "pool_stored", "cost", "trade_paid", "need", "offer")
            },
            peak_import_w=np.zeros(size),
            peak_export_w=np.zeros(size),
            stored_wh=np.zeros(size),
            unserved_wh=np.zeros(size) if short_wh is None else short_wh.copy(),
            warnings=list(community.warnings),
        )


@dataclass(frozen=True)
class Block:
    """Some slots in a row, [start, stop); arrays are (slots, peers), powers in W.

    `deferred_w`: load that the feeder made wait, no longer part of `inputs`. `flows` once
    the peers have met; `lost`: their trades that the feeder could not carry.
    """

    start: int
    stop: int
    inputs: Inputs
    tariff: Tariff
    battery_w: Values
    stored_wh: Values
    curtailed_w: Values
    deferred_w: Values
    position_w: Values
    flows: Settled = field(default=None)  # type: ignore[assignment]  # once they have met
    lost: tuple[Pair, ...] = ()
