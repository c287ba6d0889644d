"""What each event of the contract changes in the store: one function per event.

`at_ms` is when the hub first saw the event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.store.backend import Connection
from hub.store.book_changes import BOOK_CHANGES, TRADE_COLUMNS, add_wei, order_row

NO_KEY = "0x" + "00" * 20  # of a board that was approved without one


def node_name(node_id: str | None) -> str | None:
    """Return the node's name from a bytes32 in hex: ASCII, padded with zeros on the right."""
    if not node_id:
        return None
    if not node_id.startswith("0x"):
        return node_id
    return bytes.fromhex(node_id[2:]).rstrip(b"\0").decode("ascii", "replace") or None


def _peer_registered(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO peers VALUES (?, NULL, 'registered', '0', '0', '0', NULL)",
        (args["peer"],),
    )


def _peer_approved(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    _peer_registered(connection, args, at_ms)
    key = args.get("node_key")
    connection.execute(
        "UPDATE peers SET state = 'approved', node = ?, node_key = ? WHERE peer = ?",
        (node_name(args["node_id"]), None if key == NO_KEY else key, args["peer"]),
    )


def _peer_suspended(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute("UPDATE peers SET state = 'suspended' WHERE peer = ?", (args["peer"],))


def _peer_removed(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    connection.execute(
        "UPDATE peers SET state = 'registered', node = NULL, node_key = NULL WHERE peer = ?",
        (args["peer"],),
    )


def _deposited(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    add_wei(connection, args["peer"], "deposited_wei", args["amount_wei"])
    add_wei(connection, args["peer"], "balance_wei", args["amount_wei"])


def _withdrawn(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    add_wei(connection, args["peer"], "withdrawn_wei", args["amount_wei"])
    add_wei(connection, args["peer"], "balance_wei", -args["amount_wei"])


def _window_opened(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    terms = _TAKEN_BY_PEERS | args.get("terms", args)
    connection.execute(
        f"INSERT INTO windows VALUES ({', '.join('?' * 18)}, NULL, NULL, 0)",
        (
            args["window_id"],
            *(terms[name] for name in ("bid_start", "bid_end", "clear_by")),
            *(terms[name] for name in ("delivery_start", "delivery_end", "report_by")),
            *(terms[name] for name in ("min_energy_uwh", "max_energy_uwh")),
            *(terms.get(f"{name}_gwei_per_kwh", terms.get(name)) for name in _PRICES),
            *(terms["resolve_by"], terms["mechanism"]),
            *(int(terms["needs_approval"]), int(terms["is_strict"])),
            *(terms["k_permille"], terms["capacity_uwh"], terms["max_fee"]),
        ),
    )


# The terms of a window whose event names no others.
_TAKEN_BY_PEERS: dict[str, Any] = {
    "mechanism": 0,
    "needs_approval": False,
    "is_strict": False,
    "k_permille": 500,
    "capacity_uwh": 0,
    "max_fee": 0,
}
_PRICES = ("min_price", "max_price")


def _fee_paid(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    trade = _trade(connection, args["trade_id"])
    connection.execute(
        "UPDATE trades SET fee_wei = ? WHERE trade_id = ?",
        (str(int(trade["fee_wei"]) + args["fee_wei"]), args["trade_id"]),
    )
    add_wei(connection, args["account"], "balance_wei", args["fee_wei"])


def _trade_made(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        f"INSERT INTO trades ({TRADE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'matched')",
        (
            *(args["trade_id"], args["order_id"], args["window_id"]),
            *(args["seller"], args["buyer"], args["taker"], energy_uwh, price, at_ms),
        ),
    )
    connection.execute(
        "UPDATE orders SET remaining_uwh = remaining_uwh - ? WHERE order_id = ?",
        (energy_uwh, args["order_id"]),
    )
    order = order_row(connection, args["order_id"])
    if not order["is_offer"]:  # the lock of a bid is freed, at the bid's price
        freed_wei = energy_uwh * order["price_gwei_per_kwh"]
        add_wei(connection, args["buyer"], "balance_wei", freed_wei)
    add_wei(connection, args["buyer"], "balance_wei", -energy_uwh * price)


def _trade_settled(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "settled", args, at_ms)
    trade = _trade(connection, args["trade_id"])
    add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade_disputed(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "disputed", {"settled_uwh": args["low_uwh"], **args}, at_ms)
    trade = _trade(connection, args["trade_id"])
    add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _dispute_resolved(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """The amounts are those that were held: they add to what the report had moved."""
    trade = _trade(connection, args["trade_id"])
    sums = {name: int(trade[name]) + args[name] for name in ("paid_wei", "refunded_wei")}
    sums["paid_wei"] = args["settled_uwh"] * trade["price_gwei_per_kwh"]  # the fee included
    connection.execute(
        "UPDATE trades SET chain_state = 'settled', settled_uwh = ?, paid_wei = ?,"
        " refunded_wei = ?, closed_at_ms = ? WHERE trade_id = ?",
        (
            *(args["settled_uwh"], str(sums["paid_wei"]), str(sums["refunded_wei"])),
            *(at_ms, args["trade_id"]),
        ),
    )
    add_wei(connection, trade["seller"], "balance_wei", args["paid_wei"])
    add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade_refunded(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    _close_trade(connection, "refunded", {"paid_wei": 0, **args}, at_ms)
    trade = _trade(connection, args["trade_id"])
    add_wei(connection, trade["buyer"], "balance_wei", args["refunded_wei"])


def _trade(connection: Connection, trade_id: int) -> Any:
    row: Any = connection.execute("SELECT * FROM trades WHERE trade_id = ?", (trade_id,)).fetchone()
    return row


def _close_trade(connection: Connection, state: str, args: dict[str, Any], at_ms: int) -> None:
    paid_wei = args["paid_wei"] + int(_trade(connection, args["trade_id"])["fee_wei"])
    connection.execute(
        "UPDATE trades SET chain_state = ?, seller_metered_uwh = ?, buyer_metered_uwh = ?,"
        " settled_uwh = ?, paid_wei = ?, refunded_wei = ?, closed_at_ms = ?, signatures = ?"
        " WHERE trade_id = ?",
        (
            *(state, args.get("seller_uwh"), args.get("buyer_uwh"), args.get("settled_uwh", 0)),
            *(str(paid_wei), str(args["refunded_wei"]), at_ms, args.get("signatures")),
            args["trade_id"],
        ),
    )


CHANGES: dict[str, Callable[[Connection, dict[str, Any], int], None]] = {
    "PeerRegistered": _peer_registered,
    "PeerApproved": _peer_approved,
    "PeerSuspended": _peer_suspended,
    "PeerRemoved": _peer_removed,
    "Deposited": _deposited,
    "Withdrawn": _withdrawn,
    "WindowOpened": _window_opened,
    "TradeMade": _trade_made,
    "FeePaid": _fee_paid,
    "TradeSettled": _trade_settled,
    "TradeDisputed": _trade_disputed,
    "DisputeResolved": _dispute_resolved,
    "TradeRefunded": _trade_refunded,
    **BOOK_CHANGES,
}
