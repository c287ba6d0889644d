"""Writes docs/protocol.md from the definitions in wire, so that the page cannot differ from them.

Run: .venv/bin/python -m tools.protocol_page
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path

from wire import members, records, topics, units

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"

_PURPOSE = {
    "reading": "Registers and instantaneous values, once a second by default.",
    "status": "State, relay and a fresh nonce; retained; every 2 s and at every change.",
    "delivery": "What this node's meter saw of one delivery: at closing, every metering block, "
    "and finally.",
    "event": "Something a person may want to know of. `message_rejected` tells that a node has "
    "refused messages of this `reason`, `value` of them since its boot: the 1st, 2nd, 4th, 8th ...",
    "signature": "The board's own signature of a delivery's final, a second or so after it: "
    "secp256k1 as r and vs of EIP-2098, over the digest that the contract checks.",
    "snapshot": "Energy registers, signed by the board's own key every 15 minutes: bills are "
    "checked against them.",
    "fetch": "Asks the hub for the next chunks of a firmware package.",
    "update": "New firmware for a node: an offer, a chunk that it asked for, the confirmation that "
    "the hub hears what is on trial, or the end of an offer (docs/updates.md).",
    "aggregate": "What was metered in a period without the hub, kept in flash and sent when it is "
    "back: registers and time of the period's end, means over it.",
    "lease": "The hub's short-lived permission for a closed relay, with the counterparty's "
    "progress.",
    "command": "Close or open a relay for one delivery, stop whatever runs in an emergency, or "
    "clear a latched fault.",
}

_REASON = {
    "oversize": f"longer than {units.MAX_PAYLOAD_BYTES} bytes",
    "will": "the broker's hint that a node vanished (counted apart, no fault)",
    "unknown_topic": "not a topic of this protocol",
    "bad_mac": "forged, changed, moved to another topic, reflected, or without a code",
    "bad_json": "not the subset of JSON described above",
    "duplicate_member": "a member stands twice",
    "missing_member": "a member is missing",
    "extra_member": "a member is not known",
    "bad_type": "a member has another kind of value",
    "out_of_range": "a value beyond its limits or outside its set",
}

_HEAD = f"""# Wire protocol

*Generated from `firmware/pico/wire` by `python -m tools.protocol_page`; a test compares them.*

MQTT 3.1.1, QoS 1. A node publishes on `{topics.PREFIX}/<node>/{{{",".join(topics.FROM_NODE)}}}`
and subscribes to `{topics.PREFIX}/<node>/{{{",".join(topics.TO_NODE)}}}`; `status` is retained.
A node name is 1 to 31 of a-z, 0-9 and `-`.

A payload is one flat JSON object of at most {units.MAX_PAYLOAD_BYTES} bytes: integers, words of
printable ASCII without escapes, and null. All members are present, none twice. It ends exactly
with `,"mac":"` + {units.MAC_HEX_DIGITS} hexadecimal digits + `"}}`: HMAC-SHA256, cut to 128 bits,
of the topic, a zero byte and every byte before that ending, under a 32-byte key of this node and
direction. Receivers verify first and parse only the bytes covered.

`seq` grows per node and record kind, over reboots too: a higher one is new, the last one again is
a duplicate (acknowledged and ignored), a lower one is refused as stale. An `aggregate` may come
late and again: it is known by node, `boot_id` and `seq`. A board whose flash has lost its numbers
goes on from the time in ms, which is above all it gave out. `t_ms` is Unix time, null until the
clock is set; it describes, and no receiver decides by it.

A node offers a fresh `nonce` every {units.NONCE_PERIOD_MS // 1000} s in its status. A lease or
command echoes one of them and is worth nothing {units.NONCE_LIFE_MS // 1000} s after that nonce was
issued, by the node's own clock: withheld or replayed messages close no relay.

Directions of energy: bus import is taken from the bus by the house, bus export given to it; PV
export is production, battery import is charging, load import is consumption. A quantity whose
sensor is not fitted is null.

`quality_flags` is the sum of: {", ".join(f"{value} {n}" for n, value in records.QUALITY.items())}.
"""


@singledispatch
def _described(member: members.Member) -> str:
    """Return what values `member` takes."""
    raise TypeError(member)


@_described.register
def _(member: members.Integer) -> str:
    return f"integer, {member.least} to {member.most}"


@_described.register
def _(member: members.Word) -> str:
    return "one of " + ", ".join(member.words)


@_described.register
def _(member: members.Hex) -> str:
    return f"{member.digits} hexadecimal digits"


@_described.register
def _(member: members.Text) -> str:
    return f"1 to {member.most} of a-z 0-9 - . _ +"


@_described.register
def _(member: members.Base64) -> str:
    return f"1 to {member.most} bytes in base64"


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD]
    for kind in topics.KINDS:
        direction = "from a node" if kind in topics.FROM_NODE else "to a node"
        parts.append(f"\n## `{kind}` ({direction})\n\n{_PURPOSE[kind]}\n")
        parts.append("| member | value | may be null |\n| --- | --- | --- |")
        for member in records.SCHEMAS[kind]:
            null = "yes" if member.is_nullable else ""
            parts.append(f"| `{member.name}` | {_described(member)} | {null} |")
    parts.append("\n## Why a payload is refused\n\n| reason | meaning |\n| --- | --- |")
    parts.extend(f"| `{reason}` | {_REASON[reason]} |" for reason in records.REJECTIONS)
    parts.append("| `stale_seq` | a lower sequence number than accepted before |")
    parts.append("| `unknown_node` | no node of this name has a key here |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
