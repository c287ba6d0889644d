"""What of a reading other services can show: a name with its unit, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Reading = Mapping[str, Any]
Quantity = Callable[[Reading], int | None]


def _member(name: str) -> Quantity:
    return lambda reading: reading.get(name)


def _of_ports(ports: tuple[str, ...], quantity: str, unit: str) -> dict[str, Quantity]:
    short = {"uv": "v", "ua": "a", "uw": "w", "uwh": "wh"}[unit]
    return {f"{port}_{quantity}_{short}": _member(f"{port}_{quantity}_{unit}") for port in ports}


PORTS = ("pv", "battery", "bus", "load")
# In micro units as the store has them; the name has the unit that the value is shown in.
QUANTITIES: dict[str, Quantity] = {
    **_of_ports(PORTS, "voltage", "uv"),
    **_of_ports(PORTS, "current", "ua"),
    **_of_ports(PORTS, "power", "uw"),
    **_of_ports(PORTS, "import", "uwh"),
    **_of_ports(PORTS, "export", "uwh"),
    "load_apparent_va": _member("load_apparent_uva"),
    "load_apparent_vah": _member("load_apparent_uvah"),
    "house_meter_w": _member("house_meter_uw"),
    "house_meter_wh": _member("house_meter_uwh"),
}


def shown(reading: Reading, name: str) -> float | None:
    """Return a quantity in the unit of its name, for display elsewhere; None where none is."""
    micro = QUANTITIES[name](reading)
    return None if micro is None else micro / 1e6
