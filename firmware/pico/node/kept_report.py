"""A delivery's report in, a few bytes out, and back: small enough for many to stay in memory.

As dicts and JSON sixteen of them take 5 kB, and to save them 4 kB in one piece: a board that is
connected by TLS has not always got that.
"""

import binascii
import struct

from wire.records import ABORTS, SCHEMAS, check

ROLES = ("buyer", "seller")
_LAYOUT = ">16sBQQIQB"  # id, role, energy, counterparty's, elapsed, register, reason
BYTES = struct.calcsize(_LAYOUT)
_NO_REASON = 255  # the others: their place in ABORTS


def id_bytes(delivery_id):
    """Return the first bytes of the report of a delivery."""
    return binascii.unhexlify(delivery_id)


def to_bytes(members):
    """Return a delivery record's `members` (all but phase and header) as BYTES bytes."""
    reason = members["reason"]
    return struct.pack(
        _LAYOUT,
        id_bytes(members["delivery_id"]),
        ROLES.index(members["role"]),
        members["energy_uwh"],
        members["counterparty_uwh"],
        members["elapsed_ms"],
        members["register_uwh"],
        _NO_REASON if reason is None else ABORTS.index(reason),
    )


def from_bytes(kept):
    """Return the members of the final in BYTES bytes, without header; None where there is none.

    Whatever flash holds, a node must boot. A reason that a newer firmware has added, and that this
    one does not know, is "exception": the energy is money all the same.
    """
    values = struct.unpack(_LAYOUT, kept)
    if values[1] >= len(ROLES):
        return None
    reason = values[6]
    members = {
        "delivery_id": binascii.hexlify(values[0]).decode(),
        "role": ROLES[values[1]],
        "phase": "final",
        "energy_uwh": values[2],
        "counterparty_uwh": values[3],
        "elapsed_ms": values[4],
        "register_uwh": values[5],
        "reason": ABORTS[reason] if reason < len(ABORTS) else _other(reason),
    }
    record = {member.name: members.get(member.name) for member in SCHEMAS["delivery"]}
    record.update(boot_id=0, seq=1)
    return None if check("delivery", record) else members


def _other(reason):
    return None if reason == _NO_REASON else "exception"
