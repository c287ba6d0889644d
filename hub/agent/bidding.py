"""The bidding rule: what a house sees of the market in, the actions of its agent out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub import amounts
from hub.agent.forecast import Forecast
from hub.agent.preferences import Preferences

GIVE_IN_S = 9  # before the bids end; the grid takes in the last ones


@dataclass(frozen=True)
class OrderSeen:
    """An open order of the window: `energy_uwh` is what is left of it, `age_s` since first seen.

    `is_agents`: this agent remembers that it placed it itself. `names_sellers`: a bid for energy
    of chosen producers only.
    """

    order_id: int
    peer: str
    is_offer: bool
    energy_uwh: int
    price_gwei_per_kwh: int
    age_s: int = 0
    is_agents: bool = False
    names_sellers: bool = False


@dataclass(frozen=True)
class CounterSeen:
    """Terms of another house that the agent's house may accept."""

    counter_id: int
    is_selling: bool  # the agent's house would sell
    energy_uwh: int
    price_gwei_per_kwh: int
    peer: str = ""  # whose terms they are


@dataclass(frozen=True)
class MarketView:
    """What one agent knows when it decides; times in chain seconds, money in wei.

    `has_book`: the window's orders are cleared together, none can be taken.
    """

    peer: str
    now_s: int
    bid_start_s: int
    bid_end_s: int
    clear_by_s: int
    orders: tuple[OrderSeen, ...]
    has_traded: bool
    available_wei: int
    has_book: bool = False
    counters: tuple[CounterSeen, ...] = ()


@dataclass(frozen=True)
class PostOffer:
    energy_uwh: int
    price_gwei_per_kwh: int

    def __str__(self) -> str:
        return f"offers {_terms(self.energy_uwh, self.price_gwei_per_kwh)}"


@dataclass(frozen=True)
class PostBid:
    """`sellers`: the only ones who may sell to it; None: all."""

    energy_uwh: int
    price_gwei_per_kwh: int
    sellers: tuple[str, ...] | None = None

    def __str__(self) -> str:
        only = "" if self.sellers is None else f", only of {', '.join(self.sellers)}"
        return f"asks for {_terms(self.energy_uwh, self.price_gwei_per_kwh)}{only}"


@dataclass(frozen=True)
class Take:
    order_id: int
    energy_uwh: int
    limit_gwei_per_kwh: int

    def __str__(self) -> str:
        terms = _terms(self.energy_uwh, self.limit_gwei_per_kwh)
        return f"takes of order {self.order_id} {terms} or better"


@dataclass(frozen=True)
class Cancel:
    order_id: int

    def __str__(self) -> str:
        return f"cancels order {self.order_id}"


@dataclass(frozen=True)
class Accept:
    counter_id: int

    def __str__(self) -> str:
        return f"accepts the counter-offer {self.counter_id}"


Action = PostOffer | PostBid | Take | Cancel | Accept


def _terms(energy_uwh: int, price_gwei_per_kwh: int) -> str:
    return f"{amounts.energy_text(energy_uwh)} at {amounts.price_text(price_gwei_per_kwh)}"


def decide(view: MarketView, forecast: Forecast | None, wish: Preferences) -> list[Action]:
    """Return what the agent does now; nothing once it has traded in this window.

    It takes the best order on the other side that fits; failing that it posts one order while
    bids are accepted and leaves it standing. Where its own order already stands and a fitting one
    of the other side came in beside it, one of the two owners gives way: the one whose order is
    newer at once, the other after `patience_s`, so that two agents do not both cancel. Terms that
    another house proposed for an order of its own it accepts when they suit it. In a window that is
    cleared it posts one order and waits. Where the grid takes what is left, it comes to the grid's
    price in the last `GIVE_IN_S` seconds of the bids. One that asks for more than its limit insists
    on it for half of the bids' time; then it takes what its limit allows.

    Where the house chose its partners it trades with no other. A bid names them in the contract;
    an offer can't, so a seller then posts none and takes bids. An order that the agent itself
    placed and that the wishes, changed since, do not allow any more is withdrawn.
    """
    if view.has_traded or not view.bid_start_s <= view.now_s < view.clear_by_s:
        return []
    unwished = [one for one in view.orders if one.is_agents and not _is_wished(one, wish)]
    if unwished and not (view.has_book and view.now_s >= view.bid_end_s):
        return [Cancel(one.order_id) for one in unwished]
    if not wish.is_automatic:
        return []
    wanted_uwh = _wanted_uwh(forecast, wish)
    if wanted_uwh < wish.min_trade_uwh:
        return []
    if view.now_s < (view.bid_start_s + view.bid_end_s) // 2:
        wish = replace(wish, limit_gwei_per_kwh=wish.posted_gwei_per_kwh)
    own = next((order for order in view.orders if order.peer == view.peer), None)
    if view.has_book:
        is_open = own is None and view.now_s < view.bid_end_s
        return _post(view, wanted_uwh, wish) if is_open else []
    accepted = next((one for one in view.counters if _suits(one, view, wanted_uwh, wish)), None)
    if accepted is not None:
        return [Accept(accepted.counter_id)]
    if own is not None:
        return _cross(own, view, wanted_uwh, wish) or _give_in(own, view, wish)
    taking = _best_take(view, view.orders, wanted_uwh, wish, view.available_wei)
    if taking is not None:
        return [taking]
    return _post(view, wanted_uwh, wish) if view.now_s < view.bid_end_s else []


