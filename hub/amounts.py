"""Amounts as people type and read them: text to exact integers and back, never through a float."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, localcontext

from hub.errors import TruequeError

# Multiples of the integer unit; a typed amount without a unit is in the first one of its table.
ENERGY_UNITS_UWH = {"mwh": 1_000, "uwh": 1, "wh": 1_000_000, "kwh": 1_000_000_000}
PRICE_UNITS_GWEI = {"eth/kwh": 1_000_000_000, "gwei/kwh": 1}

SMALL_WEI = 10**15

# The contract holds both in uint64; far below it an amount is already absurd for a house.
MAX_ENERGY_UWH = 1_000_000_000_000  # 1 MWh
MAX_PRICE_GWEI_PER_KWH = 1_000_000_000_000  # 1000 ETH/kWh

_AMOUNT = re.compile(r"(?P<number>[+-]?[0-9]*[.,]?[0-9]*(?:[eE][+-]?[0-9]{1,3})?)\s*(?P<unit>.*)")
# A comma before three digits is a decimal comma to some and a thousands mark to others.
_AMBIGUOUS = re.compile(r"[1-9][0-9]*,[0-9]{3}")
_LONGEST_INPUT = 40


class BadAmount(TruequeError):
    """A typed amount that cannot be used; `field` names the form field it belongs to."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def parse_energy_uwh(text: object) -> int:
    """Return the energy in uWh of "40", "40 mWh", "0.04 Wh" or "40000 uWh" (no unit: mWh).

    Raises BadAmount with one sentence when it is empty, no number, zero, negative, finer than
    1 uWh or absurdly large.
    """
    energy_uwh = _parse("energy", text, ENERGY_UNITS_UWH, "40 mWh")
    if energy_uwh > MAX_ENERGY_UWH:
        raise BadAmount("energy", "The energy is far more than a house can trade.")
    return energy_uwh


def parse_price_gwei_per_kwh(text: object) -> int:
    """Return the price in gwei/kWh of "0.2", "0.2 ETH/kWh" or "200000000 gwei/kWh" (no unit: ETH).

    Raises BadAmount like `parse_energy_uwh`; the finest step is 1 gwei/kWh.
    """
    price = _parse("price", text, PRICE_UNITS_GWEI, "0.2 ETH/kWh")
    if price > MAX_PRICE_GWEI_PER_KWH:
        raise BadAmount("price", "The price is absurdly high: check the decimal point.")
    return price


def check_energy_uwh(value: object) -> int:
    """Return `value` if it is a usable integer energy in uWh, else raise BadAmount."""
    return _check("energy", value, MAX_ENERGY_UWH, "uWh")


def check_price_gwei_per_kwh(value: object) -> int:
    """Return `value` if it is a usable integer price in gwei/kWh, else raise BadAmount."""
    return _check("price", value, MAX_PRICE_GWEI_PER_KWH, "gwei/kWh")


def energy_text(energy_uwh: int) -> str:
    """Return an energy as exact text in mWh: 34723 -> "34.723 mWh"."""
    return f"{_plain(Decimal(energy_uwh) / 1_000)} mWh"


def price_text(price_gwei_per_kwh: int) -> str:
    """Return a price as exact text in ETH/kWh: 200000000 -> "0.2 ETH/kWh"."""
    return f"{_plain(Decimal(price_gwei_per_kwh) / 1_000_000_000)} ETH/kWh"


def money_text(amount_wei: int) -> str:
    """Return an amount as exact text in ETH, however small: 1 -> "0.000000000000000001 ETH"."""
    with localcontext(prec=100):
        return f"{_plain(Decimal(amount_wei) / 10**18)} ETH"


def small_money_text(amount_wei: int) -> str:
    """Return an amount as exact text, below a thousandth of an ETH in gwei: "9053.394 gwei"."""
    if amount_wei == 0 or abs(amount_wei) >= SMALL_WEI:
        return money_text(amount_wei)
    return f"{_plain(Decimal(amount_wei) / 10**9)} gwei"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse(field: str, text: object, units: dict[str, int], example: str) -> int:
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise BadAmount(field, f"Type the {field} as text, for example {example}.")
    typed = str(text).strip()
    if not typed:
        raise BadAmount(field, f"Type the {field}, for example {example}.")
    match = _AMOUNT.fullmatch(typed) if len(typed) <= _LONGEST_INPUT else None
    if match is None or not any(sign.isdigit() for sign in match["number"]):
        raise BadAmount(field, f"The {field} is not a number; write for example {example}.")
    if _AMBIGUOUS.fullmatch(match["number"]):
        raise BadAmount(field, f"The comma in {match['number']} is ambiguous: use a point.")
    unit = match["unit"].replace(" ", "").replace("µ", "u").replace("μ", "u").lower()
    if unit not in units and unit:
        raise BadAmount(field, f"The {field} has an unknown unit; write for example {example}.")
    scale = units[unit] if unit else next(iter(units.values()))
    return _exact(field, match["number"].replace(",", "."), scale, units)


def _exact(field: str, number: str, scale: int, units: dict[str, int]) -> int:
    finest = next(unit for unit, multiple in units.items() if multiple == 1)
    with localcontext(prec=100):
        try:
            amount = Decimal(number) * scale
        except InvalidOperation:
            raise BadAmount(field, f"The {field} is not a number.") from None
        if amount <= 0:
            raise BadAmount(field, f"The {field} must be more than zero.")
        if amount > 10**30:
            raise BadAmount(field, f"The {field} is absurdly large.")
        if amount != amount.to_integral_value():
            raise BadAmount(field, f"The {field} is finer than 1 {_spelled(finest)}, the smallest.")
        return int(amount)


def _spelled(unit: str) -> str:
    return unit.replace("kwh", "kWh").replace("uwh", "µWh")


def _check(field: str, value: object, most: int, unit: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadAmount(field, f"The {field} must be an integer number of {unit}.")
    if value <= 0:
        raise BadAmount(field, f"The {field} must be more than zero.")
    if value > most:
        raise BadAmount(field, f"The {field} is absurdly large: {value} {unit}.")
    return value
