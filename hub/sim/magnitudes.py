"""Usual magnitudes: the largest value of a quantity enters, what is unlikely about it leaves.

The bounds are wide: they tell units apart, mostly a thousandfold, not one house from another.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usual:
    """Between what the largest value usually lies, in `unit`, and what else it may be given in."""

    low: float
    high: float
    unit: str
    low_hint: str
    high_hint: str

    def fault(self, largest: float) -> str | None:
        """Return what is unlikely about it, None for what is usual; 0 and no limit are."""
        if 0 < largest < self.low:
            return f"at most {largest:g} {self.unit}; {self.low_hint}"
        if self.high < largest < float("inf"):
            return f"up to {largest:g} {self.unit}; {self.high_hint}"
        return None


NONE = 0.0
KW = "is it in kW or kWh, not in W?"
KWH = "is it in kWh, not in Wh?"
MW = "is it in mW, or a whole town?"
TOWN_W = 1e6

POWER = Usual(20.0, TOWN_W, "W", KW, MW)
BASE_LOAD = Usual(2.0, TOWN_W, "W", KW, MW)  # beside appliances: a router's
LIMIT = Usual(100.0, TOWN_W, "W", KW, MW)  # of a grid connection, whose least is some 3 kW
POWERS = (POWER, BASE_LOAD)  # of series
BATTERY_POWER = Usual(30.0, TOWN_W, "W", KW, MW)
CHARGER = Usual(200.0, TOWN_W, "W", KW, MW)  # 6 A of one phase are 1.4 kW
PEAK = Usual(50.0, TOWN_W, "W", KW, MW)  # a balcony's module has 300 W
BATTERY = Usual(100.0, 1e8, "Wh", KWH, "is it in mWh?")
VEHICLE_NEED = Usual(200.0, 3e5, "Wh", KWH, "a day; no car holds as much")
AREA = Usual(NONE, 1e4, "m2", "", "is it in cm2?")
IRRADIANCE = Usual(
    2.0,
    1500.0,
    "W/m2",
    "is it in kW/m2?",
    "more than the sun gives (1361 W/m2); is it in Wh of a day?",
)
WIND_SPEED = Usual(NONE, 45.0, "m/s", "", "is it in km/h?")
TEMPERATURE = Usual(NONE, 60.0, "C", "", "is it in K or degrees F?")
RETAIL = Usual(0.002, 3.0, "EUR/kWh", "is it in EUR/Wh?", "is it in ct/kWh or EUR/MWh?")
PRICE = Usual(NONE, 3.0, "EUR/kWh", "", "is it in ct/kWh or EUR/MWh?")
REWARD = Usual(NONE, 20.0, "EUR/kWh", "", "is it in ct/kWh or EUR/MWh?")
CARBON = Usual(NONE, 2.0, "kg/kWh", "", "more than lignite's; is it in g/kWh?")
CARBON_PRICE = Usual(NONE, 5.0, "EUR/kg", "", "is it in EUR/t?")
