"""What every deed of a peer needs: its account, its money, and to read its own writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hub import amounts
from hub.config import SiteConfig
from hub.coordinator.groups import group_of, has_book_per_segment
from hub.keys import GRID, Keys
from hub.services import window_records
from hub.services.order_rules import Refused
from hub.site_clock import wall_ms
from hub.store import OrderRow, Store, WindowRow

SEEN_WITHIN_S = 3.0
SEEN_PERIOD_S = 0.25  # where nobody tells that the chain moved


class Contract(Protocol):
    """What the service needs of hub.chain.client.MarketClient; each call signs and waits."""

    def offer(self, account: Any, window_id: int, energy_uwh: int, price: int, /) -> int: ...
    def bid(self, account: Any, window_id: int, energy_uwh: int, price: int, /) -> int: ...
    def bid_from_accepted(self, account: Any, id_: int, energy_uwh: int, price: int, /) -> int: ...
    def accept_seller(self, account: Any, seller: str, is_accepted: bool, /) -> Any: ...
    def take(self, account: Any, order_id: int, energy_uwh: int, limit: int, /) -> int: ...
    def cancel(self, account: Any, order_id: int, /) -> Any: ...
    def counter(self, account: Any, order_id: int, energy_uwh: int, price: int, /) -> int: ...
    def counter_again(self, account: Any, id_: int, energy_uwh: int, price: int, /) -> Any: ...
    def accept(self, account: Any, id_: int, energy_uwh: int, price: int, /) -> int: ...
    def withdraw_counter(self, account: Any, id_: int, /) -> Any: ...
    def review(self, account: Any, order_ids: Sequence[int], is_approved: bool, /) -> Any: ...


class Acting:
    """The site's peers, as far as their deeds on the contract need them."""

    def __init__(self, store: Store, client: Contract, keys: Keys, config: SiteConfig) -> None:
        self._store, self._client, self._keys, self.config = store, client, keys, config
        self._listeners: list[Callable[[], None]] = []
        self._moved = threading.Condition()

    def now_s(self) -> float:
        """Return the chain's time: that of the hub's clock, which stamps the blocks."""
        return wall_ms() / 1_000

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener`, from any thread, after each deed on the contract made here."""
        self._listeners.append(listener)

    def window_now(self, peer_name: str | None = None) -> WindowRow | None:
        """Return the trading window of now, the one a peer trades in when it is named."""
        now_s = self.now_s()
        return window_records.current_window(self._windows_of(peer_name, now_s), now_s)

    def available_wei(self, peer_name: str) -> int:
        """Return what a peer can spend. Raises Refused for a stranger."""
        address = self._account(peer_name).address
        return next((peer.balance_wei for peer in self._store.peers() if peer.peer == address), 0)

    def address_of(self, peer_name: str) -> str:
        """Return a peer's account. Raises Refused for a stranger."""
        return str(self._account(peer_name).address)

    def newest_ids(self) -> dict[str, int]:
        """Return the highest numbers of orders and trades that the store has seen, 0 for none."""
        order_id, trade_id = self._store.newest_ids()
        return {"newest_order_id": order_id, "newest_trade_id": trade_id}

    def has_order(self, order_id: int) -> bool:
        """Tell whether the store has seen that order, open or not."""
        return self._store.order(order_id) is not None

    def has_trade(self, trade_id: int) -> bool:
        """Tell whether the store has seen that trade."""
        return self._store.trade(trade_id) is not None

    def _windows_of(self, peer_name: str | None, now_s: float) -> list[WindowRow]:
        """Return the windows not over, for everyone or for the peer's group, newest first."""
        windows = self._store.live_windows(now_s)
        if peer_name is None:
            return windows
        house = next((one for one in self.config.houses if one.name == peer_name), None)
        own = None if house is None else group_of(self.config, house)
        has_several = self.config.market.kind == "hybrid" or has_book_per_segment(self.config)
        found = []
        for window in windows:
            plan = self._store.plan(window.window_id)
            # Just opened, and not known yet for whom: nobody's for a moment.
            is_unknown = plan is None and window.has_book and has_several
            group = plan.community if plan else None
            is_theirs = group is None or group == own
            if is_theirs and not is_unknown:
                found.append(window)
        return found

    def _segment_of(self, address: str) -> str | None:
        """Return the bus segment of a peer's house, None for a peer without one here."""
        peers = {str(one.address): name for name, one in self._keys.peers.items()}
        name = peers.get(address)
        return next((one.segment for one in self.config.houses if one.name == name), None)

    def _check_joined(self, account: Any, order: OrderRow) -> None:
        """Check that a bus segment joins a peer with the order's: else nothing could be delivered,
        and the trade would only be refunded."""
        if self._segment_of(account.address) != self._segment_of(order.peer):
            raise Refused(
                "That order's house is on another bus segment: no energy can flow between you."
            )

    def _account(self, peer_name: str) -> Any:
        account = self._keys.peers.get(peer_name) if isinstance(peer_name, str) else None
        if account is None:
            raise Refused("There is no such peer on this site.", "peer")
        return account

    def _names(self) -> dict[str, str]:
        names = {str(one.address): name for name, one in self._keys.peers.items()}
        return names | {self._keys.grid.address: GRID}

    def _open_order(self, order_id: int) -> OrderRow:
        order = self._store.order(order_id)
        if order is None:
            raise Refused("There is no such order.")
        if order.is_cancelled:
            raise Refused("That order was cancelled.")
        if order.remaining_uwh == 0:
            raise Refused("That order was taken by somebody else.")
        return order

    def _takeable(self, order: OrderRow) -> WindowRow:
        """Return the window of an order that peers may take, or answer, now."""
        window = self._store.window(order.window_id)
        if window is None or not window.bid_start_s <= self.now_s() < window.clear_by_s:
            raise Refused("Its window is closed: this order can no longer be taken.")
        if window.has_book:
            raise Refused("Orders of this window are cleared together; none is taken alone.")
        if window.needs_approval and not order.is_approved:
            raise Refused("That order still waits for the coordinator's approval.")
        return window

    def _check_money(self, peer_name: str, cost_wei: int) -> None:
        available_wei = self.available_wei(peer_name)
        if cost_wei > available_wei:
            raise Refused(
                f"That costs {amounts.money_text(cost_wei)}, but {peer_name} has only "
                f"{amounts.money_text(available_wei)} available.",
                "energy",
            )

    def chain_moved(self) -> None:
        """Look again, from any thread: the store has taken in new blocks."""
        with self._moved:
            self._moved.notify_all()

    def _wait_for(self, has_arrived: Callable[[], bool]) -> None:
        """Wait until the store shows what the chain has confirmed, so that a peer reads its own
        writes; the transaction stands even if the follower is slow."""
        deadline = time.monotonic() + SEEN_WITHIN_S
        with self._moved:
            while not has_arrived() and (left_s := deadline - time.monotonic()) > 0:
                self._moved.wait(min(left_s, SEEN_PERIOD_S))
        self._forget()
        for listener in self._listeners:
            listener()

    def _forget(self) -> None:
        """Show nothing older than now."""
