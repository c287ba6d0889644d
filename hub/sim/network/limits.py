"""What the scenario says of its feeder, as a plain record (docs/scenario.md)."""

from __future__ import annotations

from dataclasses import dataclass

STREET = "street"
KERBER = (
    "kerber-landnetz-freileitung-1",
    "kerber-landnetz-freileitung-2",
    "kerber-landnetz-kabel-1",
    "kerber-landnetz-kabel-2",
    "kerber-dorfnetz",
    "kerber-vorstadtnetz-kabel-1",
    "kerber-vorstadtnetz-kabel-2",
)
"""Kerber (2011), typical Bavarian low-voltage networks, as pandapower has them."""
FEEDERS = (STREET, *KERBER)
BEFORE, AFTER, REPORT = "before", "after", "report"
MODES = (BEFORE, AFTER, REPORT)


@dataclass(frozen=True)
class Network:
    """A feeder and its limits: voltages in shares of nominal, loading in shares of the rating.

    `mode` "before": an optimal power flow sets each peer's export limit before a slot clears;
    "after": the slot clears, then the trades that cause a violation are curtailed; "report": only
    what happens is said. `where` is for messages.
    """

    where: str
    feeder: str = STREET
    spacing_m: float = 40.0
    cable: str = "NAYY 4x50 SE"
    transformer: str = "0.25 MVA 20/0.4 kV"
    source_pu: float = 1.0
    min_voltage_pu: float = 0.95
    max_voltage_pu: float = 1.05
    max_loading: float = 1.0
    power_factor: float = 0.97
    mode: str = BEFORE
