"""The hub's quick way through wire's decoder: what it takes, wire takes alike; all else is wire's.

A board's interpreter has no quick HMAC and a parser that takes more than JSON, so `wire.codec`
compares what it read with what it would write. CPython's parser is strict but for three things,
which are looked for here: escapes, duplicate members, and other encodings than ASCII.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

from wire import codec, records, topics, units
from wire.members import Integer

_TAIL_START, _TAIL_END = b',"mac":"', b'"}'
_DIGITS = units.MAC_HEX_DIGITS
_TAIL_BYTES = len(_TAIL_START) + _DIGITS + len(_TAIL_END)
_MEMBERS = {kind: len(members) for kind, members in records.SCHEMAS.items()}
# Of the kind that comes most often: name, least, most, may it be null.
_READING = tuple(
    (one.name, one.least, one.most, one.is_nullable)
    for one in records.SCHEMAS["reading"]
    if isinstance(one, Integer)
)


def _is_good_reading(record: dict[str, Any]) -> bool:
    for name, least, most, is_nullable in _READING:
        value = record[name]
        if value is None:
            if not is_nullable:
                return False
        elif type(value) is not int or not least <= value <= most:
            return False
    return True


_IS_GOOD: dict[str, Callable[[dict[str, Any]], bool]] = {"reading": _is_good_reading}
assert len(_READING) == _MEMBERS["reading"], "a reading has integers only"


def decode(topic: str, payload: bytes, key: bytes) -> tuple[dict[str, Any] | None, str]:
    """Return what `wire.codec.decode` returns. Never raises."""
    record = _quick(topic, payload, key)
    if record is not None:
        return record, ""
    found: tuple[dict[str, Any] | None, str] = codec.decode(topic, payload, key)
    return found


def _quick(topic: str, payload: bytes, key: bytes) -> dict[str, Any] | None:
    """Return the record of a genuine, valid payload in plain form, else None."""
    parsed = topics.parse(topic)
    if parsed is None or not _TAIL_BYTES < len(payload) <= units.MAX_PAYLOAD_BYTES:
        return None
    covered = payload[:-_TAIL_BYTES]
    code = hmac.digest(key, topic.encode() + b"\x00" + covered, "sha256")[: _DIGITS // 2]
    tail = _TAIL_START + code.hex().encode() + _TAIL_END
    if not hmac.compare_digest(payload[-_TAIL_BYTES:], tail):
        return None
    # No string on the wire has a quote within, so each `":` ends the name of a member.
    if b"\\" in covered or not covered.isascii() or covered[:2] != b'{"':
        return None
    kind = parsed[1]
    try:
        record = json.loads(covered + b"}")
        if not len(record) == covered.count(b'":') == _MEMBERS[kind]:
            return None
        check = _IS_GOOD.get(kind)
        is_good = check(record) if check is not None else records.check(kind, record) == ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if is_good else None
