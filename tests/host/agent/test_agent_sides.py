"""One agent at a market on paper: what it posts by a window's terms and its house's wishes."""

from __future__ import annotations

import dataclasses

import pytest

from hub.agent.runner import Agent
from hub.chain.records import UNIFORM
from hub.coordinator.kinds import NO_PRICE_RULE
from hub.store import OrderRow, WindowRow
from tests.host.agent.test_bidding import BUYER, SELLER

NOW_S = 100
LOW, HIGH = 100_000_000, 300_000_000
OPEN = WindowRow(1, 0, 300, 400, 500, 4_100, 5_000, 34_723, 10**9, LOW, HIGH, 6_000)
COMMUNITY = dataclasses.replace(OPEN, mechanism=UNIFORM, k_permille=NO_PRICE_RULE)


class Paper:
    """A market that writes down what an agent does; its house is called a."""

    def __init__(self, window: WindowRow | None, pv_uw: int = 20_000_000) -> None:
        self.window, self.pv_uw = window, pv_uw
        self.orders: list[OrderRow] = []
        self.named: list[tuple[str, ...]] = []

    def now_s(self):
        return float(NOW_S)

    def window_now(self, peer):
        return self.window

    def counters_to(self, peer):
        return []

    def open_orders(self, window_id, peer):
        return [("a", one) for one in self.orders]

    def trades_in(self, peer, window_id):
        return []

    def available_wei(self, peer):
        return 10**18

    def recent_readings(self, node, span_s):
        blank = {"load_power_uw": 3_000_000, "load_apparent_uva": None, "battery_voltage_uv": None}
        return [
            {**blank, "pv_power_uw": self.pv_uw, "received_at_ms": at_ms}
            for at_ms in (97_000, 98_000, 99_000)
        ]

    def has_order(self, order_id):
        return True

    def has_trade(self, trade_id):
        return True

    def post_offer(self, peer, energy_uwh, price):
        return self._post(energy_uwh, price, is_offer=True)

    def post_bid(self, peer, energy_uwh, price):
        return self._post(energy_uwh, price, is_offer=False)

    def post_bid_from_accepted(self, peer, energy_uwh, price):
        return self._post(energy_uwh, price, is_offer=False, only_accepted=True)

    def accept_only(self, peer, sellers):
        self.named.append(tuple(sellers))

    def cancel(self, peer, order_id):
        self.orders = [one for one in self.orders if one.order_id != order_id]

    def _post(self, energy_uwh, price, **members):
        order_id = len(self.orders) + 1
        order = OrderRow(order_id, 1, "a", members.pop("is_offer"), energy_uwh, energy_uwh, price,
                         False, 0, **members)  # fmt: skip
        self.orders.append(order)
        return order_id

    @property
    def posted(self) -> list[tuple[bool, int]]:
        return [(one.is_offer, one.price_gwei_per_kwh) for one in self.orders]


def limited(wish, limit):
    return dataclasses.replace(wish, limit_gwei_per_kwh=limit, has_own_limit=True)


@pytest.mark.parametrize(
    ("wish", "posted"),
    [
        (SELLER, [(True, LOW)]),  # at whatever the community's price is
        (limited(SELLER, 180_000_000), [(True, 180_000_000)]),
        (limited(SELLER, LOW - 1), [(True, LOW)]),
        (limited(SELLER, HIGH + 1), []),
        (BUYER, [(False, HIGH)]),
        (limited(BUYER, 180_000_000), [(False, 180_000_000)]),
        (limited(BUYER, HIGH + 1), [(False, HIGH)]),
        (limited(BUYER, LOW - 1), []),
    ],
)
def test_limit_that_people_chose_counts_against_a_communitys_price(wish, posted):
    pv_uw = 20_000_000 if wish.is_prosumer else 0
    market = Paper(COMMUNITY, pv_uw)
    Agent("a", market, wish).act()
    assert market.posted == posted


def test_producers_are_named_as_soon_as_they_are_chosen():
    market = Paper(None)
    agent = Agent("a", market, BUYER)
    agent.act()
    assert market.named == []
    agent.follow(dataclasses.replace(BUYER, partners=("c", "d")))
    agent.act()
    assert market.named == [("c", "d")]
    agent.follow(dataclasses.replace(BUYER, partners=("c",), is_automatic=False))
    agent.act()
    assert market.named == [("c", "d")]


@pytest.mark.parametrize(
    ("pv_uw", "buying", "posted"),
    [
        (20_000_000, BUYER, [(True, SELLER.limit_gwei_per_kwh)]),  # it has enough to sell
        (0, BUYER, [(False, BUYER.limit_gwei_per_kwh)]),
        (3_000_000, BUYER, []),  # neither left over nor needed
        (0, None, []),  # nobody set at what price it buys
    ],
)
def test_prosumer_buys_what_it_needs_where_it_may(pv_uw, buying, posted):
    market = Paper(OPEN, pv_uw)
    Agent("a", market, SELLER, buying).act()
    assert market.posted == posted


def test_prosumer_stays_on_its_side_while_its_order_stands():
    market = Paper(OPEN, pv_uw=0)
    agent = Agent("a", market, SELLER, BUYER)
    agent.act()
    market.pv_uw = 20_000_000
    assert agent.act() == []
    assert market.posted == [(False, BUYER.limit_gwei_per_kwh)]


def test_prosumers_bid_is_withdrawn_when_it_shall_not_buy_any_more():
    market = Paper(OPEN, pv_uw=0)
    agent = Agent("a", market, SELLER, BUYER)
    agent.act()
    agent.follow(SELLER)
    agent.act()
    assert market.posted == []
