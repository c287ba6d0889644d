"""All houses on their bus segments in one time: pin levels go in, traces and edges come out."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from tools.bench.bus import Segment
from tools.bench.house import House
from tools.bench.watch import Edge, Watch

TICK_S = 0.05
"""Slow quantities (sun, load, charge, a discharging bus) move at this step."""
PROFILE_TICKS = 4


class World:
    """The physics of the bench, advanced by its callers to any later time.

    Everything is constant between events: relay contacts at their exact times, and ticks. So
    energies are exact sums and no step size decides an error.
    """

    def __init__(
        self,
        houses: Sequence[House],
        site_now: Callable[[], datetime.datetime],
        now_s: float,
        segments: Sequence[str] = (),
    ) -> None:
        """`segments`: the bus segment of each house; empty where all share one."""
        self.houses = list(houses)
        self.segments: dict[str, Segment] = {}
        self._segments = _wire(self.houses, segments, self.segments)
        self.watch = Watch()
        self._site_now = site_now
        self._now_s = now_s
        self._ticks = 0
        self._next_tick_s = now_s
        self._next_event_s = now_s
        self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """Let time pass until `now_s`; an earlier time does nothing."""
        while self._next_event_s <= now_s:
            at_s = self._next_event_s
            self._integrate_to(at_s)
            if at_s >= self._next_tick_s:
                self._tick(at_s)
            self._move_contacts(at_s)
            self._schedule()

    def settle(self, now_s: float) -> None:
        """Advance and count all energy and edges up to `now_s`, for reports."""
        self.advance(now_s)
        self._integrate_to(now_s)
        self.watch.settle(now_s)

    def set_pin(self, house: House, pin: int, level: int | None, now_s: float) -> None:
        """Drive a pin of a house's board (None: it floats)."""
        self.advance(now_s)
        house.set_pin(pin, level, now_s)
        self._schedule()

    def power_off(self, house: House, now_s: float) -> None:
        """Let all pins of a house's board float."""
        self.advance(now_s)
        house.float_all(now_s)
        self._schedule()

    def touch(self, now_s: float) -> None:
        """Look at the relays again after a fault was injected into one."""
        self.advance(now_s)
        self._schedule()

    def _schedule(self) -> None:
        edges = [
            relay.next_edge_s
            for house in self.houses
            for relay in house.relays.values()
            if relay.next_edge_s is not None
        ]
        self._next_event_s = min([self._next_tick_s, *edges])

    def _integrate_to(self, now_s: float) -> None:
        duration_s = now_s - self._now_s
        if duration_s <= 0:
            return
        for house in self.houses:
            house.integrate(duration_s)
        self._now_s = now_s

    def _tick(self, now_s: float) -> None:
        if self._ticks % PROFILE_TICKS == 0:
            local = self._site_now()
            for house in self.houses:
                house.follow_profile(local)
        self._ticks += 1
        self._next_tick_s += TICK_S
        for house in self.houses:
            house.balance(now_s)
        self._solve(now_s)
        self.watch.settle(now_s)

    def _move_contacts(self, now_s: float) -> None:
        moved = False
        for index, house in enumerate(self.houses):
            segment = self._segments[index]
            for name, relay in house.relays.items():
                while relay.next_edge_s is not None and relay.next_edge_s <= now_s:
                    live_v = segment.voltage_v(now_s)
                    _, closed = relay.take_edge()
                    setattr(house.port, f"{name}_closed", closed)
                    edge = Edge(now_s, index, name, closed)
                    self.watch.contact_changed(edge, house.port, segment.ports, live_v)
                    moved = True
        if moved:
            self._solve(now_s)
            for house in self.houses:
                house.balance(now_s)

    def _solve(self, now_s: float) -> None:
        for segment in self.segments.values():
            segment.solve(now_s)
        for house in self.houses:
            house.traces["bus"].note(now_s, house.port.meter_v, house.port.current_a)


def _wire(
    houses: Sequence[House], names: Sequence[str], segments: dict[str, Segment]
) -> list[Segment]:
    """Lay the named segments, each along its houses; return the one of every house."""
    names = list(names) or [""] * len(houses)
    for name in dict.fromkeys(names):
        ports = [house.port for house, own in zip(houses, names, strict=True) if own == name]
        segments[name] = Segment(ports)
    return [segments[name] for name in names]
