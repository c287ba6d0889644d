"""Runs a scenario: arrays of a community enter; totals per peer, series per slot, details leave.

The run goes through time in blocks small enough for the processor's cache, whatever the number of
homes, so memory grows with homes + slots, not with their product (details and `optimal` apart).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hub.sim.balance import check_energy, check_money, check_trades
from hub.sim.book import Pair
from hub.sim.community import W_PER_KW, Community, Inputs, Tariff
from hub.sim.dispatch import Batteries
from hub.sim.events import Held
from hub.sim.net_metering import net_metering_cost
from hub.sim.planning import Plan, plan
from hub.sim.settle import Memory, Settled, settle

if TYPE_CHECKING:
    from hub.sim.network.guard import Guard

Values = npt.NDArray[np.float64]

CELLS_OF_BLOCK = 32_768
ENERGIES = (
    "load",
    "pv",
    "generation",
    "import",
    "export",
    "bought",
    "sold",
    "charged",
    "discharged",
    "curtailed",
    "pool_given",
    "pool_drawn",
)
POOLED = ("pool_given", "pool_drawn")
MONEY = (
    "cost",
    "grid_only_cost",
    "trade_income",
    "trade_cost",
    "fee",
    "pool_income",
    "pool_cost",
)


@dataclass(frozen=True)
class Response:
    """How demand answered prices: rounds, the last change of any load in W, the energy moved."""

    rounds: int
    residual_w: float
    shifted_kwh: float


@dataclass
class Outcome:
    """The result of a run. Energies in kWh, money in EUR, powers in W.

    `totals`: per peer; `slots`: of the community in each slot; `details`: (slots, peers), only
    where asked for; `stored_wh`: the batteries' charge at the end.
    """

    community: Community
    totals: dict[str, Values]
    slots: dict[str, Values]
    peak_import_w: Values
    stored_wh: Values
    net_metering_cost: Values | None = None
    details: dict[str, Values] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    response: Response | None = None
    events: list[Held] = field(default_factory=list)
    pool_stored_wh: float = 0.0
    guard: Guard | None = None
    curtailed_trades: list[Pair] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Block:
    start: int
    stop: int
    inputs: Inputs
    tariff: Tariff
    battery_w: Values
    stored_wh: Values
    curtailed_w: Values
    position_w: Values
    flows: Settled = field(default=None)  # type: ignore[assignment]  # once they have met
    lost: tuple[Pair, ...] = ()  # trades that the feeder could not carry


def run(
    community: Community,
    *,
    has_details: bool = False,
    on_progress: Callable[[int], None] = lambda slots: None,
) -> Outcome:
    """Simulate every slot. Raises OutOfBalance, NoSchedule or BadInput."""
    clock = community.clock
    planned = plan(community)
    outcome = _empty(community)
    batteries = Batteries(community.storage, clock.slot_hours, community.market.design != "none")
    memory, guard = Memory.of(community), _guard(community)
    details: dict[str, list[Values]] = {}
    step = max(1, CELLS_OF_BLOCK // community.size)
    for start in range(0, clock.slots, step):
        stop = min(start + step, clock.slots)
        own = None if planned is None else planned.block(start, stop)
        block = _simulate(community, (start, stop), batteries, own)
        block = _settled(community, block, memory, guard)
        _check(community, block)
        _add(outcome, block, clock.slot_hours)
        if has_details:
            for name, values in _details(block).items():
                details.setdefault(name, []).append(values)
            outcome.pairs += block.flows.pairs
        outcome.curtailed_trades += block.lost
        on_progress(stop)
    outcome.details = {name: np.concatenate(parts) for name, parts in details.items()}
    outcome.stored_wh = batteries.stored_wh
    outcome.guard = guard
    outcome.pool_stored_wh = 0.0 if memory.pool is None else memory.pool.stored_wh
    if community.market.net_metering:
        outcome.net_metering_cost = net_metering_cost(outcome.totals, community.tariff)
    return outcome


def _guard(community: Community) -> Guard | None:
    """Return the feeder's guard where the scenario has a feeder; pandapower is slow to import."""
    if community.network is None:
        return None
    from hub.sim.network.guard import Guard

    return Guard(community.network, community.names, community.clock)


def _simulate(
    community: Community, span: tuple[int, int], batteries: Batteries, planned: Plan | None
) -> _Block:
    """Return a block with the peers' positions, before they meet."""
    start, stop = span
    inputs = community.block(start, stop)
    tariff = tariff_of(community.tariff, start, stop)
    generation_w = inputs.generation_w
    scheduled_w = None
    if planned is not None:
        inputs = replace(inputs, load_w=inputs.load_w + planned.vehicle_w)
        scheduled_w = planned.battery_w
    battery_w, stored_wh = batteries.step_block(generation_w - inputs.load_w, scheduled_w)
    position_w = inputs.load_w - generation_w + battery_w
    curtailed_w = np.maximum(-community.export_limit_w - position_w, 0.0)
    position_w = position_w + curtailed_w
    return _Block(start, stop, inputs, tariff, battery_w, stored_wh, curtailed_w, position_w)


