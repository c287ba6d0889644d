"""Accounts at the broker that are no board's: each with the topics it may read and write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wire import topics


@dataclass(frozen=True)
class Guest:
    """One account; its name has a dot, or is reserved, so that no board can have it."""

    name: str
    password: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


def access_lines(guests: Iterable[Guest]) -> list[str]:
    """Return what Mosquitto's access list says of them.

    The patterns for boards hold for every account: what they would give is denied here.
    """
    lines: list[str] = []
    for guest in guests:
        lines += ["", f"user {guest.name}", f"topic deny {topics.PREFIX}/{guest.name}/#"]
        lines += [f"topic read {topic}" for topic in guest.read]
        lines += [f"topic write {topic}" for topic in guest.write]
    return lines
