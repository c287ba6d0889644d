"""Exact arithmetic on amounts: sharing without loss, and money and fractions as text."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

WEI_PER_GWEI = 1_000_000_000


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` in proportion to `weights` so that the parts add up to it exactly.

    Largest remainder (Hamilton's method); equal remainders go to the earlier one. No part exceeds
    its weight while `total` does not exceed the weights' sum. All zero weights share nothing.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: -(total * weights[at] % whole))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return parts


def gwei_text(amount_wei: int) -> str:
    """Return an amount in gwei as an exact decimal: 1_500_000_000 wei -> "1.5"."""
    whole, rest = divmod(abs(amount_wei), WEI_PER_GWEI)
    sign = "-" if amount_wei < 0 else ""
    return f"{sign}{whole}" + (f".{rest:09d}".rstrip("0") if rest else "")


def rounded_up(value: Fraction) -> int:
    """Return the least integer that is not below `value`."""
    return -(-value.numerator // value.denominator)


def rounded_down(value: Fraction) -> int:
    """Return the greatest integer that is not above `value`."""
    return value.numerator // value.denominator
