"""A PV panel: the power it is asked for becomes terminal voltage and current."""

from __future__ import annotations

import math
from dataclasses import dataclass

DARK_W = 0.02
"""Below this the charger sleeps and the terminals float down with the light."""


@dataclass(frozen=True)
class Panel:
    """A 36-cell panel held at its maximum power point by the charger.

    23.4 V open circuit in full light, which falls with the logarithm of the light; the maximum
    power point is at a fixed part of it.
    """

    peak_w: float
    open_circuit_v: float = 23.4
    mpp_ratio: float = 0.78
    log_slope: float = 0.045

    def terminals(self, power_w: float) -> tuple[float, float]:
        """Return (voltage in V, current in A) while it gives `power_w`."""
        if self.peak_w <= 0 or power_w <= 0:
            return 0.0, 0.0
        light = min(1.2, power_w / self.peak_w)
        open_v = max(0.0, self.open_circuit_v * (1 + self.log_slope * math.log(light)))
        if power_w < DARK_W:
            return open_v * power_w / DARK_W, 0.0
        voltage_v = open_v * self.mpp_ratio
        return voltage_v, power_w / voltage_v
