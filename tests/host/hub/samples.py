"""Valid wire records to start from."""

from __future__ import annotations

from wire import records

from hub.store import TradeRow


def reading(seq=1, **changes):
    """Return a reading with nothing fitted but what `changes` names."""
    blank = dict.fromkeys(member.name for member in records.SCHEMAS["reading"])
    return {**blank, "boot_id": 1, "seq": seq, "quality_flags": 0, **changes}


def status(seq=1, **changes):
    return {
        "boot_id": 1,
        "seq": seq,
        "t_ms": None,
        "uptime_ms": 10,
        "nonce": "ab" * 16,
        "state": "idle",
        "relay": "open",
        "delivery_id": None,
        "fault": None,
        "firmware": "0.1.0",
        "reset_cause": "power_on",
        "free_bytes": 1,
        "epoch": 0,
        **changes,
    }


def delivery(seq=1, **changes):
    return {
        "boot_id": 1,
        "seq": seq,
        "t_ms": None,
        "delivery_id": "cd" * 16,
        "role": "seller",
        "phase": "progress",
        "energy_uwh": 10,
        "counterparty_uwh": 9,
        "elapsed_ms": 5,
        "register_uwh": 10,
        "reason": None,
        **changes,
    }


def signature(seq=1, **changes):
    return {
        "boot_id": 1,
        "seq": seq,
        "t_ms": None,
        "delivery_id": "cd" * 16,
        "role": "seller",
        "energy_uwh": 10,
        "counterparty_uwh": 9,
        "signature": "12" * 64,
        **changes,
    }


def snapshot(seq=1, **changes):
    """Return a snapshot of a board with nothing fitted but what `changes` names."""
    blank = dict.fromkeys(member.name for member in records.SCHEMAS["snapshot"])
    start = {"boot_id": 1, "seq": seq, "uptime_ms": 900_000, "signature": "34" * 64}
    return {**blank, **start, **changes}


def aggregate(seq=1, **changes):
    """Return an aggregate of a board with nothing fitted but what `changes` names."""
    blank = dict.fromkeys(member.name for member in records.SCHEMAS["aggregate"])
    start = {"boot_id": 1, "seq": seq, "uptime_ms": 900_000, "duration_ms": 900_000}
    return {**blank, **start, "quality_flags": 0, **changes}


def trade_row(**changes):
    """Return a trade as the store has it, matched and not settled unless `changes` say so."""
    usual = {
        "trade_id": 1, "order_id": 1, "window_id": 1, "seller": "0xa", "buyer": "0xb",
        "taker": "0xb", "energy_uwh": 10, "price_gwei_per_kwh": 7, "matched_at_ms": 1,
        "state": "matched", "seller_metered_uwh": None, "buyer_metered_uwh": None,
        "settled_uwh": None, "paid_wei": None, "refunded_wei": None,
    }  # fmt: skip
    return TradeRow(**(usual | changes))
