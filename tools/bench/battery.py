"""A house's battery: power in or out becomes terminal voltage, current and state of charge."""

from __future__ import annotations

import math

SOC_POINTS = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
REST_V_POINTS = (9.0, 10.2, 10.8, 11.1, 11.85, 12.35, 12.6)
"""Rest voltage of three Li-ion cells in series over the state of charge."""


class Battery:
    """Three Li-ion cells in series behind an internal resistance.

    Power is positive while it charges. What it can't take or give is for the grid connection.
    """

    def __init__(self, capacity_wh: float, soc: float, *, limit_w: float = 20.0) -> None:
        self.capacity_wh = capacity_wh
        self.soc = soc
        self._limit_w = limit_w
        self._resistance_ohm = 0.08

    @property
    def rest_v(self) -> float:
        """Voltage at rest in V."""
        for upper in range(1, len(SOC_POINTS)):
            if self.soc <= SOC_POINTS[upper]:
                break
        low, high = SOC_POINTS[upper - 1], SOC_POINTS[upper]
        part = (self.soc - low) / (high - low)
        return REST_V_POINTS[upper - 1] + part * (REST_V_POINTS[upper] - REST_V_POINTS[upper - 1])

    def accept(self, power_w: float) -> float:
        """Return the part of `power_w` that it takes (or gives, when negative) at its state."""
        if (power_w > 0 and self.soc >= 1.0) or (power_w < 0 and self.soc <= 0.02):
            return 0.0
        return max(-self._limit_w, min(self._limit_w, power_w))

    def terminals(self, power_w: float) -> tuple[float, float]:
        """Return (voltage in V, current in A) at a terminal power in W, both signs alike."""
        rest_v, resistance_ohm = self.rest_v, self._resistance_ohm
        # P = I * (E + I R)
        current_a = (math.sqrt(rest_v**2 + 4 * resistance_ohm * power_w) - rest_v) / (
            2 * resistance_ohm
        )
        return rest_v + current_a * resistance_ohm, current_a

    def step(self, current_a: float, duration_s: float) -> None:
        """Move charge: what enters the cells themselves, so without the resistance's loss."""
        energy_wh = self.rest_v * current_a * duration_s / 3600
        self.soc = max(0.0, min(1.0, self.soc + energy_wh / self.capacity_wh))
