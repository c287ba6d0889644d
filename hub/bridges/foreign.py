"""Reads what other programs sent: any bytes enter, checked integers with units or BadAnswer leave.

Numbers go through decimals, so that 0.1 W is 100,000 uW and never 99,999.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub import strange_json
from hub.bridges.errors import BridgeDown
from hub.strange_json import StrangeJson

LONGEST_NUMBER = 32
MICRO = 10**6
LARGEST = 10**17  # beyond any energy in uWh that a plug of this century counts
EXACT = decimal.Context(prec=60)


class BadAnswer(BridgeDown):
    """The other side's answer is not what its protocol says."""


def read_json(body: bytes | str) -> Any:
    """Return the value of a JSON text. Raises BadAnswer for everything else."""
    try:
        return strange_json.loads(body)
    except StrangeJson:
        raise BadAnswer(f"not JSON: {body[:60]!r}") from None


def read_object(body: bytes | str) -> dict[str, Any]:
    """Return a JSON object. Raises BadAnswer."""
    found = read_json(body)
    if not isinstance(found, dict):
        raise BadAnswer(f"not a JSON object: {body[:60]!r}")
    return found


def table(value: object) -> Mapping[str, Any]:
    """Return a value as a table, an empty one when it is none."""
    return value if isinstance(value, dict) else {}


def item(value: object, place: int) -> Any:
    """Return the item of a list at a place, None when there is none."""
    return value[place] if isinstance(value, list) and 0 <= place < len(value) else None


def scaled(value: object, factor: Decimal | int = MICRO) -> int | None:
    """Return a foreign number times `factor`, rounded; None for what is no finite number.

    Devices send numbers as numbers or as text; Tasmota sends arrays for several channels, which
    are for the caller to choose from.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, int) and abs(value) > LARGEST:
        return None  # before it becomes text: Python refuses very long ones
    text = value.strip() if isinstance(value, str) else repr(value)
    if not text or len(text) > LONGEST_NUMBER or "_" in text:
        return None
    try:
        found = Decimal(text)
        if not found.is_finite() or found.adjusted() > 20:
            return None
        product = EXACT.multiply(found, Decimal(factor))
        if abs(product) > LARGEST:
            return None
        return int(product.to_integral_value(decimal.ROUND_HALF_EVEN, EXACT))
    except decimal.DecimalException:
        return None


def switch_state(value: object) -> bool | None:
    """Return whether "on", "ON", 1 or true; None for what is neither on nor off."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"on": True, "1": True, "off": False, "0": False}.get(value.lower()[:4])
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None
