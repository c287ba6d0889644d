"""What happened enters; letters to those who chose to hear of it are queued in the store."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping

from hub.notices.config import Subscriber
from hub.notices.told import Told
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store, TradeRow, WindowRow

WEI_PER_COIN = 10**18


class Composer:
    """Telling twice does no harm while the letter is kept: its topic names what it tells of.

    `house_of(address)`: the house with that chain account.
    """

    def __init__(
        self,
        store: Store,
        subscribers: Iterable[Subscriber],
        clock: SiteClock,
        house_of: Callable[[str], str | None],
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._store = store
        self._subscribers = tuple(subscribers)
        self._clock = clock
        self._house_of = house_of
        self._now_ms = now_ms
        names = {want: [one.name for one in self._who(want)] for want in ("trades", "windows")}
        self._told = Told(store, **names)
        self._told.trades_since(now_ms())  # what happened before anybody asked is not told

    def tell_alarm(self, alarm_id: int, kind: str, sentence: str, is_raised: bool) -> None:
        """Queue letters of an alarm that was raised or is over."""
        topic = f"alarm:{alarm_id}:{'raised' if is_raised else 'over'}"
        word = "Alarm" if is_raised else "Over"
        for one in self._who("alarms"):
            self._post(one, topic, f"{word}: {sentence}", f"{sentence}\n\nKind: {kind}\n")

    def look(self) -> None:
        """Queue letters of windows and trades that are news."""
        now_ms = self._now_ms()
        since, after = self._told.trades_since(now_ms), self._told.windows_after(now_ms)
        windows = self._store.windows_after(min(after.values())) if after else []
        for window in windows:
            if window.bid_end_s * 1000 > now_ms:
                self._tell_window(window, after)
        # Not beyond now: a clock that was ahead left times that come again, and then are no news.
        trades = self._store.closed_trades(min(since.values()), now_ms) if since else []
        for trade in trades:
            self._tell_trade(trade, since)
        self._told.advance(now_ms, max((one.window_id for one in windows), default=0))

    def _who(self, want: str) -> list[Subscriber]:
        return [one for one in self._subscribers if want in one.wants]

    def _tell_window(self, window: WindowRow, after: Mapping[str, int]) -> None:
        opens, ends = self._at(window.bid_start_s), self._at(window.bid_end_s)
        starts, stops = self._at(window.delivery_start_s), self._at(window.delivery_end_s)
        subject = f"Market {window.window_id}: orders from {opens} to {ends}"
        body = (
            f"Orders: {opens} to {ends}\nDelivery: {starts} to {stops}\n"
            f"Energy: {window.min_energy_uwh / 1000:g} to {window.max_energy_uwh / 1000:g} mWh\n"
        )
        for one in self._who("windows"):
            if window.window_id > after[one.name]:
                self._post(one, f"window:{window.window_id}", subject, body)

    def _tell_trade(self, trade: TradeRow, since: Mapping[str, int]) -> None:
        seller, buyer = self._house_of(trade.seller), self._house_of(trade.buyer)
        subject = f"Trade {trade.trade_id} {trade.state}: {seller} to {buyer}"
        body = (
            f"Seller: {seller}\nBuyer: {buyer}\n"
            f"Agreed: {trade.energy_uwh / 1000:g} mWh\n"
            f"Settled: {(trade.settled_uwh or 0) / 1000:g} mWh\n"
            f"Paid: {(trade.paid_wei or 0) / WEI_PER_COIN:.9f} ETH\n"
            f"Refunded: {(trade.refunded_wei or 0) / WEI_PER_COIN:.9f} ETH\n"
        )
        for one in self._who("trades"):
            is_concerned = not one.house or one.house in (seller, buyer)
            if is_concerned and (trade.closed_at_ms or 0) >= since[one.name]:
                self._post(one, f"trade:{trade.trade_id}:{trade.state}", subject, body)

    def _at(self, at_s: int) -> str:
        local: datetime.datetime = self._clock.at(at_s * 1000)
        return f"{local:%Y-%m-%d %H:%M}"

    def _post(self, one: Subscriber, topic: str, subject: str, body: str) -> None:
        self._store.post_letter(one.name, topic, subject, body, self._now_ms())