def takeable_uwh(left_uwh: int, wanted_uwh: int, min_trade_uwh: int) -> int:
    """Return how much of an order may be taken so that nothing or a whole trade is left of it.

    0 when no part of at least `min_trade_uwh` fits into `wanted_uwh`.
    """
    if min_trade_uwh <= left_uwh <= wanted_uwh:
        return left_uwh
    part = min(wanted_uwh, left_uwh - min_trade_uwh)
    return part if part >= min_trade_uwh else 0


def _is_wished(own: OrderSeen, wish: Preferences) -> bool:
    """Tell whether the agent would still let an order of its own stand, by wishes of people."""
    if not wish.is_automatic or own.is_offer != wish.is_prosumer:
        return False
    if own.is_offer:
        is_beyond = own.price_gwei_per_kwh < wish.limit_gwei_per_kwh
        is_open_to = wish.partners is None
    else:
        is_beyond = own.price_gwei_per_kwh > wish.limit_gwei_per_kwh
        is_open_to = own.names_sellers == (wish.partners is not None)
    return is_open_to and not (wish.has_own_limit and is_beyond)


def _may_trade(peer: str, wish: Preferences) -> bool:
    return wish.partners is None or peer in wish.partners


def _suits(counter: CounterSeen, view: MarketView, wanted_uwh: int, wish: Preferences) -> bool:
    if counter.is_selling != wish.is_prosumer or counter.energy_uwh > wanted_uwh:
        return False
    if not _may_trade(counter.peer, wish):
        return False
    if counter.is_selling:
        return counter.price_gwei_per_kwh >= wish.limit_gwei_per_kwh
    cost_wei = counter.energy_uwh * counter.price_gwei_per_kwh
    return counter.price_gwei_per_kwh <= wish.limit_gwei_per_kwh and cost_wei <= view.available_wei


def _wanted_uwh(forecast: Forecast | None, wish: Preferences) -> int:
    if forecast is None:
        return 0
    expected = forecast.surplus_uwh if wish.is_prosumer else forecast.need_uwh
    return min(max(expected, wish.floor_uwh), wish.max_trade_uwh)


def _post(view: MarketView, wanted_uwh: int, wish: Preferences) -> list[Action]:
    if wish.is_prosumer:
        # Anyone can take an offer: one who chose his buyers waits for their bids instead.
        is_for_all = wish.partners is None
        return [PostOffer(wanted_uwh, wish.posted_gwei_per_kwh)] if is_for_all else []
    if wish.partners == ():
        return []  # what was chosen is nobody (any more)
    affordable_uwh = view.available_wei // wish.posted_gwei_per_kwh
    energy_uwh = min(wanted_uwh, affordable_uwh)
    if energy_uwh < wish.min_trade_uwh:
        return []
    return [PostBid(energy_uwh, wish.posted_gwei_per_kwh, wish.partners)]


def _give_in(own: OrderSeen, view: MarketView, wish: Preferences) -> list[Action]:
    """Come to the grid's tariff with what nobody took, just before the bids end."""
    price = wish.grid_gwei_per_kwh
    is_late = view.bid_end_s - GIVE_IN_S <= view.now_s < view.bid_end_s
    if price is None or not is_late or own.is_offer != wish.is_prosumer:
        return []
    if own.price_gwei_per_kwh == price:
        return []
    if own.is_offer:
        return [Cancel(own.order_id), PostOffer(own.energy_uwh, price)]
    available_wei = view.available_wei + own.energy_uwh * own.price_gwei_per_kwh
    if own.energy_uwh * price > available_wei:
        return []
    return [Cancel(own.order_id), PostBid(own.energy_uwh, price, wish.partners)]


def _best_take(
    view: MarketView,
    orders: Sequence[OrderSeen],
    wanted_uwh: int,
    wish: Preferences,
    available_wei: int,
) -> Take | None:
    """Return the take of the best-priced fitting order; where prices are equal that of the partner
    who was chosen first, then the older one."""
    sells = wish.is_prosumer
    limit = wish.limit_gwei_per_kwh
    fitting = [
        order
        for order in orders
        if order.peer != view.peer
        and order.is_offer != sells
        and _may_trade(order.peer, wish)
        and (order.price_gwei_per_kwh >= limit if sells else order.price_gwei_per_kwh <= limit)
    ]
    sign, partners = -1 if sells else 1, wish.partners or ()
    fitting.sort(
        key=lambda one: (
            sign * one.price_gwei_per_kwh,
            partners.index(one.peer) if partners else 0,
        )
    )
    for order in fitting:
        most_uwh = wanted_uwh
        if not sells:
            most_uwh = min(wanted_uwh, available_wei // order.price_gwei_per_kwh)
        energy_uwh = takeable_uwh(order.energy_uwh, most_uwh, wish.min_trade_uwh)
        if energy_uwh:
            return Take(order.order_id, energy_uwh, order.price_gwei_per_kwh)
    return None


def _cross(own: OrderSeen, view: MarketView, wanted_uwh: int, wish: Preferences) -> list[Action]:
    if own.is_offer != wish.is_prosumer:
        return []  # a person placed it; the agent does not work against its own house
    others = [
        order
        for order in view.orders
        if own.order_id > order.order_id or order.age_s >= wish.patience_s
    ]
    unlocked_wei = 0 if own.is_offer else own.energy_uwh * own.price_gwei_per_kwh
    taking = _best_take(view, others, wanted_uwh, wish, view.available_wei + unlocked_wei)
    return [] if taking is None else [Cancel(own.order_id), taking]
