"""The tables of the schema: its text enters, the columns and the key of each table leave."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources

_COMMENT = re.compile(r"--[^\n]*")
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"\b([a-z_]+)\s+(?:TEXT|INTEGER|BLOB)\b")
_KEY = re.compile(r"PRIMARY KEY \(([^)]*)\)")
_OWN_KEY = re.compile(r"\b([a-z_]+)\s+(?:TEXT|INTEGER) PRIMARY KEY")


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    key: tuple[str, ...]


@functools.cache
def tables() -> dict[str, Table]:
    """Return the tables of today's schema in its order."""
    found = {}
    for name, body in _TABLE.findall(_COMMENT.sub("", schema())):
        key = _KEY.search(body)
        names = re.split(r",\s*", key[1]) if key else _OWN_KEY.findall(body)
        found[name] = Table(tuple(_COLUMN.findall(body)), tuple(names))
    return found


def schema() -> str:
    """Return the schema as it stands in the package."""
    return resources.files("hub").joinpath("schema.sql").read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    return _COMMENT.sub("", text)
