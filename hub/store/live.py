"""What of the market is live or newest: queries whose cost is that of now, not of the history.

The hub asks these every second, for years; what is asked once in a while is in hub/store/market.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.store.market import TRADES, MarketTables, order_of, trade_of, window_of
from hub.store.rows import OrderRow, TradeRow, WindowRow


class LiveTables(MarketTables):
    """Windows that are not over, orders and trades by their numbers, newest ones."""

    def live_windows(self, now_s: float) -> list[WindowRow]:
        """Return the windows whose report-by is still to come, newest first."""
        return self._windows("WHERE report_by_s > ? ORDER BY window_id DESC", now_s)

    def newest_windows(self, limit: int) -> list[WindowRow]:
        """Return the newest windows, newest first."""
        return self._windows("ORDER BY window_id DESC LIMIT ?", limit)

    def windows_delivered_from(self, start_s: int) -> list[WindowRow]:
        """Return the windows whose delivery begins then, newest first."""
        return self._windows("WHERE delivery_start_s = ? ORDER BY window_id DESC", start_s)

    def windows_by_id(self, window_ids: Iterable[int]) -> dict[int, WindowRow]:
        """Return those windows that are known, by their ids."""
        found = (self.window(window_id) for window_id in set(window_ids))
        return {window.window_id: window for window in found if window is not None}

    def _windows(self, where: str, *parameters: Any) -> list[WindowRow]:
        return [window_of(row) for row in self._rows(f"SELECT * FROM windows {where}", parameters)]

    def order(self, order_id: int) -> OrderRow | None:
        row = self._one("SELECT * FROM orders WHERE order_id = ?", (order_id,))
        return None if row is None else order_of(row)

    def orders_by_id(self, order_ids: Iterable[int]) -> dict[int, OrderRow]:
        """Return those orders that are known, by their ids."""
        found = (self.order(order_id) for order_id in set(order_ids))
        return {order.order_id: order for order in found if order is not None}

    def newest_orders(self, limit: int) -> list[OrderRow]:
        """Return the newest orders, oldest first."""
        rows = self._rows("SELECT * FROM orders ORDER BY order_id DESC LIMIT ?", (limit,))
        return [order_of(row) for row in rows[::-1]]

    def newest_trades(self, limit: int) -> list[TradeRow]:
        """Return the newest trades, newest first."""
        rows = self._rows(f"{TRADES} ORDER BY trade_id DESC LIMIT ?", (limit,))
        return [trade_of(row) for row in rows]

    def open_trades(self) -> list[TradeRow]:
        """Return the trades that the chain has not closed, oldest first."""
        return self._trades_where("chain_state NOT IN ('settled', 'refunded')")

    def newest_ids(self) -> tuple[int, int]:
        """Return the highest numbers of orders and trades, 0 for none."""
        order = self._one("SELECT max(order_id) AS newest FROM orders")
        trade = self._one("SELECT max(trade_id) AS newest FROM trades")
        return order["newest"] or 0, trade["newest"] or 0

    def trade_states(self) -> dict[str, int]:
        """Return how many trades are in each state."""
        rows = self._rows(f"SELECT state, count(*) AS n FROM ({TRADES}) AS t GROUP BY state")
        return {row["state"]: row["n"] for row in rows}
