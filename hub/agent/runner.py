"""One house's agent: asks the market, decides, acts."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hub.agent.bidding import (
    Accept,
    Action,
    Cancel,
    CounterSeen,
    MarketView,
    OrderSeen,
    PostBid,
    PostOffer,
    Take,
    decide,
)
from hub.agent.forecast import Forecast, Habits, forecast
from hub.agent.preferences import Preferences
from hub.agent.pricing import Pricing
from hub.coordinator.kinds import NO_PRICE_RULE
from hub.errors import TruequeError
from hub.store import CounterRow, OrderRow, TradeRow, WindowRow

LOG = logging.getLogger(__name__)

LONGEST_PHASE_S = 20.0
PHASE_SHARE = 0.25  # of the bidding time: everyone has spoken well before its end
HISTORY_MARGIN_S = 5
NOTE_PERIOD_S = 15.0


class Market(Protocol):
    """What an agent needs of hub.services.MarketService, or of hub.agent.remote.RemoteMarket."""

    def now_s(self) -> float: ...
    def window_now(self, peer_name: str, /) -> WindowRow | None: ...
    def counters_to(self, peer_name: str, /) -> list[tuple[bool, str, CounterRow]]: ...
    def open_orders(self, window_id: int, peer_name: str) -> list[tuple[str, OrderRow]]: ...
    def trades_in(self, peer_name: str, window_id: int) -> Sequence[TradeRow]: ...
    def available_wei(self, peer_name: str) -> int: ...
    def recent_readings(self, node: str, span_s: int) -> list[dict[str, Any]]: ...
    def has_order(self, order_id: int) -> bool: ...
    def has_trade(self, trade_id: int) -> bool: ...
    def post_offer(self, peer_name: str, energy_uwh: int, price: int, /) -> int: ...
    def post_bid(self, peer_name: str, energy_uwh: int, price: int, /) -> int: ...
    def accept_only(self, peer_name: str, sellers: Sequence[str], /) -> None: ...
    def post_bid_from_accepted(self, peer_name: str, energy_uwh: int, price: int, /) -> int: ...
    def take(self, peer_name: str, order_id: int, energy_uwh: int, limit: int, /) -> int: ...
    def cancel(self, peer_name: str, order_id: int, /) -> None: ...
    def accept(self, peer_name: str, counter_id: int, /) -> int: ...
    def on_change(self, listener: Callable[[], None], /) -> None: ...


@dataclass(frozen=True)
class _Sent:
    """What the chain has confirmed and the store may not show yet."""

    order_id: int | None = None
    trade_id: int | None = None


class _Side:
    """Selling or buying: the wishes for it, and the prices it learnt there."""

    def __init__(self, peer: str, wish: Preferences) -> None:
        self.wish, self.pricing = wish, Pricing(peer, wish)

    def follow(self, wish: Preferences) -> None:
        self.wish = wish
        self.pricing.follow(wish)


class Agent:
    """The agent of one house. All it remembers can be lost: the book tells it the rest.

    What it forgets is which orders are its own: those then stand whatever people change.
    """

    def __init__(
        self, peer: str, market: Market, wish: Preferences, buying: Preferences | None = None
    ) -> None:
        """`buying`: what a prosumer goes by in windows that it has nothing to sell in."""
        self.peer, self._market = peer, market
        self._sides: list[_Side] = []
        self.follow(wish, buying)
        self._side = self._sides[0]
        self._first_seen_s: dict[int, float] = {}
        self._sent = _Sent()
        self._posted: set[int] = set()  # orders of the window that this agent placed itself
        self._habits, self._noted_s = Habits(wish), -NOTE_PERIOD_S

    @property
    def wish(self) -> Preferences:
        """What it goes by in the first place."""
        return self._sides[0].wish

    def follow(self, wish: Preferences, buying: Preferences | None = None) -> None:
        """Go on with other wishes, as people changed them; what prices it learnt stays."""
        wishes = [wish] if buying is None else [wish, buying]
        for at, one in enumerate(wishes[: len(self._sides)]):
            self._sides[at].follow(one)
        self._sides += [_Side(self.peer, one) for one in wishes[len(self._sides) :]]
        del self._sides[len(wishes) :]

    def act(self) -> list[Action]:
        """Look at the market once and do what the rule says; return what was done.

        A refusal, such as losing a race for an order, ends the round: the next one sees why.
        """
        self._note()
        self._name_sellers()
        window = self._market.window_now(self.peer)
        if window is None or not self._has_seen_own():
            return []
        if self._market.now_s() < window.bid_start_s + self._phase_s(window):
            return []
        view, expected = self._view(window), self.forecast(window)
        self._side = self._side_for(view, expected)
        wish = self._within(window)
        done: list[Action] = []
        for action in decide(view, expected, wish):
            try:
                self._do(action, window)
            except TruequeError as refusal:
                LOG.info("%s could not %s: %s", self.peer, type(action).__name__, refusal)
                break
            done.append(action)
        return done

    def forecast(self, window: WindowRow) -> Forecast | None:
        """Forecast the house over a window's delivery time."""
        span_s = self.wish.averaging_s + HISTORY_MARGIN_S
        readings = self._market.recent_readings(self.peer, span_s)
        length_s = window.delivery_end_s - window.delivery_start_s
        ahead_s = window.delivery_start_s - int(self._market.now_s())
        return forecast(readings, length_s, self.wish, self._habits, ahead_s)

    def _note(self) -> None:
        """Learn the house's habits from its readings, whether there is a market or not."""
        now_s = self._market.now_s()
        if 0 <= now_s - self._noted_s < NOTE_PERIOD_S:
            return
        self._noted_s = now_s
        span_s = min(NOTE_PERIOD_S, self.wish.averaging_s) + HISTORY_MARGIN_S
        self._habits.note(self._market.recent_readings(self.peer, int(span_s)))

    def _side_for(self, view: MarketView, expected: Forecast | None) -> _Side:
        """Return the side of its standing order; else a prosumer that may buy does when it expects
        too little to sell and needs enough."""
        own = next((one for one in view.orders if one.peer == self.peer), None)
        is_selling = self.wish.is_prosumer
        if own is not None:
            is_selling = own.is_offer
        elif is_selling and expected is not None and not self.wish.floor_uwh:
            least_uwh = self.wish.min_trade_uwh
            is_selling = expected.surplus_uwh >= least_uwh or expected.need_uwh < least_uwh
        found = [one for one in self._sides if one.wish.is_prosumer == is_selling]
        return found[0] if found else self._sides[0]

    def _within(self, window: WindowRow) -> Preferences:
        """Return the wishes as far as the window's terms allow them.

        Where a community's prices are published, its members take part at whatever they are:
        between the grid's tariffs, which are such a window's limits. But a limit that people chose
        counts there, too.
        """
        wish = self._side.wish
        limit = wish.limit_gwei_per_kwh
        asking = self._side.pricing.asking(window.window_id)
        low, high = window.min_price_gwei_per_kwh, window.max_price_gwei_per_kwh
        if window.has_book and window.k_permille == NO_PRICE_RULE:
            if not wish.has_own_limit:
                limit = low if wish.is_prosumer else high
            asking = None
        if wish.has_own_limit:
            limit = max(limit, low) if wish.is_prosumer else min(limit, high)
        return dataclasses.replace(
            wish,
            limit_gwei_per_kwh=limit,
            asking_gwei_per_kwh=asking,
            # A window without a price that it would trade at is left alone.
            is_automatic=wish.is_automatic and low <= limit <= high,
            min_trade_uwh=max(wish.min_trade_uwh, window.min_energy_uwh),
            max_trade_uwh=min(wish.max_trade_uwh, window.max_energy_uwh),
        )

    def _view(self, window: WindowRow) -> MarketView:
        now_s = self._market.now_s()
        orders = self._market.open_orders(window.window_id, self.peer)
        trades = self._market.trades_in(self.peer, window.window_id)
        self._side.pricing.note(
            window.window_id,
            [name for name, _ in orders],
            [one.price_gwei_per_kwh for one in trades],
        )
        known = {order.order_id for _, order in orders}
        self._first_seen_s = {
            order_id: self._first_seen_s.get(order_id, now_s) for order_id in known
        }
        self._posted &= known
        return MarketView(
            peer=self.peer,
            now_s=int(now_s),
            bid_start_s=window.bid_start_s,
            bid_end_s=window.bid_end_s,
            clear_by_s=window.clear_by_s,
            orders=tuple(self._seen(name, order, now_s) for name, order in orders),
            has_traded=bool(trades),
            available_wei=self._market.available_wei(self.peer),
            has_book=window.has_book,
            counters=tuple(
                CounterSeen(one.counter_id, sells, one.energy_uwh, one.price_gwei_per_kwh, name)
                for sells, name, one in self._market.counters_to(self.peer)
            ),
        )

    def _seen(self, name: str, order: OrderRow, now_s: float) -> OrderSeen:
        return OrderSeen(
            order_id=order.order_id,
            peer=name,
            is_offer=order.is_offer,
            energy_uwh=order.remaining_uwh,
            price_gwei_per_kwh=order.price_gwei_per_kwh,
            age_s=int(now_s - self._first_seen_s[order.order_id]),
            is_agents=order.order_id in self._posted,
            names_sellers=order.only_accepted,
        )

    def _do(self, action: Action, window: WindowRow) -> None:
        match action:
            case PostOffer(energy_uwh, price):
                self._note_posted(self._market.post_offer(self.peer, energy_uwh, price))
            case PostBid(energy_uwh, price, sellers):
                post = self._market.post_bid
                if sellers is not None:
                    self._market.accept_only(self.peer, sellers)
                    post = self._market.post_bid_from_accepted
                self._note_posted(post(self.peer, energy_uwh, price))
            case Take(order_id, energy_uwh, limit):
                trade_id = self._market.take(self.peer, order_id, energy_uwh, limit)
                self._sent = _Sent(trade_id=trade_id)
            case Cancel(order_id):
                self._market.cancel(self.peer, order_id)
            case Accept(counter_id):
                self._sent = _Sent(trade_id=self._market.accept(self.peer, counter_id))
        LOG.info("%s in window %d: %s", self.peer, window.window_id, action)

    def _note_posted(self, order_id: int) -> None:
        self._sent = _Sent(order_id=order_id)
        self._posted.add(order_id)

    def _name_sellers(self) -> None:
        """Let the contract know whom its bids may be sold to by as soon as people chose: before a
        window opens, so that no bid waits for it, and while one stands."""
        for side in self._sides:
            wish = side.wish
            if wish.is_prosumer or wish.partners is None or not wish.is_automatic:
                continue
            try:
                self._market.accept_only(self.peer, wish.partners)
            except TruequeError as refusal:
                LOG.info("%s could not name its producers: %s", self.peer, refusal)

    def _has_seen_own(self) -> bool:
        """Tell whether the store shows this agent's last deed: else it would do it twice."""
        order_id, trade_id = self._sent.order_id, self._sent.trade_id
        if order_id is not None and not self._market.has_order(order_id):
            return False
        return trade_id is None or self._market.has_trade(trade_id)

    def _phase_s(self, window: WindowRow) -> float:
        """Return how long after the start of bids this agent speaks first: random per house and
        window, the same after a restart."""
        longest_s = min(LONGEST_PHASE_S, PHASE_SHARE * (window.bid_end_s - window.bid_start_s))
        seed = hashlib.sha256(f"{self.peer}|{window.window_id}".encode()).digest()
        return random.Random(seed).uniform(0, longest_s)
