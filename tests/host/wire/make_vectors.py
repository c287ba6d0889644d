"""Write vectors.json: genuine and forged payloads with the verdict every receiver must give.

Codes and texts are made with CPython's hmac and json modules, not with the code under test.
Run: python tests/host/wire/make_vectors.py
"""

import hashlib
import hmac
import json
from pathlib import Path

UP = bytes(range(32))
DOWN = bytes(range(100, 132))
NONCE = "00112233445566778899aabbccddeeff"
DELIVERY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def signed(topic: str, body: str, key: bytes) -> str:
    """`body` is the object's text without its closing brace."""
    code = hmac.new(key, topic.encode() + b"\0" + body.encode(), hashlib.sha256).hexdigest()[:32]
    return f'{body},"mac":"{code}"}}'


def compact(record: dict) -> str:
    return json.dumps(record, separators=(",", ":"))[:-1]


def port(name: str, *values: int | None) -> dict:
    names = ("voltage_uv", "current_ua", "power_uw", "import_uwh", "export_uwh")
    return {f"{name}_{what}": value for what, value in zip(names, values, strict=True)}


HEAD = {"boot_id": 3735928559, "seq": 42, "t_ms": None}
READING = (
    HEAD
    | port("bus", 12_301_250, -498_000, -6_126_022, 1_000_000_000_000, 34_723)
    | port("pv", 17_900_000, 2_100_000, 37_590_000, 0, 7_000_000)
    | port("battery", 12_800_000, None, None, None, None)
    | port("load", None, 4_250_000, None, None, None)
    | {
        "load_apparent_uva": 977_500_000,
        "load_apparent_uvah": 123_456_789,
        "load_frequency_uhz": 50_012_345,
        "quality_flags": 12,
    }
)
STATUS = HEAD | {
    "uptime_ms": 90_061_000,
    "nonce": NONCE,
    "state": "delivering",
    "relay": "out",
    "delivery_id": DELIVERY,
    "fault": None,
    "firmware": "0.1.0",
    "reset_cause": "power_on",
    "free_bytes": 101_344,
    "epoch": 7,
}
REPORT = HEAD | {
    "t_ms": 1_771_000_000_000,
    "delivery_id": DELIVERY,
    "role": "seller",
    "phase": "final",
    "energy_uwh": 34_723,
    "counterparty_uwh": 34_650,
    "elapsed_ms": 20_410,
    "register_uwh": 69_446,
    "reason": "energy_reached",
}
EVENT = HEAD | {"code": "command_refused", "reason": "no_lease", "delivery_id": None, "value": -7}
SIGNATURE = HEAD | {
    "delivery_id": DELIVERY,
    "role": "seller",
    "energy_uwh": 34_723,
    "counterparty_uwh": 34_650,
    "signature": "0123456789abcdef" * 8,
}
SNAPSHOT = HEAD | {
    "uptime_ms": 900_000,
    "bus_import_uwh": 1_000_000_000_000,
    "bus_export_uwh": 34_723,
    "pv_import_uwh": 0,
    "pv_export_uwh": 7_000_000,
    "battery_import_uwh": None,
    "battery_export_uwh": None,
    "load_import_uwh": None,
    "load_export_uwh": None,
    "load_apparent_uvah": 123_456_789,
    "signature": "fedcba9876543210" * 8,
}
AGGREGATE = {
    **HEAD,
    "uptime_ms": 900_000,
    "duration_ms": 899_950,
    **{name: value for name, value in SNAPSHOT.items() if name.endswith(("_uwh", "_uvah"))},
    "bus_voltage_uv": 12_301_250,
    "bus_power_uw": -6_126_022,
    "pv_voltage_uv": 17_900_000,
    "pv_power_uw": 37_590_000,
    "battery_voltage_uv": 12_800_000,
    "battery_power_uw": None,
    "load_power_uw": None,
    "load_apparent_uva": 977_500_000,
    "quality_flags": 12,
}
LEASE = {
    "epoch": 1,
    "seq": 7,
    "nonce": NONCE,
    "delivery_id": DELIVERY,
    "counterparty_uwh": 17_000,
}
COMMAND = {
    "epoch": 1,
    "seq": 8,
    "nonce": NONCE,
    "delivery_id": DELIVERY,
    "action": "close",
    "role": "buyer",
    "energy_uwh": 34_723,
    "max_power_uw": 6_250_000,
    "max_duration_ms": 60_000,
    "exposure_uwh": 1_736,
}
OPEN = COMMAND | {
    "action": "open",
    "role": None,
    "energy_uwh": None,
    "max_power_uw": None,
    "max_duration_ms": None,
    "exposure_uwh": None,
}

