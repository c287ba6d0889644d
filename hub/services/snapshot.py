"""Rows of the store in, the plain records that page, scripts and agents see out. Pure functions.

Wei are decimal strings: a JavaScript number is exact only up to 0.009 ETH.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wire.records import QUALITY

from hub.store import (
    CounterRow,
    DeliveryRow,
    NodeRow,
    OrderRow,
    PeerRow,
    ReportRow,
    StatusRow,
    TradeRow,
)

STATUS_PERIOD_MS = 2_000
OFFLINE_AFTER_MS = 3 * STATUS_PERIOD_MS  # two missed in a row are bad luck, three are not
PORTS = ("pv", "load", "battery", "bus")
REGISTERS = tuple(f"{port}_{way}_uwh" for port in PORTS for way in ("import", "export"))
CLOSED_STATES = ("settled", "refunded")
TURN_STATES = ("armed", "delivering", "reported")
Record = dict[str, Any]


def house_record(
    node: NodeRow, status: StatusRow | None, reading: Mapping[str, Any] | None, now_ms: int
) -> Record:
    """Return the live state of a house; a measured member is None where no sensor is fitted."""
    heard = [
        one
        for one in (status and status.received_at_ms, reading and reading["received_at_ms"])
        if one
    ]
    age_ms = max(0, now_ms - max(heard)) if heard else None
    has_will = status is not None and status.is_offline
    return {
        "name": node.node,
        "kind": node.kind,
        "segment": node.segment,
        "is_online": age_ms is not None and age_ms < OFFLINE_AFTER_MS and not has_will,
        "age_ms": age_ms,
        "relay": status.relay if status else None,
        "state": status.state if status else None,
        "fault": status.fault if status else None,
        "firmware": status.firmware if status else None,
        "quality": quality_words(reading["quality_flags"]) if reading else [],
        "measured": {port: _port(reading, port) for port in PORTS} if reading else {},
        "load_apparent_uva": reading["load_apparent_uva"] if reading else None,
        "load_apparent_uvah": reading["load_apparent_uvah"] if reading else None,
        "registers": {name: reading[name] for name in REGISTERS} if reading else {},
    }


def _port(reading: Mapping[str, Any], port: str) -> Record:
    return {
        quantity: reading[f"{port}_{quantity}"]
        for quantity in ("voltage_uv", "current_ua", "power_uw")
    }


def quality_words(flags: int) -> list[str]:
    """Return the names of the quality flags that are set."""
    return [word for word, bit in QUALITY.items() if flags & bit]


def counter_records(
    counters: Iterable[CounterRow], orders: Iterable[OrderRow], names: Mapping[str, str]
) -> list[Record]:
    """Return the counter-offers that stand; `by` proposed the terms, `to` may accept them."""
    by_id = {order.order_id: order for order in orders}
    records = []
    for one in counters:
        order = by_id[one.order_id]
        peer, maker = (names.get(address, address) for address in (one.peer, order.peer))
        records.append(
            {
                "counter_id": one.counter_id,
                "order_id": one.order_id,
                "is_offer": order.is_offer,
                "maker": maker,
                "by": maker if one.is_makers else peer,
                "to": peer if one.is_makers else maker,
                "energy_uwh": one.energy_uwh,
                "price_gwei_per_kwh": one.price_gwei_per_kwh,
                "order_price_gwei_per_kwh": order.price_gwei_per_kwh,
            }
        )
    return records


def order_record(order: OrderRow, names: Mapping[str, str]) -> Record:
    """Return an open order; `energy_uwh` is what is left of it."""
    return {
        "order_id": order.order_id,
        "peer": names.get(order.peer, order.peer),
        "is_offer": order.is_offer,
        "energy_uwh": order.remaining_uwh,
        "placed_uwh": order.energy_uwh,
        "price_gwei_per_kwh": order.price_gwei_per_kwh,
        "cost_wei": str(order.remaining_uwh * order.price_gwei_per_kwh),
        "placed_at_ms": order.placed_at_ms,
        "priority": order.priority,
        "is_approved": order.is_approved,
        "names_sellers": order.only_accepted,
    }


def book_record(orders: Iterable[OrderRow], names: Mapping[str, str]) -> Record:
    """Return both sides of the book, the best price first and the older order at equal price."""
    records = [order_record(order, names) for order in orders]
    offers = [one for one in records if one["is_offer"]]
    bids = [one for one in records if not one["is_offer"]]
    return {
        "offers": sorted(offers, key=lambda one: (one["price_gwei_per_kwh"], one["order_id"])),
        "bids": sorted(bids, key=lambda one: (-one["price_gwei_per_kwh"], one["order_id"])),
    }


def trade_record(
    trade: TradeRow,
    names: Mapping[str, str],
    delivery: DeliveryRow | None,
    reports: Sequence[ReportRow],
) -> Record:
    """Return a trade with its progress: what each meter has seen, and its money.

    `delivery` is its last attempt, `reports` are those of all attempts.
    """
    metered = _metered(reports)
    if trade.state in CLOSED_STATES and trade.seller_metered_uwh is not None:
        metered = {"seller": trade.seller_metered_uwh, "buyer": trade.buyer_metered_uwh}
    seen = [energy for energy in metered.values() if energy is not None]
    return {
        "trade_id": trade.trade_id,
        "order_id": trade.order_id,
        "window_id": trade.window_id,
        "seller": names.get(trade.seller, trade.seller),
        "buyer": names.get(trade.buyer, trade.buyer),
        "taker": names.get(trade.taker, trade.taker),
        "energy_uwh": trade.energy_uwh,
        "price_gwei_per_kwh": trade.price_gwei_per_kwh,
        "fee_gwei_per_kwh": trade.fee_gwei_per_kwh,
        "cost_wei": str(trade.energy_uwh * trade.price_gwei_per_kwh),
        "state": trade.state,
        "matched_at_ms": trade.matched_at_ms,
        "seller_uwh": metered["seller"],
        "buyer_uwh": metered["buyer"],
        "moved_uwh": min(seen) if len(seen) == 2 else 0,
        "settled_uwh": trade.settled_uwh,
        "paid_wei": _text(trade.paid_wei),
        "refunded_wei": _text(trade.refunded_wei),
        "signed_by": signed_by(trade),
        "reason": delivery.reason if delivery else None,
        "attempt": delivery.attempt if delivery else None,
    }


def signed_by(trade: TradeRow) -> str | None:
    """Return whose signed figures settled a trade: both, seller, buyer or none; None before.

    What no board signed stands on the hub's word.
    """
    if trade.signatures is None:
        return None
    return ("none", "seller", "buyer", "both")[trade.signatures & 3]


def _metered(reports: Sequence[ReportRow]) -> dict[str, int | None]:
    """Return each role's energy over all attempts, None for a meter that was never heard."""
    highest: dict[tuple[str, str], int] = {}
    for report in reports:
        key = (report.role, report.delivery_id)
        highest[key] = max(highest.get(key, 0), report.energy_uwh)
    metered: dict[str, int | None] = {"seller": None, "buyer": None}
    for (role, _), energy_uwh in highest.items():
        metered[role] = (metered[role] or 0) + energy_uwh
    return metered


