"""A DC bus segment: which contacts are closed becomes the voltage and current of every house."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

WIRE_OHM = 0.02
"""From a house's meter to its tap on the segment, both conductors."""
HOP_OHM = 0.005
"""Between neighbouring taps, both conductors."""
SHUNT_OHM = 0.05
BLEEDER_OHM = 100e3
CAPACITANCE_F = 1e-6
"""With the bleeder: a segment without a source is dead (below 1 V) after a quarter of a second."""
MAX_FLIPS = 60


@dataclass
class Port:
    """One house's connection: its source and sink, their contacts, and what flows.

    `current_a` is positive when the house takes from the bus; `meter_v` is the bus side of the
    shunt, where its INA226 measures.
    """

    in_closed: bool = False
    out_closed: bool = False
    source_v: float = 13.0
    source_ohm: float = 0.07
    limit_a: float = 0.5
    sink_v: float = 12.0
    sink_ohm: float = 0.25
    meter_v: float = field(default=0.0, init=False)
    current_a: float = field(default=0.0, init=False)
    source_w: float = field(default=0.0, init=False)
    sink_w: float = field(default=0.0, init=False)
    source_state: Literal["off", "linear", "limited"] = field(default="off", init=False)
    is_sinking: bool = field(default=False, init=False)

    def clear(self, meter_v: float) -> None:
        """Set the flows of a port that carries nothing."""
        self.meter_v = meter_v
        self.current_a = self.source_w = self.sink_w = 0.0
        self.source_state, self.is_sinking = "off", False


class Segment:
    """Houses along one pair of conductors.

    Sources are limited in current and feed through an ideal diode, sinks take current above their
    own voltage and never feed back: the piecewise-linear network is solved by nodal analysis,
    flipping one element's state at a time until all agree.
    """

    def __init__(self, ports: Sequence[Port]) -> None:
        self.ports = ports
        self.loss_w = 0.0
        self._charged_v = 0.0
        self._charged_s = 0.0

    def voltage_v(self, now_s: float) -> float:
        """Return the voltage of the first tap, decaying when no source holds it."""
        if any(port.source_state != "off" for port in self.ports):
            return self._charged_v
        decay_s = BLEEDER_OHM * CAPACITANCE_F
        voltage_v = self._charged_v * math.exp(-max(0.0, now_s - self._charged_s) / decay_s)
        return voltage_v if voltage_v > 1e-3 else 0.0

    def solve(self, now_s: float) -> None:
        """Set every port's flows for the contacts as they are now."""
        if any(port.out_closed and port.source_v > 0 for port in self.ports):
            self._solve_network()
            self._charged_s = now_s
            return
        voltage_v = self.voltage_v(now_s)
        for port in self.ports:
            if port.in_closed:
                voltage_v = min(voltage_v, port.sink_v)
            port.clear(voltage_v)
        for port in self.ports:
            port.meter_v = voltage_v
        self._charged_v, self._charged_s, self.loss_w = voltage_v, now_s, 0.0

    def _solve_network(self) -> None:
        active = [port for port in self.ports if port.in_closed or port.out_closed]
        for port in self.ports:
            port.clear(0.0)
        for port in active:
            if port.out_closed and port.source_v > 0:
                port.source_state = "limited"
        for _ in range(MAX_FLIPS):
            nodes_v = self._nodal(active)
            house_v = nodes_v[len(self.ports) :]
            if not any(_flip(port, float(v)) for port, v in zip(active, house_v, strict=True)):
                break
        self._distribute(active, nodes_v)

    def _nodal(self, active: Sequence[Port]) -> np.ndarray:
        """Return node voltages: every tap, then the house side of every active port's shunt."""
        taps = len(self.ports)
        size = taps + len(active)
        conductance, injected = np.zeros((size, size)), np.zeros(size)
        conductance[0, 0] += 1 / BLEEDER_OHM

        def tie(a: int, b: int, ohm: float) -> None:
            conductance[a, a] += 1 / ohm
            conductance[b, b] += 1 / ohm
            conductance[a, b] -= 1 / ohm
            conductance[b, a] -= 1 / ohm

        for tap in range(taps - 1):
            tie(tap, tap + 1, HOP_OHM)
        for node, port in enumerate(active, start=taps):
            tie(self.ports.index(port), node, WIRE_OHM + SHUNT_OHM)
            if port.is_sinking:
                conductance[node, node] += 1 / port.sink_ohm
                injected[node] += port.sink_v / port.sink_ohm
            if port.source_state == "limited":
                injected[node] += port.limit_a
            elif port.source_state == "linear":
                conductance[node, node] += 1 / port.source_ohm
                injected[node] += port.source_v / port.source_ohm
        return np.linalg.solve(conductance, injected)

    def _distribute(self, active: Sequence[Port], nodes_v: np.ndarray) -> None:
        for port, tap_v in zip(self.ports, nodes_v, strict=False):
            port.meter_v = float(tap_v)
        for port, house_v in zip(active, nodes_v[len(self.ports) :], strict=True):
            tap_v = port.meter_v
            port.current_a = float(tap_v - house_v) / (WIRE_OHM + SHUNT_OHM)
            port.meter_v = tap_v - port.current_a * WIRE_OHM
            sink_a = (float(house_v) - port.sink_v) / port.sink_ohm if port.is_sinking else 0.0
            port.sink_w = float(house_v) * sink_a
            port.source_w = float(house_v) * (sink_a - port.current_a)
        self._charged_v = float(nodes_v[0])
        self.loss_w = sum(port.source_w - port.sink_w for port in active)


def _flip(port: Port, house_v: float) -> bool:
    """Correct one element of a port whose state contradicts its voltage; False when none does."""
    if port.in_closed and port.is_sinking != (house_v > port.sink_v):
        port.is_sinking = not port.is_sinking
        return True
    if not port.out_closed or port.source_v <= 0:
        return False
    linear_a = (port.source_v - house_v) / port.source_ohm
    if linear_a <= 0:
        state: Literal["off", "linear", "limited"] = "off"
    else:
        state = "limited" if linear_a >= port.limit_a else "linear"
    if state == port.source_state:
        return False
    # Through "linear", so that neither end state is left for the other in one go.
    port.source_state = state if port.source_state == "linear" else "linear"
    return True
