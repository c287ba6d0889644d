"""What each event of a window's book changes in the store: orders, counter-offers, clearing.

`at_ms` is when the hub first saw the event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.store.backend import Connection

TRADE_COLUMNS = (
    "trade_id, order_id, window_id, seller, buyer, taker, energy_uwh, price_gwei_per_kwh,"
    " matched_at_ms, chain_state"
)


def add_wei(connection: Connection, peer: str, column: str, amount_wei: int) -> None:
    """Add to an amount of a peer, who is new when no event told of it yet."""
    row = connection.execute(f"SELECT {column} AS wei FROM peers WHERE peer = ?", (peer,))
    found = row.fetchone()
    if found is None:
        connection.execute(
            "INSERT INTO peers VALUES (?, NULL, 'registered', '0', '0', '0', NULL)", (peer,)
        )
    wei = int(found["wei"]) if found is not None else 0
    connection.execute(
        f"UPDATE peers SET {column} = ? WHERE peer = ?", (str(wei + amount_wei), peer)
    )


def order_row(connection: Connection, order_id: int) -> Any:
    """Return an order's row."""
    row: Any = connection.execute("SELECT * FROM orders WHERE order_id = ?", (order_id,)).fetchone()
    return row


def _order_placed(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, '0')",
        (
            *(args["order_id"], args["window_id"], args["peer"], int(args["is_offer"])),
            *(energy_uwh, energy_uwh, price, at_ms),
            *(args.get("priority", 0), int(args.get("only_accepted", False))),
        ),
    )
    if not args["is_offer"]:  # a bid locks its money
        add_wei(connection, args["peer"], "balance_wei", -energy_uwh * price)


def _order_cancelled(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    order = order_row(connection, args["order_id"])
    connection.execute(
        "UPDATE orders SET is_cancelled = 1, remaining_uwh = 0, surplus_wei = '0'"
        " WHERE order_id = ?",
        (args["order_id"],),
    )
    add_wei(connection, order["peer"], "balance_wei", args["refunded_wei"])


def _order_amended(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    order = order_row(connection, args["order_id"])
    energy_uwh, price = args["energy_uwh"], args["price_gwei_per_kwh"]
    connection.execute(
        "UPDATE orders SET energy_uwh = energy_uwh - remaining_uwh + ?, remaining_uwh = ?,"
        " price_gwei_per_kwh = ?, is_approved = 0 WHERE order_id = ?",
        (energy_uwh, energy_uwh, price, args["order_id"]),
    )
    if not order["is_offer"]:
        freed_wei = order["remaining_uwh"] * order["price_gwei_per_kwh"]
        add_wei(connection, order["peer"], "balance_wei", freed_wei - energy_uwh * price)


def _order_reviewed(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """A rejected order is cancelled, too, by an event of its own."""
    connection.execute(
        "UPDATE orders SET is_approved = ? WHERE order_id = ?",
        (int(args["is_approved"]), args["order_id"]),
    )


def _seller_accepted(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    pair = (args["buyer"], args["seller"])
    if args["is_accepted"]:
        connection.execute("INSERT OR IGNORE INTO accepted_sellers VALUES (?, ?)", pair)
    else:
        connection.execute("DELETE FROM accepted_sellers WHERE buyer = ? AND seller = ?", pair)


# Counter-offers -------------------------------------------------------------------------------


def _counter_offered(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """The newest terms replace those before; a peer that would buy locks their cost."""
    _counter_ended(connection, args, at_ms)
    is_buyers = order_row(connection, args["order_id"])["is_offer"] and not args["is_makers"]
    locked_wei = args["energy_uwh"] * args["price_gwei_per_kwh"] if is_buyers else 0
    connection.execute(
        "INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(args["counter_id"], args["order_id"], args["peer"], int(args["is_makers"])),
            *(args["energy_uwh"], args["price_gwei_per_kwh"], str(locked_wei)),
        ),
    )
    add_wei(connection, args["peer"], "balance_wei", -locked_wei)


def _counter_ended(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    row = connection.execute(
        "SELECT * FROM counters WHERE counter_id = ?", (args["counter_id"],)
    ).fetchone()
    if row is not None:
        add_wei(connection, row["peer"], "balance_wei", int(row["locked_wei"]))
        connection.execute("DELETE FROM counters WHERE counter_id = ?", (args["counter_id"],))


# Clearing -------------------------------------------------------------------------------------


def _book_priced(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """Windows that clear at each bid's own price tell zeros."""
    connection.execute(
        "UPDATE windows SET sell_gwei_per_kwh = nullif(?, 0), buy_gwei_per_kwh = nullif(?, 0)"
        " WHERE window_id = ?",
        (args["sell_price"], args["buy_price"], args["window_id"]),
    )


def _trade_cleared(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """The buyer's cost comes out of the bid's lock; what it saved stays locked until the pass.

    Where one side is the grid it has no order (id 0): the trade is one of the other side's order.
    """
    energy_uwh, fee = args["energy_uwh"], args["fee_gwei_per_kwh"]
    price = args["price_gwei_per_kwh"] + fee
    order_id = args["bid_id"] or args["offer_id"]
    order = order_row(connection, order_id)
    connection.execute(
        f"INSERT INTO trades ({TRADE_COLUMNS}, fee_gwei_per_kwh)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'provisional', ?)",
        (
            *(args["trade_id"], order_id, order["window_id"], args["seller"], args["buyer"]),
            *(args["buyer"], energy_uwh, price, at_ms, fee),
        ),
    )
    if args["bid_id"]:
        surplus_wei = int(order["surplus_wei"]) + energy_uwh * (order["price_gwei_per_kwh"] - price)
        connection.execute(
            "UPDATE orders SET surplus_wei = ? WHERE order_id = ?", (str(surplus_wei), order_id)
        )
    else:
        add_wei(connection, args["buyer"], "balance_wei", -energy_uwh * price)
    for name in ("bid_id", "offer_id"):
        connection.execute(
            "UPDATE orders SET remaining_uwh = remaining_uwh - ? WHERE order_id = ?",
            (energy_uwh, args[name]),
        )


def _surplus_returned(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    order = order_row(connection, args["order_id"])
    connection.execute(
        "UPDATE orders SET remaining_uwh = 0, surplus_wei = '0' WHERE order_id = ?",
        (args["order_id"],),
    )
    add_wei(connection, order["peer"], "balance_wei", args["refunded_wei"])


def _window_cleared(connection: Connection, args: dict[str, Any], at_ms: int) -> None:
    """The window's trades are final: from now on they may be delivered."""
    connection.execute(
        "UPDATE windows SET is_cleared = 1 WHERE window_id = ?", (args["window_id"],)
    )
    connection.execute(
        "UPDATE trades SET chain_state = 'matched' WHERE window_id = ?"
        " AND chain_state = 'provisional'",
        (args["window_id"],),
    )


BOOK_CHANGES: dict[str, Callable[[Connection, dict[str, Any], int], None]] = {
    "OrderPlaced": _order_placed,
    "OrderCancelled": _order_cancelled,
    "OrderAmended": _order_amended,
    "OrderReviewed": _order_reviewed,
    "SellerAccepted": _seller_accepted,
    "CounterOffered": _counter_offered,
    "CounterAccepted": _counter_ended,
    "CounterWithdrawn": _counter_ended,
    "BookPriced": _book_priced,
    "TradeCleared": _trade_cleared,
    "SurplusReturned": _surplus_returned,
    "WindowCleared": _window_cleared,
}
