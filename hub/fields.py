"""Checks a table of plain values against a dataclass, and names every field that is wrong."""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Record = TypeVar("Record")


def field(
    default: Any,
    *,
    low: int | float | None = None,
    high: int | float | None = None,
    choices: Sequence[str] | None = None,
) -> Any:
    """Declare a dataclass field with its default and the bounds that `read_table` checks."""
    metadata = {"low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def _is_of_type(value: object, wanted: Any) -> bool:
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        return any(_is_of_type(value, one) for one in typing.get_args(wanted))
    if origin is tuple:
        item = typing.get_args(wanted)[0]
        return isinstance(value, list) and all(_is_of_type(one, item) for one in value)
    if wanted is int:  # TOML's booleans are Python ints
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, wanted)


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _type_name(wanted: Any) -> str:
    origin = typing.get_origin(wanted)
    if origin is tuple:
        return f"a list of {_type_name(typing.get_args(wanted)[0])}"
    if origin in (types.UnionType, typing.Union):
        members = [one for one in typing.get_args(wanted) if one is not type(None)]
        return " or ".join(_type_name(one) for one in members)
    if wanted is datetime.datetime:
        return "a date and time such as 2022-06-21T10:15:00"
    return _NAMES.get(wanted, str(wanted))


def _problem(value: Any, wanted: Any, metadata: Mapping[str, Any]) -> str:
    """Say what is wrong with a value, or "" when nothing is."""
    if not _is_of_type(value, wanted):
        return f"must be {_type_name(wanted)}, not {value!r}"
    low, high, choices = metadata.get("low"), metadata.get("high"), metadata.get("choices")
    if low is not None and value < low:
        return f"must be at least {low}, not {value}"
    if high is not None and value > high:
        return f"must be at most {high}, not {value}"
    if choices is not None and value not in choices:
        return f"must be one of {', '.join(choices)}, not {value!r}"
    return ""


def read_table(cls: type[Record], table: object, path: str, problems: list[str]) -> Record | None:
    """Build `cls` from a table; append one sentence to `problems` for every wrong field.

    Returns None when anything of it was wrong.
    """
    if not isinstance(table, Mapping):
        problems.append(f"[{path}] must be a table")
        return None
    before = len(problems)
    hints = typing.get_type_hints(cls)
    known = {one.name: one for one in dataclasses.fields(cls)}  # type: ignore[arg-type]
    problems.extend(f"{path}.{name} is not known" for name in table if name not in known)
    values: dict[str, Any] = {}
    for name, one in known.items():
        if name not in table:
            if one.default is dataclasses.MISSING:
                problems.append(f"{path}.{name} is missing")
            continue
        complaint = _problem(table[name], hints[name], one.metadata)
        if complaint:
            problems.append(f"{path}.{name} {complaint}")
            continue
        value = table[name]
        values[name] = tuple(value) if isinstance(value, list) else value
    return cls(**values) if len(problems) == before else None
