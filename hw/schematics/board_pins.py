"""The drawing's GPIOs beside the firmware's pin table: every difference becomes a sentence."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

NETS = {"ADC_PINS[0]": "PV_ADC", "ADC_PINS[1]": "LOAD_ADC", "ADC_PINS[2]": "CH2_ADC",
        "RELAY_IN": "RELAY_IN", "RELAY_OUT": "RELAY_OUT", "LED": "LED",
        "SDA": "SDA", "SCL": "SCL"}  # fmt: skip
"""Names of the firmware's table (node/profiles.py) -> nets of the drawing."""
NOT_PINS = ("I2C",)
"""The table's other number: the controller of SDA and SCL."""


def table(profile: type) -> dict[str, int]:
    """Return the GPIO numbers of a pin profile by name; tuples give one name per member.

    Every number or tuple in capitals counts as pins unless NOT_PINS names it.
    """
    found = {}
    for name in dir(profile):
        value = getattr(profile, name)
        if not name.isupper() or name in NOT_PINS:
            continue
        if isinstance(value, tuple):
            found.update({f"{name}[{place}]": number for place, number in enumerate(value)})
        elif isinstance(value, int):
            found[name] = value
    return found


def boot_relay_pins(boot: Path) -> dict[str, int]:
    """Return the relay pins that boot.py sets first, by the table's names."""
    for node in ast.parse(boot.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RELAY_PINS":
            return dict(zip(("RELAY_IN", "RELAY_OUT"), ast.literal_eval(node.value), strict=True))
    raise ValueError(f"{boot} names no RELAY_PINS")


def differences(firmware: Mapping[str, int], drawn: Mapping[str, str], who: str) -> list[str]:
    """Compare a firmware table (name -> GPIO) with drawn pins ("GP26" -> net), both ways.

    `who` is what the sentences call the table.
    """
    places = {net: pin for pin, net in drawn.items()}
    found = []
    for name, number in firmware.items():
        net, pin = NETS.get(name), f"GP{number}"
        if net is None:
            found.append(f"{who} has {name} on {pin}, which the drawing doesn't know")
        elif drawn.get(pin) != net:
            has = drawn.get(pin, "nothing")
            found.append(f"{who} has {name} on {pin}, but the drawing has {net} on "
                         f"{places.get(net, 'no pin')} and {has} on {pin}")  # fmt: skip
    claimed = {NETS[name] for name in firmware if name in NETS}
    for pin, net in drawn.items():
        if net not in claimed:
            found.append(f"the drawing has {net} on {pin}, but {who} has no pin for it")
    return found
