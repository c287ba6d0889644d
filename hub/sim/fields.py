"""Checks the tables of a scenario: a TOML table and its fields enter, named values leave.

Every refusal is a `BadInput` that names the file, the table, the field and, where a field is
unknown, the nearest known one.
"""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.errors import BadInput

Check = Callable[[str, Any], Any]
"""Takes where the value stands and the value; returns it in its final type or raises BadInput."""


@dataclass(frozen=True)
class Field:
    """One field: its check, and its default where it may be left out."""

    check: Check
    default: Any = None
    is_required: bool = False


def read_table(where: str, raw: Any, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return every field of `fields` with its checked value or default."""
    if not isinstance(raw, dict):
        raise BadInput(f"{where}: must be a table, not {raw!r}")
    for name in raw:
        if name not in fields:
            raise BadInput(f"{where}: unknown field {name!r}{nearest(name, fields)}")
    values = {}
    for name, field in fields.items():
        if name in raw:
            values[name] = field.check(f"{where}, {name}", raw[name])
        elif field.is_required:
            raise BadInput(f"{where}: {name} is missing")
        else:
            values[name] = field.default
    return values


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the known name nearest to `name`, or the list of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; known are " + ", ".join(names)


def number(low: float = -math.inf, high: float = math.inf, *, above: float = -math.inf) -> Check:
    """Check a finite number in [low, high] and, if given, greater than `above`."""

    def check(where: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput(f"{where}: must be a number, not {value!r}")
        if not math.isfinite(value):
            raise BadInput(f"{where}: must be finite, not {value!r}")
        if value < low or value > high or value <= above:
            raise BadInput(f"{where}: {value!r} is outside {_range(low, high, above)}")
        return float(value)

    return check


def _range(low: float, high: float, above: float) -> str:
    parts = []
    if above > -math.inf:
        parts.append(f"above {above:g}")
    if low > -math.inf:
        parts.append(f"at least {low:g}")
    if high < math.inf:
        parts.append(f"at most {high:g}")
    return "its range (" + ", ".join(parts) + ")"


def share(where: str, value: Any) -> float:
    """Check a share of one; per cent are a common mistake and named as such."""
    checked = number()(where, value)
    if 1 < checked <= 100:
        raise BadInput(f"{where}: {value!r} looks like per cent; give a share of one (0 to 1)")
    return number(0, 1)(where, value)


def integer(low: int, high: int) -> Check:
    """Check a whole number in [low, high]."""

    def check(where: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput(f"{where}: must be a whole number, not {value!r}")
        return int(number(low, high)(where, value))

    return check


def flag(where: str, value: Any) -> bool:
    """Check true or false."""
    if not isinstance(value, bool):
        raise BadInput(f"{where}: must be true or false, not {value!r}")
    return value


def text(where: str, value: Any) -> str:
    """Check text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{where}: must be text, not {value!r}")
    return value


def choice(*words: str) -> Check:
    """Check one of `words`."""

    def check(where: str, value: Any) -> str:
        if value not in words:
            hint = nearest(str(value), words)
            raise BadInput(f"{where}: {value!r} is not one of {', '.join(words)}{hint}")
        return str(value)

    return check


def pair(where: str, value: Any) -> tuple[float, float]:
    """Check a list of two numbers."""
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(f"{where}: must be a list of two numbers, not {value!r}")
    return number()(where, value[0]), number()(where, value[1])


def list_of(check: Check) -> Check:
    """Check each element of a list."""

    def check_all(where: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise BadInput(f"{where}: must be a list, not {value!r}")
        return tuple(check(f"{where} {place}", one) for place, one in enumerate(value, start=1))

    return check_all


def time_of_day(where: str, value: Any) -> int:
    """Check "HH:MM" and return minutes after midnight; "24:00" is the end of the day."""
    hours, colon, minutes = str(value).partition(":")
    if colon and hours.isdigit() and minutes.isdigit() and int(minutes) < 60:
        total = int(hours) * 60 + int(minutes)
        if total <= 24 * 60:
            return total
    raise BadInput(f"{where}: {value!r} is not a time of day like 07:30")


def local_time(where: str, value: Any) -> datetime.datetime:
    """Check a date and time of the scenario's own clock, without an offset."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise BadInput(f"{where}: {value!r} is not a date and time") from None
    if not isinstance(value, datetime.datetime):
        raise BadInput(f"{where}: {value!r} is not a date and time like 2017-06-05T18:00:00")
    if value.tzinfo is not None:
        raise BadInput(f"{where}: give local time, without an offset")
    return value
