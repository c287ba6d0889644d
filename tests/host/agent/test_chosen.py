"""The bidding rule where a house chose whom it trades with, at what price, or not at all."""

from __future__ import annotations

import dataclasses

import pytest

from hub.agent.bidding import Accept, Cancel, CounterSeen, PostBid, Take, decide
from tests.host.agent.test_bidding import BUYER, MAX_UWH, PLENTY, SELLER, bid, offer, view

CHOOSY = dataclasses.replace(BUYER, partners=("c", "d"))
SHY = dataclasses.replace(SELLER, partners=("b",))


def test_buyer_takes_of_chosen_producers_only_when_others_are_cheaper():
    orders = [offer(1, "a", 40_000, 150_000_000), offer(2, "c", 40_000, 200_000_000)]
    assert decide(view("b", *orders), PLENTY, CHOOSY) == [Take(2, 40_000, 200_000_000)]


def test_buyer_takes_of_the_first_chosen_when_prices_are_equal():
    orders = [offer(1, "d", 40_000, 200_000_000), offer(2, "c", 40_000, 200_000_000)]
    assert decide(view("b", *orders), PLENTY, CHOOSY) == [Take(2, 40_000, 200_000_000)]


@pytest.mark.parametrize("has_book", [False, True])
def test_bid_names_the_chosen_producers_when_none_offers(has_book):
    seen = view("b", offer(1, "a", 40_000, 150_000_000), has_book=has_book)
    [posted] = decide(seen, PLENTY, CHOOSY)
    assert posted == PostBid(MAX_UWH, 260_000_000, ("c", "d"))
    assert str(posted) == "asks for 52.084 mWh at 0.26 ETH/kWh, only of c, d"


def test_buyer_bids_nothing_when_what_it_chose_is_nobody():
    assert decide(view("b"), PLENTY, dataclasses.replace(BUYER, partners=())) == []


@pytest.mark.parametrize("has_book", [False, True])
def test_seller_posts_nothing_when_it_chose_its_buyers(has_book):
    assert decide(view("a", has_book=has_book), PLENTY, SHY) == []


def test_seller_takes_bids_of_accepted_buyers_only():
    orders = [bid(1, "d", 40_000, 250_000_000), bid(2, "b", 40_000, 200_000_000)]
    assert decide(view("a", *orders), PLENTY, SHY) == [Take(2, 40_000, 200_000_000)]
    assert decide(view("a", orders[0]), PLENTY, SHY) == []


def test_other_terms_are_accepted_from_chosen_houses_only():
    own = offer(1, "a", 40_000, 200_000_000)
    good = CounterSeen(7, True, 40_000, 200_000_000, peer="d")
    chosen = dataclasses.replace(good, counter_id=8, peer="b")
    assert decide(view("a", own, counters=(good,)), PLENTY, SHY) == []
    assert decide(view("a", own, counters=(good, chosen)), PLENTY, SHY) == [Accept(8)]


def mine(order, **changes):
    return dataclasses.replace(order, is_agents=True, **changes)


DEAR = dataclasses.replace(SELLER, limit_gwei_per_kwh=180_000_000, has_own_limit=True)
CHEAP = dataclasses.replace(BUYER, limit_gwei_per_kwh=200_000_000, has_own_limit=True)


@pytest.mark.parametrize(
    ("own", "wish"),
    [
        (mine(offer(1, "a", 40_000, 140_000_000)), DEAR),
        (mine(offer(1, "a", 40_000, 140_000_000)), SHY),
        (mine(bid(1, "a", 40_000, 260_000_000)), CHEAP),
        (mine(bid(1, "a", 40_000, 260_000_000)), CHOOSY),
        (mine(bid(1, "a", 40_000, 260_000_000), names_sellers=True), BUYER),
        (
            mine(offer(1, "a", 40_000, 140_000_000)),
            dataclasses.replace(SELLER, is_automatic=False),
        ),
    ],
)
def test_agent_withdraws_its_order_when_wishes_changed_since(own, wish):
    assert decide(view("a", own), PLENTY, wish) == [Cancel(1)]
    # A book that is being cleared is frozen, and what a person placed is that person's.
    frozen = view("a", own, has_book=True, now_s=60)
    assert decide(frozen, PLENTY, wish) == []
    assert decide(view("a", dataclasses.replace(own, is_agents=False)), PLENTY, wish) == []


def test_agent_leaves_its_order_alone_when_it_is_as_wished():
    for own, wish in (
        (mine(offer(1, "a", 40_000, 180_000_000)), DEAR),
        (mine(bid(1, "a", 40_000, 260_000_000), names_sellers=True), CHOOSY),
        (mine(offer(1, "a", 40_000, 100_000_000)), SELLER),  # it came to the grid's price
    ):
        assert decide(view("a", own), PLENTY, wish) == []


def test_agent_does_nothing_when_its_house_trades_by_hand():
    by_hand = dataclasses.replace(BUYER, is_automatic=False)
    assert decide(view("b", offer(1, "a", 40_000, 150_000_000)), PLENTY, by_hand) == []
