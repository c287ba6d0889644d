"""What a board signs with its own key: records in, 32-byte SHA-256 digests out.

SHA-256, because that is the hash a microcontroller has. Numbers are big-endian and of fixed length,
so no two records have the same bytes. contracts/src/DeliveryReports.sol has the first of them.
"""

import binascii
import hashlib

SELLER, BUYER = 0, 1
REGISTERS = (
    "bus_import_uwh",
    "bus_export_uwh",
    "pv_import_uwh",
    "pv_export_uwh",
    "battery_import_uwh",
    "battery_export_uwh",
    "load_import_uwh",
    "load_export_uwh",
    "load_apparent_uvah",
)
_NODE_BYTES = 32  # as the contract has node ids: ASCII, zeros behind it
_NONE = b"\xff" * 8  # beyond all limits of the protocol


def report_digest(delivery_id, role, energy_uwh, acknowledged_uwh):
    """Return the digest of a final: `delivery_id` 32 hex digits, `role` "seller" or "buyer".

    sha256("trueque-report" | delivery id 16 | role 1 | energy 8 | acknowledged 8)
    """
    number = SELLER if role == "seller" else BUYER
    message = b"trueque-report" + binascii.unhexlify(delivery_id) + bytes([number])
    return hashlib.sha256(message + _eight(energy_uwh) + _eight(acknowledged_uwh)).digest()


def snapshot_digest(node, record):
    """Return the digest of a snapshot record (its members but `signature`) of that node.

    sha256("trueque-snapshot" | node 32 | boot_id 4 | seq 8 | t_ms 8 | uptime_ms 8 | registers
    9 x 8, in the order of REGISTERS), null as eight bytes 0xff
    """
    name = node.encode()
    message = b"trueque-snapshot" + name + bytes(_NODE_BYTES - len(name))
    message += record["boot_id"].to_bytes(4, "big")
    for member in ("seq", "t_ms", "uptime_ms") + REGISTERS:
        message += _eight(record[member])
    return hashlib.sha256(message).digest()


def _eight(number):
    return _NONE if number is None else number.to_bytes(8, "big")
