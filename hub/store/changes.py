"""What each event of the contract changes in the store: one function per event.

`at_ms` is when the hub first saw the event.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

NO_KEY = "0x" + "00" * 20  # of a board that was approved without one


def node_name(node_id: str | None) -> str | None:
    """Return the node's name from a bytes32 in hex: ASCII, padded with zeros on the right."""
    if not node_id:
        return None
    if not node_id.startswith("0x"):
        return node_id
    return bytes.fromhex(node_id[2:]).rstrip(b"\0").decode("ascii", "replace") or None


def _add_wei(connection: sqlite3.Connection, peer: str, column: str, amount_wei: int) -> None:
    row = connection.execute(f"SELECT {column} AS wei FROM peers WHERE peer = ?", (peer,))
    found = row.fetchone()
    if found is None:
        connection.execute(
            "INSERT INTO peers VALUES (?, NULL, 'registered', 0, 0, 0, NULL)", (peer,)
        )
    wei = int(found["wei"]) if found is not None else 0
    connection.execute(
        f"UPDATE peers SET {column} = ? WHERE peer = ?", (str(wei + amount_wei), peer)
    )


def _peer_registered(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO peers VALUES (?, NULL, 'registered', '0', '0', '0', NULL)",
        (args["peer"],),
    )


def _peer_approved(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _peer_registered(connection, args, at_ms)
    key = args.get("node_key")
    connection.execute(
        "UPDATE peers SET state = 'approved', node = ?, node_key = ? WHERE peer = ?",
        (node_name(args["node_id"]), None if key == NO_KEY else key, args["peer"]),
    )


def _peer_suspended(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute("UPDATE peers SET state = 'suspended' WHERE peer = ?", (args["peer"],))


def _peer_removed(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute(
        "UPDATE peers SET state = 'registered', node = NULL, node_key = NULL WHERE peer = ?",
        (args["peer"],),
    )


def _deposited(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _add_wei(connection, args["peer"], "deposited_wei", args["amount_wei"])
    _add_wei(connection, args["peer"], "balance_wei", args["amount_wei"])


def _withdrawn(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _add_wei(connection, args["peer"], "withdrawn_wei", args["amount_wei"])
    _add_wei(connection, args["peer"], "balance_wei", -args["amount_wei"])


def _window_opened(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    terms = args.get("terms", args)
    connection.execute(
        "INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            args["window_id"],
            *(terms[name] for name in ("bid_start", "bid_end", "clear_by")),
            *(terms[name] for name in ("delivery_start", "delivery_end", "report_by")),
            *(terms[name] for name in ("min_energy_uwh", "max_energy_uwh")),
            *(terms.get(f"{name}_gwei_per_kwh", terms.get(name)) for name in _PRICES),
            terms["resolve_by"],
        ),
    )


_PRICES = ("min_price", "max_price")


def _order_placed(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (
            *(args["order_id"], args["window_id"], args["peer"], int(args["is_offer"])),
            *(energy_uwh, energy_uwh, price, at_ms),
        ),
    )
    if not args["is_offer"]:  # a bid locks its money
        _add_wei(connection, args["peer"], "balance_wei", -energy_uwh * price)


def _order_cancelled(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    order = _order(connection, args["order_id"])
    connection.execute(
        "UPDATE orders SET is_cancelled = 1, remaining_uwh = 0 WHERE order_id = ?",
        (args["order_id"],),
    )
    _add_wei(connection, order["peer"], "balance_wei", args["refunded_wei"])


def _order_amended(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    order = _order(connection, args["order_id"])
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        "UPDATE orders SET energy_uwh = energy_uwh - remaining_uwh + ?, remaining_uwh = ?,"
        " price_gwei_per_kwh = ? WHERE order_id = ?",
        (energy_uwh, energy_uwh, price, args["order_id"]),
    )
    if not order["is_offer"]:
        freed_wei = order["remaining_uwh"] * order["price_gwei_per_kwh"]
        _add_wei(connection, order["peer"], "balance_wei", freed_wei - energy_uwh * price)


def _trade_cleared(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    """The buyer's cost comes out of the bid's lock; the page shows price and fee as one."""
    energy_uwh = args["energy_uwh"]
    bid = _order(connection, args["bid_id"])
    connection.execute(
        "INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'matched', NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL)",
        (
            *(args["trade_id"], args["bid_id"], bid["window_id"], args["seller"], args["buyer"]),
            *(args["buyer"], energy_uwh),
            *(args["price_gwei_per_kwh"] + args["fee_gwei_per_kwh"], at_ms),
        ),
    )
    for name in ("bid_id", "offer_id"):
        connection.execute(
            "UPDATE orders SET remaining_uwh = remaining_uwh - ? WHERE order_id = ?",
            (energy_uwh, args[name]),
        )


def _surplus_returned(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    order = _order(connection, args["order_id"])
    connection.execute(
        "UPDATE orders SET remaining_uwh = 0 WHERE order_id = ?", (args["order_id"],)
    )
    _add_wei(connection, order["peer"], "balance_wei", args["refunded_wei"])


def _fee_paid(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _add_wei(connection, args["account"], "balance_wei", args["fee_wei"])


def _order(connection: sqlite3.Connection, order_id: int) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM orders WHERE order_id = ?", (order_id,)
    ).fetchone()
    return row


def _trade_made(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        "INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'matched', NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL)",
        (
            *(args["trade_id"], args["order_id"], args["window_id"]),
            *(args["seller"], args["buyer"], args["taker"], energy_uwh, price, at_ms),
        ),
    )
    connection.execute(
        "UPDATE orders SET remaining_uwh = remaining_uwh - ? WHERE order_id = ?",
        (energy_uwh, args["order_id"]),
    )
    if _order(connection, args["order_id"])["is_offer"]:  # who takes an offer locks money now
        _add_wei(connection, args["buyer"], "balance_wei", -energy_uwh * price)


def _trade_settled(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "settled", args, at_ms)
    trade = _trade(connection, args["trade_id"])
    _add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    _add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade_disputed(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "disputed", {"settled_uwh": args["low_uwh"], **args}, at_ms)
    trade = _trade(connection, args["trade_id"])
    _add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    _add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _dispute_resolved(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    """The amounts are those that were held: they add to what the report had moved."""
    trade = _trade(connection, args["trade_id"])
    sums = {name: int(trade[name]) + args[name] for name in ("paid_wei", "refunded_wei")}
    connection.execute(
        "UPDATE trades SET chain_state = 'settled', settled_uwh = ?, paid_wei = ?,"
        " refunded_wei = ?, closed_at_ms = ? WHERE trade_id = ?",
        (
            *(args["settled_uwh"], str(sums["paid_wei"]), str(sums["refunded_wei"])),
            *(at_ms, args["trade_id"]),
        ),
    )
    _add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    _add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade_refunded(connection: sqlite3.Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "refunded", {"paid_wei": 0, **args}, at_ms)
    trade = _trade(connection, args["trade_id"])
    _add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade(connection: sqlite3.Connection, trade_id: int) -> sqlite3.Row:
    row: sqlite3.Row = connection.execute(
        "SELECT * FROM trades WHERE trade_id = ?", (trade_id,)
    ).fetchone()
    return row


def _close_trade(
    connection: sqlite3.Connection, state: str, args: dict[str, Any], at_ms: int
) -> None:
    connection.execute(
        "UPDATE trades SET chain_state = ?, seller_metered_uwh = ?, buyer_metered_uwh = ?,"
        " settled_uwh = ?, paid_wei = ?, refunded_wei = ?, closed_at_ms = ?, signatures = ?"
        " WHERE trade_id = ?",
        (
            *(state, args.get("seller_uwh"), args.get("buyer_uwh"), args.get("settled_uwh", 0)),
            *(str(args["paid_wei"]), str(args["refunded_wei"]), at_ms, args.get("signatures")),
            args["trade_id"],
        ),
    )


CHANGES: dict[str, Callable[[sqlite3.Connection, dict[str, Any], int], None]] = {
    "PeerRegistered": _peer_registered,
    "PeerApproved": _peer_approved,
    "PeerSuspended": _peer_suspended,
    "PeerRemoved": _peer_removed,
    "Deposited": _deposited,
    "Withdrawn": _withdrawn,
    "WindowOpened": _window_opened,
    "OrderPlaced": _order_placed,
    "OrderCancelled": _order_cancelled,
    "OrderAmended": _order_amended,
    "TradeMade": _trade_made,
    "TradeCleared": _trade_cleared,
    "SurplusReturned": _surplus_returned,
    "FeePaid": _fee_paid,
    "TradeSettled": _trade_settled,
    "TradeDisputed": _trade_disputed,
    "DisputeResolved": _dispute_resolved,
    "TradeRefunded": _trade_refunded,
}
