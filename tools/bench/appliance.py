"""One appliance of a home behind a smart plug: a part of the profile's load that can be off."""

from __future__ import annotations

from dataclasses import dataclass

RATED_W = 800.0
"""What a washing machine takes while it heats; more of the load is not behind the plug."""


@dataclass
class Appliance:
    """Takes what the home uses above its base load, up to its rated power, while it is on."""

    rated_w: float = RATED_W
    is_on: bool = True
    power_w: float = 0.0
    energy_j: float = 0.0

    def take(self, load_w: float, base_w: float) -> float:
        """Follow a home's load; return what the home takes with the appliance as it is."""
        wanted_w = min(self.rated_w, max(0.0, load_w - base_w))
        self.power_w = wanted_w if self.is_on else 0.0
        return load_w - wanted_w + self.power_w
