"""Runs a scenario: arrays of a community enter; totals per peer, series per slot, details leave.

The run goes through time in blocks small enough for the processor's cache, whatever the number of
homes, so memory grows with homes + slots, not with their product (details, forecasts and `optimal`
apart). Where a feeder makes peers give way, a block is one slot: what it did to a battery or a load
counts in the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hub.sim.balance import check_energy, check_money, check_trades
from hub.sim.community import Community, Tariff
from hub.sim.dispatch import Batteries
from hub.sim.forecasting import Forecaster
from hub.sim.net_metering import net_metering_cost
from hub.sim.network.giving_way import GivingWay
from hub.sim.origins import Mix
from hub.sim.outcome import Block, Outcome
from hub.sim.planning import Plan, plan
from hub.sim.settle import Memory, settle
from hub.sim.tally import add, details
from hub.sim.worth import gains

if TYPE_CHECKING:
    from hub.sim.network.feeder import Feeder
    from hub.sim.network.guard import Guard

Values = npt.NDArray[np.float64]

CELLS_OF_BLOCK = 32_768


class _Course:
    """One run on its way: what its slots leave to those that follow."""

    def __init__(self, community: Community, feeder: Feeder | None, *, has_details: bool) -> None:
        self.community = community
        self.planned = plan(community)
        is_trading = community.market.design != "none"
        trading = gains(community.market, community.tariff) if is_trading else None
        self.batteries = Batteries(community.storage, community.clock.slot_hours, trading)
        self.memory = Memory.of(community, has_details=has_details)
        self.forecaster = Forecaster.of(community)
        self.guard = _guard(community, feeder)
        self.giving_way: GivingWay | None = None
        if self.guard is not None and self.guard.acts:
            self.giving_way = GivingWay(community, self.batteries)

    @property
    def slots_of_block(self) -> int:
        if self.giving_way is not None:
            return 1
        return max(1, CELLS_OF_BLOCK // self.community.size)


def run(
    community: Community,
    *,
    has_details: bool = False,
    on_progress: Callable[[int], None] = lambda slots: None,
    feeder: Feeder | None = None,
) -> Outcome:
    """Simulate every slot; `feeder`: the community's, where it is known already.

    Raises OutOfBalance, NoSchedule or BadInput.
    """
    clock = community.clock
    outcome = Outcome.empty(community)
    course = _Course(community, feeder, has_details=has_details)
    detailed: dict[str, list[Values]] = {}
    step = course.slots_of_block
    for start in range(0, clock.slots, step):
        block = _simulate(course, start, min(start + step, clock.slots))
        block = _settled(course, block)
        _check(community, block)
        add(outcome, block, clock.slot_hours)
        if has_details:
            for name, values in details(block).items():
                detailed.setdefault(name, []).append(values)
            outcome.pairs += block.flows.pairs
        outcome.curtailed_trades += block.lost
        on_progress(block.stop)
    outcome.details = {name: np.concatenate(parts) for name, parts in detailed.items()}
    outcome.stored_wh = course.batteries.stored_wh
    outcome.guard = course.guard
    outcome.vehicle_w = None if course.planned is None else course.planned.vehicle_w
    if course.forecaster is not None:
        outcome.forecast = course.forecaster.errors
    if course.giving_way is not None:
        outcome.unserved_wh += course.giving_way.unserved_wh()
    outcome.pool_stored_wh = 0.0 if course.memory.pool is None else course.memory.pool.stored_wh
    if community.market.net_metering:
        outcome.net_metering_cost = net_metering_cost(outcome.totals, community.tariff)
    return outcome


def feeder_of(community: Community) -> Feeder | None:
    """Return the community's feeder, None without one; pandapower is slow to import."""
    if community.network is None:
        return None
    from hub.sim.network.feeder import Feeder

    return Feeder(community.network, community.names)


def _guard(community: Community, feeder: Feeder | None) -> Guard | None:
    if community.network is None:
        return None
    from hub.sim.network.guard import Guard

    known = feeder or feeder_of(community)
    assert known is not None
    return Guard(community.network, known)


def _simulate(course: _Course, start: int, stop: int) -> Block:
    """Return a block with the peers' positions, before they meet."""
    community = course.community
    inputs = community.block(start, stop)
    tariff = tariff_of(community.tariff, start, stop)
    generation_w = inputs.generation_w
    scheduled_w = vehicle_w = None
    if course.planned is not None:
        planned: Plan = course.planned.block(start, stop)
        inputs = replace(inputs, load_w=inputs.load_w + planned.vehicle_w)
        scheduled_w, vehicle_w = planned.battery_w, planned.vehicle_w
    if course.giving_way is not None:
        inputs = course.giving_way.resume(start, inputs, vehicle_w)
    battery_w, stored_wh = course.batteries.step_block(generation_w - inputs.load_w, scheduled_w)
    position_w = inputs.load_w - generation_w + battery_w
    curtailed_w = np.maximum(-community.export_limit_w - position_w, 0.0)
    return Block(
        start,
        stop,
        inputs,
        tariff,
        battery_w,
        stored_wh,
        curtailed_w,
        np.zeros_like(curtailed_w),
        position_w + curtailed_w,
    )


def _settled(course: _Course, block: Block) -> Block:
    """Let the block's peers meet, within the feeder's limits where there is one."""
    community, guard, giving_way = course.community, course.guard, course.giving_way
    if guard is not None and giving_way is not None and guard.limits_before:
        block = giving_way.apply(block, guard.change_w(block.position_w, giving_way.room_w(block)))
    mix = _mix(community, block)
    if course.forecaster is not None:
        flows = course.forecaster.settle(block, course.batteries, course.memory, mix)
    else:
        flows = settle(community, block.start, block.position_w, block.tariff, course.memory, mix)
    if guard is not None and giving_way is not None and guard.curtails_after:
        from hub.sim.network.curtail import curtail

        change_w = guard.change_w(block.position_w, giving_way.room_w(block))
        flows, lost = curtail(community, block.start, flows, change_w, mix)
        block = giving_way.apply(replace(block, lost=tuple(lost)), change_w)
    if guard is not None:
        guard.watch(block.start, block.position_w)
    return replace(block, flows=flows)


def _mix(community: Community, block: Block) -> Mix | None:
    """Return what the peers' energy comes from; None where nobody asks."""
    if not community.wishes.asks_for_origins:
        return None
    pv_w = np.maximum(block.inputs.pv_w - block.curtailed_w, 0.0)
    return Mix.of(community, block.start, pv_w, block.inputs.other_w, block.battery_w)


def tariff_of(tariff: Tariff, start: int, stop: int) -> Tariff:
    """Return the tariff of slots [start, stop)."""
    co2 = tariff.co2_kg_per_kwh
    return Tariff(
        tariff.retail[start:stop],
        tariff.feed_in[start:stop],
        None if co2 is None else co2[start:stop],
    )


def _check(community: Community, block: Block) -> None:
    clock = community.clock
    check_energy(clock, block.start, block.inputs, block.battery_w, block.curtailed_w, block.flows)
    check_trades(clock, block.start, block.flows, community.market.loss_permille)
    check_money(clock, block.start, block.flows, block.tariff)
