"""The contract's state in the store: rebuilt from its events, moved with the cursor."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from hub.store.backend import Connection
from hub.store.changes import CHANGES
from hub.store.database import Database
from hub.store.migrations import DERIVED
from hub.store.rows import CounterRow, OrderRow, PeerRow, TradeRow, WindowRow


class Event(Protocol):
    """What this module needs of hub.chain.records.ChainEvent."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> dict[str, Any]: ...
    @property
    def block_number(self) -> int: ...
    @property
    def block_hash(self) -> str: ...
    @property
    def transaction_hash(self) -> str: ...
    @property
    def log_index(self) -> int: ...


class Cursor(Protocol):
    """What this module needs of hub.chain.records.Cursor."""

    @property
    def block_number(self) -> int: ...
    @property
    def block_hash(self) -> str: ...


def _plain(value: object) -> str:
    """Turn what JSON does not know (bytes32) into 0x and hex digits."""
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    raise TypeError(f"an event argument of type {type(value).__name__}")


# The chain has the last word on a trade; until then the newest attempt at its delivery has.
TRADES = """
    SELECT t.trade_id, order_id, window_id, seller, buyer, taker, energy_uwh, price_gwei_per_kwh,
           matched_at_ms, seller_metered_uwh, buyer_metered_uwh, settled_uwh, paid_wei,
           refunded_wei, closed_at_ms, signatures, fee_gwei_per_kwh, fee_wei,
           CASE WHEN chain_state = 'provisional' THEN 'matched'
               WHEN chain_state <> 'matched' THEN chain_state ELSE coalesce(
               (SELECT nullif(d.state, 'abandoned') FROM deliveries d
                WHERE d.trade_id = t.trade_id
                ORDER BY d.attempt DESC, d.epoch DESC LIMIT 1), 'matched') END AS state
      FROM trades t
"""