def _settled(community: Community, block: _Block, memory: Memory, guard: Guard | None) -> _Block:
    """Let the block's peers meet, within the feeder's limits where there is one."""
    can_cut_w = block.inputs.generation_w - block.curtailed_w
    if guard is not None and guard.limits_before:
        block = _with_cut(block, guard.held_back(block.position_w, can_cut_w))
    flows = settle(community, block.start, block.position_w, block.tariff, memory)
    if guard is not None and guard.curtails_after:
        from hub.sim.network.curtail import curtail

        cut_w = guard.held_back(block.position_w, can_cut_w)
        flows, lost = curtail(community, block.start, flows, cut_w)
        block = _with_cut(replace(block, lost=tuple(lost)), cut_w)
    if guard is not None:
        guard.watch(block.start, block.position_w)
    return replace(block, flows=flows)


def _with_cut(block: _Block, cut_w: Values) -> _Block:
    return replace(
        block, curtailed_w=block.curtailed_w + cut_w, position_w=block.position_w + cut_w
    )


def tariff_of(tariff: Tariff, start: int, stop: int) -> Tariff:
    """Return the tariff of slots [start, stop)."""
    co2 = tariff.co2_kg_per_kwh
    return Tariff(
        tariff.retail[start:stop],
        tariff.feed_in[start:stop],
        None if co2 is None else co2[start:stop],
    )


def _check(community: Community, block: _Block) -> None:
    clock = community.clock
    check_energy(clock, block.start, block.inputs, block.battery_w, block.curtailed_w, block.flows)
    check_trades(clock, block.start, block.flows, community.market.loss_permille)
    check_money(clock, block.start, block.flows, block.tariff)


def _empty(community: Community) -> Outcome:
    slots = community.clock.slots
    totals = {name: np.zeros(community.size) for name in (*ENERGIES, *MONEY)}
    series = {
        name: np.zeros(slots)
        for name in (*_SERIES, "pool_stored", "cost", "trade_paid", "need", "offer")
    }
    return Outcome(
        community,
        totals,
        series,
        np.zeros(community.size),
        np.zeros(community.size),
        warnings=list(community.warnings),
    )


_SERIES = (
    "load",
    "pv",
    "generation",
    "import",
    "export",
    "bought",
    "sold",
    "battery",
    "stored",
    "curtailed",
    "pool_given",
    "pool_drawn",
)


def _powers(block: _Block) -> dict[str, Values]:
    flows = block.flows
    return {
        "load": block.inputs.load_w,
        "pv": np.maximum(block.inputs.pv_w - block.curtailed_w, 0.0)
        if block.curtailed_w.any()
        else block.inputs.pv_w,
        "generation": block.inputs.generation_w - block.curtailed_w,
        "import": flows.import_w,
        "export": flows.export_w,
        "bought": flows.bought_w,
        "sold": flows.sold_w,
        "battery": block.battery_w,
        "stored": block.stored_wh,
        "curtailed": block.curtailed_w,
        "pool_given": _none(block) if flows.pool is None else flows.pool.given_w,
        "pool_drawn": _none(block) if flows.pool is None else flows.pool.drawn_w,
    }


def _none(block: _Block) -> Values:
    return np.broadcast_to(0.0, block.position_w.shape)


def _add(outcome: Outcome, block: _Block, hours: float) -> None:
    totals, flows, tariff = outcome.totals, block.flows, block.tariff
    powers = _powers(block)
    absent = () if flows.pool is not None else POOLED  # a run of many homes is no slower for it
    for name in (one for one in _SERIES if one not in absent):
        outcome.slots[name][block.start : block.stop] = powers[name].sum(axis=1)
    powers["charged"] = np.maximum(block.battery_w, 0.0)
    powers["discharged"] = powers["charged"] - block.battery_w
    for name in (one for one in ENERGIES if one not in absent):
        totals[name] += powers[name].sum(axis=0) * (hours / W_PER_KW)
    cost = flows.cost(tariff)
    deficit_w = np.maximum(block.position_w, 0.0)
    surplus_w = deficit_w - block.position_w
    totals["cost"] += cost.sum(axis=0) * hours
    totals["grid_only_cost"] += (tariff.retail @ deficit_w - tariff.feed_in @ surplus_w) * (
        hours / W_PER_KW
    )
    totals["trade_cost"] += flows.paid.sum(axis=0) * hours
    totals["trade_income"] += flows.earned.sum(axis=0) * hours
    totals["fee"] += flows.fee.sum(axis=0) * hours
    if flows.pool is not None:
        totals["pool_income"] += flows.pool.earned.sum(axis=0) * hours
        totals["pool_cost"] += flows.pool.paid.sum(axis=0) * hours
        outcome.slots["pool_stored"][block.start : block.stop] = flows.pool.stored_wh
    np.maximum(outcome.peak_import_w, flows.import_w.max(axis=0), out=outcome.peak_import_w)
    chosen = slice(block.start, block.stop)
    outcome.slots["cost"][chosen] = cost.sum(axis=1) * hours
    outcome.slots["trade_paid"][chosen] = flows.paid.sum(axis=1) * hours
    outcome.slots["need"][chosen] = deficit_w.sum(axis=1)
    outcome.slots["offer"][chosen] = surplus_w.sum(axis=1)


def _details(block: _Block) -> dict[str, Values]:
    return {
        **_powers(block),
        "cost": block.flows.cost(block.tariff),
        "paid": block.flows.paid,
        "earned": block.flows.earned,
    }
