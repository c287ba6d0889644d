"""What gives way when the feeder is full: a block's powers enter, those that it bears leave.

A house that feeds in too much discharges its battery less, then curtails generation. A house that
takes too much charges its battery less, then lets load wait: a vehicle's charging and the share of
its load that is flexible. What waits is taken up in the next slots as far as the feeder bears that
(a vehicle until it leaves, within its power); `load_max_w` bounds the rest. Other load is nobody's
to limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hub.sim.community import Community, Inputs
from hub.sim.dispatch import Batteries
from hub.sim.house_load import without_vehicle_w
from hub.sim.outcome import Block

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Room:
    """By how much each peer can change its position: up (feed in less), down (take less)."""

    up_w: Values
    down_w: Values


@dataclass
class _Waiting:
    """Energy that waits, and that has waited in vain, in Wh a peer."""

    vehicle_wh: Values
    other_wh: Values
    unserved_wh: Values


class GivingWay:
    """One run's flexible powers; blocks are single slots and come in their order."""

    def __init__(self, community: Community, batteries: Batteries) -> None:
        self._community, self._batteries = community, batteries
        self._hours = community.clock.slot_hours
        self._waiting = _Waiting(*(np.zeros(community.size) for _ in range(3)))
        size, peers = community.size, community.peers
        self._share = np.zeros(size)  # of the load that is neither vehicle nor appliance
        self._lowest_w, self._highest_w = np.zeros(size), np.full(size, np.inf)
        for place, peer in enumerate(peers):
            self._share[place] = peer.elastic_share
            self._lowest_w[place], self._highest_w[place] = peer.load_min_w, peer.load_max_w
        self._vehicle_w, self._vehicle_most_w = _vehicles(community)
        self._shiftable_w = _shiftable(community)
        self._flexible: tuple[Values, Values] = (np.zeros(size), np.zeros(size))

    def resume(self, slot: int, inputs: Inputs, scheduled_vehicle_w: Values | None) -> Inputs:
        """Return a slot's inputs with what waits taken up again."""
        waiting, load_w = self._waiting, inputs.load_w[0]
        vehicle_w = self._vehicle_w[slot].copy()
        if scheduled_vehicle_w is not None:
            vehicle_w += scheduled_vehicle_w[0]
        most_w = self._vehicle_most_w[slot]
        has_left = most_w <= 0
        waiting.unserved_wh += np.where(has_left, waiting.vehicle_wh, 0.0)
        waiting.vehicle_wh = np.where(has_left, 0.0, waiting.vehicle_wh)
        own_w = np.maximum(load_w - vehicle_w, 0.0)
        again_w = np.minimum(waiting.vehicle_wh / self._hours, np.maximum(most_w - vehicle_w, 0.0))
        room_w = np.maximum(self._highest_w - load_w - again_w, 0.0)
        other_again_w = np.minimum(waiting.other_wh / self._hours, room_w)
        waiting.vehicle_wh = np.maximum(waiting.vehicle_wh - again_w * self._hours, 0.0)
        waiting.other_wh = np.maximum(waiting.other_wh - other_again_w * self._hours, 0.0)
        other_w = np.minimum(own_w * self._share + self._shiftable_w[slot], own_w)
        self._flexible = vehicle_w + again_w, other_w + other_again_w
        return replace(inputs, load_w=inputs.load_w + again_w + other_again_w)

    def room_w(self, block: Block) -> Room:
        """Return what each peer could change; `resume` came before."""
        battery_w = block.battery_w[0]
        generation_w = block.inputs.generation_w[0] - block.curtailed_w[0]
        up_w = generation_w + np.maximum(-battery_w, 0.0)
        return Room(up_w, np.maximum(battery_w, 0.0) + self._can_wait_w(block))

    def apply(self, block: Block, change_w: Values) -> Block:
        """Return the block after each peer changed its position by `change_w` (slots, peers)."""
        if not change_w.any():
            return block
        up_w, down_w = np.maximum(change_w[0], 0.0), np.maximum(-change_w[0], 0.0)
        battery_w = block.battery_w[0]
        rest_w = np.minimum(up_w, np.maximum(-battery_w, 0.0))
        unfed_w = np.minimum(down_w, np.maximum(battery_w, 0.0))
        changed_w = battery_w + rest_w - unfed_w
        self._batteries.correct(battery_w, changed_w)
        deferred_w = self._wait(down_w - unfed_w)
        load_w = block.inputs.load_w - deferred_w
        return replace(
            block,
            inputs=replace(block.inputs, load_w=load_w),
            battery_w=changed_w[None],
            stored_wh=self._batteries.stored_wh[None].copy(),
            curtailed_w=block.curtailed_w + (up_w - rest_w),
            deferred_w=block.deferred_w + deferred_w,
            position_w=block.position_w + change_w,
        )

    def unserved_wh(self) -> Values:
        """Return what waited and was not served by now, a peer."""
        waiting = self._waiting
        return waiting.unserved_wh + waiting.vehicle_wh + waiting.other_wh

    def _can_wait_w(self, block: Block) -> Values:
        vehicle_w, other_w = self._flexible
        load_w = block.inputs.load_w[0]
        return np.minimum(vehicle_w + other_w, np.maximum(load_w - self._lowest_w, 0.0))

    def _wait(self, deferred_w: Values) -> Values:
        """Note what waits: the flexible load, then the vehicle. Return it."""
        other_w = np.minimum(deferred_w, self._flexible[1])
        self._waiting.other_wh += other_w * self._hours
        self._waiting.vehicle_wh += (deferred_w - other_w) * self._hours
        return deferred_w


def _vehicles(community: Community) -> tuple[Values, Values]:
    """Return what vehicles without a schedule charge in each slot, and what each at home could."""
    clock = community.clock
    charging_w, most_w = np.zeros((2, clock.slots, community.size))
    for place, peer in enumerate(community.peers):
        if peer.vehicle is None:
            continue
        timing = clock.minutes_of_day, clock.slot_minutes
        room_w = peer.load_max_w - without_vehicle_w(peer, clock)
        most_w[:, place] = peer.vehicle.most_w(peer.vehicle.stays(*timing), room_w)
        if peer.strategy != "optimal":  # that one is scheduled
            charging_w[:, place] = peer.vehicle.load_w(*timing, room_w)
    return charging_w, most_w


def _shiftable(community: Community) -> Values:
    """Return the power of appliances that may run at another time, (slots, peers)."""
    clock = community.clock
    found = np.zeros((clock.slots, community.size))
    for place, peer in enumerate(community.peers):
        for one in peer.appliances:
            ran = one.share_of_slots(clock.minutes_of_day, clock.slot_minutes)
            found[:, place] += one.power_w * one.shiftable_share * ran
    return found