class MarketTables(Database):
    """Peers, windows, orders and trades as the contract's events tell them."""

    def chain_cursor(self) -> tuple[int, str] | None:
        """Return (block number, block hash) up to which events are stored, None before any."""
        row = self._one("SELECT block_number, block_hash FROM chain_cursor")
        return None if row is None else (row["block_number"], row["block_hash"])

    def apply_batch(self, events: Iterable[Event], cursor: Cursor, at_ms: int) -> None:
        """Apply events and move the cursor, all in one transaction; an event twice changes
        nothing."""
        with self.transaction() as connection:
            for event in events:
                args = json.dumps(event.args, default=_plain)
                added = connection.execute(
                    "INSERT OR IGNORE INTO chain_events VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(event.block_number, event.log_index, event.block_hash),
                        *(event.transaction_hash, event.name, args, at_ms),
                    ),
                )
                if added.rowcount:
                    self._apply(connection, event.name, args, at_ms)
            self._set_cursor(connection, cursor.block_number, cursor.block_hash)

    def roll_back(self, block_number: int, block_hash: str = "") -> None:
        """Forget every event after that block and rebuild what the earlier ones tell."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM chain_events WHERE block_number > ?", (block_number,))
            self._rebuild(connection)
            self._set_cursor(connection, block_number, block_hash)

    def _rebuild(self, connection: Connection) -> None:
        for table in DERIVED:
            connection.execute(f"DELETE FROM {table}")
        rows = connection.execute(
            "SELECT name, args, seen_at_ms FROM chain_events ORDER BY block_number, log_index"
        ).fetchall()
        for row in rows:
            self._apply(connection, row["name"], row["args"], row["seen_at_ms"])

    @staticmethod
    def _apply(connection: Connection, name: str, args: str, at_ms: int) -> None:
        change = CHANGES.get(name)
        if change is not None:  # role and pause events carry nothing the hub keeps
            change(connection, json.loads(args), at_ms)

    @staticmethod
    def _set_cursor(connection: Connection, block_number: int, block_hash: str) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO chain_cursor VALUES (1, ?, ?)", (block_number, block_hash)
        )

    def peers(self) -> list[PeerRow]:
        """Return all registered peers."""
        return [
            PeerRow(
                *(row["peer"], row["node"], row["state"], int(row["balance_wei"])),
                *(int(row["deposited_wei"]), int(row["withdrawn_wei"]), row["node_key"]),
            )
            for row in self._rows("SELECT * FROM peers")
        ]

    def windows(self) -> list[WindowRow]:
        """Return all trading windows, newest first."""
        rows = self._rows("SELECT * FROM windows ORDER BY window_id DESC")
        return [window_of(row) for row in rows]

    def windows_after(self, window_id: int) -> list[WindowRow]:
        """Return the trading windows with a higher number, oldest first."""
        rows = self._rows(
            "SELECT * FROM windows WHERE window_id > ? ORDER BY window_id", (window_id,)
        )
        return [window_of(row) for row in rows]

    def window(self, window_id: int) -> WindowRow | None:
        row = self._one("SELECT * FROM windows WHERE window_id = ?", (window_id,))
        return None if row is None else window_of(row)

    def orders(self, window_id: int | None = None, peer: str | None = None) -> list[OrderRow]:
        """Return orders, oldest first, of one window or peer (address) or all."""
        where, parameters = _where(("window_id = ?", window_id), ("peer = ?", peer))
        rows = self._rows(f"SELECT * FROM orders {where} ORDER BY order_id", parameters)
        return [order_of(row) for row in rows]

    def open_orders(self, window_id: int) -> list[OrderRow]:
        """Return the orders of a window that have energy left to take."""
        return [order for order in self.orders(window_id) if order.remaining_uwh > 0]

    def locked_bids(self) -> list[OrderRow]:
        """Return the bids of all windows that still lock money."""
        rows = self._rows(
            "SELECT * FROM orders WHERE is_offer = 0 AND (remaining_uwh > 0 OR surplus_wei <> '0')"
            " ORDER BY order_id"
        )
        return [order_of(row) for row in rows]

    def trades(self, peer: str | None = None, window_id: int | None = None) -> list[TradeRow]:
        """Return trades, oldest first, of one peer (address) or window or all."""
        where, parameters = _where(
            ("window_id = ?", window_id), ("(seller = ? OR buyer = ?)", peer)
        )
        rows = self._rows(f"{TRADES} {where} ORDER BY trade_id", parameters)
        return [trade_of(row) for row in rows]

    def closed_trades(self, since_ms: int, until_ms: int) -> list[TradeRow]:
        """Return the trades seen settled, refunded or disputed in [since, until], oldest first."""
        return self._trades_where("closed_at_ms >= ? AND closed_at_ms <= ?", since_ms, until_ms)

    def unsettled_trades(self) -> list[TradeRow]:
        """Return the trades to be delivered and settled, oldest first."""
        return self._trades_where("chain_state = 'matched'")

    def provisional_trades(self) -> list[TradeRow]:
        """Return the trades of books whose clearing is not final, oldest first."""
        return self._trades_where("chain_state = 'provisional'")

    def counters(self) -> list[CounterRow]:
        """Return the counter-offers that stand, oldest first."""
        rows = self._rows("SELECT * FROM counters ORDER BY counter_id")
        return [
            CounterRow(
                **{
                    **dict(row),
                    "is_makers": bool(row["is_makers"]),
                    "locked_wei": int(row["locked_wei"]),
                }
            )
            for row in rows
        ]

    def accepted_sellers(self) -> dict[str, frozenset[str]]:
        """Return whom each buyer's bids may name as their only sellers."""
        found: dict[str, set[str]] = {}
        for row in self._rows("SELECT * FROM accepted_sellers"):
            found.setdefault(row["buyer"], set()).add(row["seller"])
        return {buyer: frozenset(sellers) for buyer, sellers in found.items()}

    def disputed_trades(self) -> list[TradeRow]:
        """Return the trades of which the chain holds a part in dispute, oldest first."""
        return self._trades_where("chain_state = 'disputed'")

    def _trades_where(self, condition: str, *parameters: Any) -> list[TradeRow]:
        rows = self._rows(f"{TRADES} WHERE {condition} ORDER BY trade_id", parameters)
        return [trade_of(row) for row in rows]

    def trade(self, trade_id: int) -> TradeRow | None:
        row = self._one(TRADES + "WHERE t.trade_id = ?", (trade_id,))
        return None if row is None else trade_of(row)


def _where(*conditions: tuple[str, Any]) -> tuple[str, list[Any]]:
    """Return the WHERE of the conditions that are asked for: `? IS NULL OR` would use no index."""
    asked = [(text, value) for text, value in conditions if value is not None]
    parameters = [value for text, value in asked for _ in range(text.count("?"))]
    return ("WHERE " if asked else "") + " AND ".join(text for text, _ in asked), parameters


def window_of(row: Any) -> WindowRow:
    flags = {name: bool(row[name]) for name in ("needs_approval", "is_strict", "is_cleared")}
    return WindowRow(**{**dict(row), **flags})


def order_of(row: Any) -> OrderRow:
    flags = {name: bool(row[name]) for name in _ORDER_FLAGS}
    return OrderRow(**{**dict(row), **flags, "surplus_wei": int(row["surplus_wei"])})


def trade_of(row: Any) -> TradeRow:
    wei = {name: None if row[name] is None else int(row[name]) for name in _WEI}
    return TradeRow(**{**dict(row), **wei})


_WEI = ("paid_wei", "refunded_wei", "fee_wei")
_ORDER_FLAGS = ("is_offer", "is_cancelled", "only_accepted", "is_approved")
