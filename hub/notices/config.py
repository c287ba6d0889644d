"""The tables [smtp] and [[notify]] of site.toml: who is told what, and by which way."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from hub.fields import field, read_table

WANTS = ("alarms", "windows", "trades")
_MAIL = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


@dataclass(frozen=True)
class Smtp:
    """The mail server; its password is `smtp_password` in keys.json."""

    host: str = field("")
    port: int = field(587, low=1, high=65535)
    security: str = field("starttls", choices=("starttls", "tls", "none"))
    user: str = field("")
    sender: str = field("")


@dataclass(frozen=True)
class Subscriber:
    """Somebody who is told. With `house`, of its own trades only; else of all."""

    name: str
    email: str = field("")
    webhook: str = field("")
    house: str = field("")
    wants: tuple[str, ...] = field(("alarms",))


@dataclass(frozen=True)
class Notices:
    smtp: Smtp = Smtp()
    subscribers: tuple[Subscriber, ...] = ()


def read_notices(
    smtp: object, rows: object, houses: Collection[str], problems: list[str]
) -> Notices:
    """Check both tables; append one sentence to `problems` for everything wrong."""
    server = read_table(Smtp, smtp, "smtp", problems) or Smtp()
    if not isinstance(rows, list):
        problems.append("[[notify]] must be a list of tables")
        return Notices(server)
    found = [
        one
        for number, row in enumerate(rows, 1)
        if (one := read_table(Subscriber, row, f"notify[{number}]", problems)) is not None
    ]
    for number, one in enumerate(found, 1):
        problems.extend(
            f"notify[{number}].{complaint}"
            for complaint in _complaints(one, [other.name for other in found], houses)
        )
    for name, text in (("host", server.host), ("sender", server.sender)):
        if not text and any(one.email for one in found):
            problems.append(f"smtp.{name} is needed to send e-mail: see notify")
    return Notices(server, tuple(found))


def _complaints(one: Subscriber, names: list[str], houses: Collection[str]) -> list[str]:
    found = []
    if not one.name or names.count(one.name) > 1:
        found.append(f"name {one.name!r} must be there once")
    if bool(one.email) == bool(one.webhook):
        found.append("email or webhook must be given, and only one of them")
    if one.email and not _MAIL.fullmatch(one.email):
        found.append(f"email {one.email!r} is no address")
    if one.webhook and not _URL.fullmatch(one.webhook):
        found.append(f"webhook {one.webhook!r} is no http address")
    if one.house and one.house not in houses:
        found.append(f"house {one.house!r} is none of [[houses]]")
    found += [f"wants {want!r}: must be of {', '.join(WANTS)}" for want in one.wants
              if want not in WANTS]  # fmt: skip
    return found