FETCH = HEAD | {"package_id": DELIVERY, "offset": 2304, "count": 4}
CHUNK = {
    "epoch": 1,
    "seq": 9,
    "nonce": NONCE,
    "what": "chunk",
    "package_id": DELIVERY,
    "number": None,
    "size": None,
    "offset": 2304,
    "data": "VFJRRjEKAA==",
}
NOTHING = dict.fromkeys(("package_id", "number", "size", "offset", "data"))
OFFER = CHUNK | NOTHING | {"what": "offer", "package_id": DELIVERY, "number": 7, "size": 65_000}
CONFIRM = CHUNK | NOTHING | {"what": "confirm"}


def eight(*numbers: int | None) -> bytes:
    return b"".join(b"\xff" * 8 if n is None else n.to_bytes(8, "big") for n in numbers)


def digests() -> dict[str, str]:
    """What the board's own key signs of SIGNATURE and SNAPSHOT, from their descriptions."""
    report = b"trueque-report" + bytes.fromhex(DELIVERY) + b"\0" + eight(34_723, 34_650)
    numbers = [value for name, value in SNAPSHOT.items() if name not in ("boot_id", "signature")]
    boot = SNAPSHOT["boot_id"].to_bytes(4, "big")
    snapshot = b"trueque-snapshot" + b"house-1".ljust(32, b"\0") + boot + eight(*numbers)
    messages = {"signature": report, "snapshot": snapshot}
    return {kind: hashlib.sha256(message).hexdigest() for kind, message in messages.items()}


def good_vectors() -> list[dict]:
    records = {
        "reading": READING,
        "status": STATUS,
        "delivery": REPORT,
        "event": EVENT,
        "signature": SIGNATURE,
        "snapshot": SNAPSHOT,
        "aggregate": AGGREGATE,
        "lease": LEASE,
        "command": COMMAND,
        "fetch": FETCH,
        "update": CHUNK,
    }
    more = [("command", OPEN), ("update", OFFER), ("update", CONFIRM)]
    vectors = []
    for kind, record in [*records.items(), *more]:
        topic = f"trueque/1/house-1/{kind}"
        key = DOWN if kind in ("lease", "command", "update") else UP
        vector = {
            "name": f"{kind} {record.get('action', record.get('what', ''))}".strip(),
            "topic": topic,
            "key": key.hex(),
            "payload": signed(topic, compact(record), key),
            "reason": "",
            "record": record,
        }
        if kind in digests():
            vector["digest"] = digests()[kind]
        vectors.append(vector)
    return vectors


