"""The recent course of a branch's voltage and current: steps go in, means over a time come out."""

from __future__ import annotations

from collections import deque

KEEP = 512


class Trace:
    """Voltage in V and current in A as steps in time, the last `KEEP` of them."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float, float]] = deque([(0.0, 0.0, 0.0)], maxlen=KEEP)
        self._held_a: float | None = None

    @property
    def voltage_v(self) -> float:
        """Voltage now in V."""
        return self._steps[-1][1]

    @property
    def current_a(self) -> float:
        """Current now in A."""
        return self._steps[-1][2]

    def note(self, now_s: float, voltage_v: float, current_a: float) -> None:
        """Record the values from `now_s` on."""
        if self._held_a is not None:
            current_a = self._held_a
        last_s, last_v, last_a = self._steps[-1]
        if (last_v, last_a) == (voltage_v, current_a):
            return
        if last_s == now_s:
            self._steps.pop()
        self._steps.append((now_s, voltage_v, current_a))

    def hold(self, now_s: float, current_a: float) -> None:
        """Have a known current through the shunt from `now_s` on, whatever else is noted."""
        self._held_a = current_a
        self.note(now_s, self.voltage_v, current_a)

    def release(self) -> None:
        """Have what is noted from now on."""
        self._held_a = None

    def mean(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return mean voltage in V and current in A over [start, end)."""
        volt_s = ampere_s = 0.0
        until_s = end_s
        for at_s, voltage_v, current_a in reversed(self._steps):
            if at_s < until_s:
                span_s = until_s - max(at_s, start_s)
                volt_s += voltage_v * span_s
                ampere_s += current_a * span_s
                until_s = max(at_s, start_s)
            if at_s <= start_s:
                break
        covered_s = end_s - until_s
        if covered_s <= 0:
            return self.voltage_v, self.current_a
        return volt_s / covered_s, ampere_s / covered_s
