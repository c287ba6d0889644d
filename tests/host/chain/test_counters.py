"""Counter-offers on a real chain: two peers agree on other terms, and no wei is lost on the way."""

from __future__ import annotations

import pytest

from hub.chain.records import ContractRefused, CounterState, Totals

ETH = 10**18
ENERGY = 50_000
PRICE, LOW, MIDDLE = 200_000_000, 100_000_000, 150_000_000


def test_trade_is_at_the_agreed_terms_when_both_answered_in_turn(market):
    order_id = market.client.offer(market.seller, market.open_window(), ENERGY, PRICE)
    counter_id = market.client.counter(market.buyer, order_id, ENERGY, LOW)
    lock_wei = ENERGY * LOW
    assert market.client.counter_offer(counter_id) == CounterState(
        counter_id, order_id, market.buyer.address, False, ENERGY, LOW, lock_wei
    )
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH - lock_wei, lock_wei)

    market.client.counter_again(market.seller, counter_id, 40_000, MIDDLE)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)
    with pytest.raises(ContractRefused, match=r"stands at 40 mWh and 0\.15 ETH/kWh by now"):
        market.client.accept(market.buyer, counter_id, ENERGY, MIDDLE)
    trade_id = market.client.accept(market.buyer, counter_id, 40_000, MIDDLE)

    assert market.client.order(order_id).energy_uwh == 10_000
    market.client.report(market.oracle, trade_id, 40_000, 40_000)
    assert market.client.balance_wei(market.seller.address) == ETH + 40_000 * MIDDLE
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_locks_follow_when_a_bid_is_answered_at_a_higher_price(market):
    order_id = market.client.bid(market.buyer, market.open_window(), ENERGY, LOW)
    counter_id = market.client.counter(market.seller, order_id, ENERGY, PRICE)
    market.client.accept(market.buyer, counter_id, ENERGY, PRICE)
    cost_wei = ENERGY * PRICE
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH - cost_wei, cost_wei)
    assert market.client.balance_wei(market.buyer.address) == ETH - cost_wei


def test_lock_is_free_when_a_counter_offer_is_withdrawn(market):
    order_id = market.client.offer(market.seller, market.open_window(), ENERGY, PRICE)
    counter_id = market.client.counter(market.buyer, order_id, ENERGY, LOW)
    market.client.withdraw_counter(market.seller, counter_id)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)
    with pytest.raises(ContractRefused, match=f"There is no counter-offer {counter_id} that"):
        market.client.accept(market.seller, counter_id, ENERGY, LOW)