def bad_vectors() -> list[dict]:
    topic = "trueque/1/house-1/lease"
    body = compact(LEASE)
    good = signed(topic, body, DOWN)

    def resigned(text: str, on: str = topic) -> str:
        return signed(on, text, DOWN)

    forged = good[:-3] + ("0" if good[-3] != "0" else "1") + good[-2:]
    cases = [
        ("forged code", topic, forged, "bad_mac"),
        ("no code", topic, body + "}", "bad_mac"),
        ("empty", topic, "", "bad_mac"),
        ("tail alone", topic, resigned(""), "bad_json"),
        ("byte changed under the code", topic, good.replace("17000", "17001"), "bad_mac"),
        ("moved to another node", "trueque/1/house-2/lease", good, "bad_mac"),
        ("moved to another kind", "trueque/1/house-1/command", good, "bad_mac"),
        (
            "reflected: signed with the other direction's key",
            topic,
            signed(topic, body, UP),
            "bad_mac",
        ),
        ("appended after the code", topic, good + " ", "bad_mac"),
        ("second tail", topic, resigned(body + ',"mac":"' + "0" * 32 + '"'), "extra_member"),
        ("no such topic", "trueque/2/house-1/lease", good, "unknown_topic"),
        ("no such kind", "trueque/1/house-1/price", good, "unknown_topic"),
        ("bad node name", "trueque/1/House 1/lease", good, "unknown_topic"),
        ("too long", topic, resigned(body + "," + " " * 900), "oversize"),
        ("the broker's will", "trueque/1/house-1/status", '{"offline":true}', "will"),
        ("the will elsewhere", topic, '{"offline":true}', "bad_mac"),
        ("duplicate member", topic, resigned(body + ',"seq":9'), "duplicate_member"),
        ("missing member", topic, resigned(body.replace('"seq":7,', "")), "missing_member"),
        ("extra member", topic, resigned(body + ',"x":1'), "extra_member"),
        ("string for a number", topic, resigned(body.replace("17000", '"17000"')), "bad_type"),
        ("boolean for a number", topic, resigned(body.replace("17000", "true")), "bad_type"),
        ("null for a number", topic, resigned(body.replace("17000", "null")), "bad_type"),
        ("fraction", topic, resigned(body.replace("17000", "17000.0")), "bad_type"),
        ("exponent", topic, resigned(body.replace("17000", "17e3")), "bad_type"),
        ("not a number", topic, resigned(body.replace("17000", "NaN")), "bad_json"),
        ("infinite", topic, resigned(body.replace("17000", "Infinity")), "bad_json"),
        ("negative energy", topic, resigned(body.replace("17000", "-1")), "out_of_range"),
        (
            "energy too large",
            topic,
            resigned(body.replace("17000", "1" + "0" * 13)),
            "out_of_range",
        ),
        ("a number of 40 digits", topic, resigned(body.replace("17000", "9" * 40)), "out_of_range"),
        ("leading zero", topic, resigned(body.replace("17000", "017000")), "bad_json"),
        ("plus sign", topic, resigned(body.replace("17000", "+17000")), "bad_json"),
        ("lone minus", topic, resigned(body.replace("17000", "-")), "bad_json"),
        ("escape", topic, resigned(body.replace("nonce", "\\u006eonce")), "bad_json"),
        ("control character", topic, resigned(body.replace("nonce", "non\nce")), "bad_json"),
        ("not ASCII", topic, resigned(body.replace("nonce", "n\u00f6nce")), "bad_json"),
        ("nested object", topic, resigned(body.replace("17000", '{"a":1}')), "bad_json"),
        ("array", topic, resigned(body.replace("17000", "[1]")), "bad_json"),
        ("missing comma", topic, resigned(body.replace(',"seq"', '"seq"')), "bad_json"),
        ("missing colon", topic, resigned(body.replace('"seq":7', '"seq" 7')), "bad_json"),
        ("trailing comma", topic, resigned(body + ","), "bad_json"),
        ("not an object", topic, resigned('["a"'), "bad_json"),
        ("open string", topic, resigned('{"epoch'), "bad_json"),
        ("nonce too short", topic, resigned(body.replace(NONCE, NONCE[1:])), "out_of_range"),
        ("nonce in capitals", topic, resigned(body.replace(NONCE, NONCE.upper())), "out_of_range"),
    ]
    signature = "trueque/1/house-1/signature"
    for name, changes in (
        ("signature too short", {"signature": "ab" * 63}),
        ("signature of no role", {"role": "hub"}),
        ("signature of energy below zero", {"energy_uwh": -1}),
    ):
        body = compact(SIGNATURE | changes)
        cases.append((name, signature, resigned(body, signature), "out_of_range"))
    command = "trueque/1/house-1/command"
    for name, record, reason in (
        ("close without a role", COMMAND | {"role": None}, "bad_type"),
        ("open with a role", OPEN | {"role": "buyer"}, "bad_type"),
        ("close of nothing", COMMAND | {"energy_uwh": 0}, "out_of_range"),
        ("unknown action", COMMAND | {"action": "explode"}, "out_of_range"),
    ):
        cases.append((name, command, resigned(compact(record), command), reason))
    update = "trueque/1/house-1/update"
    for name, record, reason in (
        ("chunk with a size", CHUNK | {"size": 1}, "bad_type"),
        ("chunk without data", CHUNK | {"data": None}, "bad_type"),
        ("confirmation of something", CONFIRM | {"number": 7}, "bad_type"),
        ("base64 without padding", CHUNK | {"data": "VFJRRjEKAA"}, "out_of_range"),
        ("base64 with spare bits", CHUNK | {"data": "VFJRRjEKAB=="}, "out_of_range"),
        ("base64 with a blank", CHUNK | {"data": "VFJR RjEKAA=="}, "out_of_range"),
        ("empty chunk", CHUNK | {"data": ""}, "out_of_range"),
        ("data after padding", CHUNK | {"data": "VFJRRjEKAA==VFJR"}, "out_of_range"),
        ("offer of nothing", OFFER | {"size": 0}, "out_of_range"),
    ):
        cases.append((name, update, resigned(compact(record), update), reason))
    return [
        {"name": name, "topic": on, "key": DOWN.hex(), "payload": payload, "reason": reason}
        for name, on, payload, reason in cases
    ]


def spaced_vector() -> dict:
    """White space between members is JSON too: what counts is what the code covers."""
    topic = "trueque/1/house-1/lease"
    body = json.dumps(LEASE, indent=1).rstrip("}")
    return {
        "name": "white space",
        "topic": topic,
        "key": DOWN.hex(),
        "payload": signed(topic, body, DOWN),
        "reason": "",
        "record": LEASE,
    }


if __name__ == "__main__":
    vectors = [*good_vectors(), spaced_vector(), *bad_vectors()]
    target = Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(vectors, indent=1) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(vectors)} vectors")