def _text(amount_wei: int | None) -> str | None:
    return None if amount_wei is None else str(amount_wei)


def bus_records(
    nodes: Sequence[NodeRow], trades: Sequence[Record], houses: Sequence[Record]
) -> list[Record]:
    """Return for every bus segment the turn that has it and the trades that wait for one."""
    segment_of = {node.node: node.segment for node in nodes}
    records = []
    for segment in sorted(set(segment_of.values())):
        here = [trade for trade in trades if segment_of.get(trade["seller"]) == segment]
        turn = next((trade for trade in here if trade["state"] in TURN_STATES[:2]), None)
        records.append(
            {
                "segment": segment,
                "turn": _turn_record(turn, houses) if turn else None,
                "waiting": [
                    trade["trade_id"] for trade in here if trade["state"] in ("matched", "queued")
                ],
            }
        )
    return records


def _turn_record(trade: Record, houses: Sequence[Record]) -> Record:
    """Return the turn; its power is what the buyer's meter takes from the bus now."""
    by_name = {house["name"]: house for house in houses}
    buyer, seller = by_name.get(trade["buyer"], {}), by_name.get(trade["seller"], {})
    power_uw = (buyer.get("measured") or {}).get("bus", {}).get("power_uw")
    is_flowing = seller.get("relay") == "out" and buyer.get("relay") == "in"
    members = ("trade_id", "seller", "buyer", "energy_uwh", "moved_uwh", "state")
    return {
        **{name: trade[name] for name in members},
        "power_uw": power_uw if is_flowing else 0,
        "is_flowing": is_flowing,
    }


def balance_records(
    peers: Iterable[PeerRow],
    orders: Iterable[OrderRow],
    trades: Iterable[TradeRow],
    names: Mapping[str, str],
    counters: Iterable[CounterRow] = (),
) -> dict[str, dict[str, str]]:
    """Return what each peer can spend and what of its money is locked, in wei as text.

    Locked is what is left of its bids, what its counter-offers would cost, and the cost of what it
    bought and that is not settled yet.
    """
    locked: dict[str, int] = {}
    for counter in counters:
        locked[counter.peer] = locked.get(counter.peer, 0) + counter.locked_wei
    for order in orders:
        if not order.is_offer and not order.is_cancelled:
            lock_wei = order.remaining_uwh * order.price_gwei_per_kwh + order.surplus_wei
            locked[order.peer] = locked.get(order.peer, 0) + lock_wei
    for trade in trades:
        if trade.state not in CLOSED_STATES:
            cost_wei = trade.energy_uwh * trade.price_gwei_per_kwh
            locked[trade.buyer] = locked.get(trade.buyer, 0) + cost_wei
    return {
        names.get(peer.peer, peer.peer): {
            "available_wei": str(peer.balance_wei),
            "in_escrow_wei": str(locked.get(peer.peer, 0)),
        }
        for peer in peers
    }


def history_records(readings: Iterable[Mapping[str, Any]], points: int) -> dict[str, Record]:
    """Return per node the powers of its readings as columns, thinned to about `points`."""
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    for reading in readings:
        by_node.setdefault(reading["node"], []).append(reading)
    records: dict[str, Record] = {}
    for node, rows in by_node.items():
        stride = max(1, -(-len(rows) // points))
        kept = rows[::-1][::stride][::-1]  # thinned from the newest, which always stays
        records[node] = {
            "at_ms": [row["received_at_ms"] for row in kept],
            "pv_uw": [row["pv_power_uw"] for row in kept],
            "load_uw": [_load(row) for row in kept],
            "battery_uw": [row["battery_power_uw"] for row in kept],
            "bus_uw": [row["bus_power_uw"] for row in kept],
        }
    return records


def _load(row: Mapping[str, Any]) -> int | None:
    real: int | None = row["load_power_uw"]
    return row["load_apparent_uva"] if real is None else real
