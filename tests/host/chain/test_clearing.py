"""Windows that the coordinator clears, in all their kinds, and their money told by events."""

from __future__ import annotations

import pytest

from hub.chain.records import PAY_AS_BID, UNIFORM, ContractRefused, DeliveryReport, Fill, Totals

ETH = 10**18
ENERGY = 10_000
LOW, HIGH = 100_000_000, 300_000_000  # gwei/kWh
MIDDLE = 200_000_000


def open_book(market, **changes):
    """Open a window with an offer at LOW and a bid at HIGH; return its id and both orders'."""
    terms = {"mechanism": UNIFORM, "is_strict": True, **changes}
    window_id = market.open_window(**terms)
    offer_id = market.client.offer(market.seller, window_id, ENERGY, LOW)
    bid_id = market.client.bid(market.buyer, window_id, ENERGY, HIGH)
    return window_id, offer_id, bid_id


def end_bids(market, window_id):
    market.advance_to(market.client.window(window_id).bid_end)


def assert_ledger_agrees(market):
    totals = market.client.totals()
    assert totals.contract_wei == totals.balances_wei + totals.escrow_wei
    assert totals.balances_wei == sum(peer.balance_wei for peer in market.client.peers())


def trade_ids(receipt):
    return [event.args["trade_id"] for event in receipt.events if event.name == "TradeCleared"]


def test_trades_of_a_uniform_window_settle_at_its_price(market):
    window_id, offer_id, bid_id = open_book(market)
    end_bids(market, window_id)
    fills = [Fill(bid_id, offer_id, ENERGY)]
    cleared = market.client.clear(market.coordinator, window_id, fills, (MIDDLE, MIDDLE))
    assert_ledger_agrees(market)
    (trade_id,) = trade_ids(cleared)
    with pytest.raises(ContractRefused, match=f"Window {window_id} is not cleared yet"):
        market.client.report(market.oracle, trade_id, ENERGY, ENERGY)
    market.client.close_book(market.coordinator, window_id, 10)
    assert_ledger_agrees(market)
    market.client.report(market.oracle, trade_id, ENERGY, ENERGY)
    assert market.client.balance_wei(market.seller.address) == ETH + ENERGY * MIDDLE
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_fee_goes_to_the_named_account_when_a_community_has_two_prices(market):
    market.client.register(market.stranger)
    window_id, offer_id, bid_id = open_book(
        market, k_permille=1001, max_fee=MIDDLE, fee_account=market.stranger.address
    )
    end_bids(market, window_id)
    fills = [Fill(bid_id, offer_id, ENERGY)]
    cleared = market.client.clear(market.coordinator, window_id, fills, (MIDDLE, MIDDLE + 7))
    market.client.close_book(market.coordinator, window_id, 10)
    (trade_id,) = trade_ids(cleared)
    market.client.report(market.oracle, trade_id, ENERGY, 8_000)
    assert_ledger_agrees(market)
    market.client.resolve(market.coordinator, trade_id, 9_000)
    assert market.client.balance_wei(market.stranger.address) == 9_000 * 7
    assert market.client.balance_wei(market.seller.address) == ETH + 9_000 * MIDDLE
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_each_bid_pays_its_own_price_when_the_window_is_pay_as_bid(market):
    window_id, offer_id, bid_id = open_book(market, mechanism=PAY_AS_BID)
    end_bids(market, window_id)
    cleared = market.client.clear(market.coordinator, window_id, [Fill(bid_id, offer_id, ENERGY)])
    market.client.close_book(market.coordinator, window_id, 10)
    (trade_id,) = trade_ids(cleared)
    market.client.report(market.oracle, trade_id, ENERGY, ENERGY)
    assert market.client.balance_wei(market.seller.address) == ETH + ENERGY * HIGH


def test_closing_is_refused_when_a_better_bid_was_skipped(market):
    window_id, offer_id, _ = open_book(market)
    poor_id = market.client.bid(market.buyer, window_id, ENERGY, MIDDLE)
    end_bids(market, window_id)
    fills = [Fill(poor_id, offer_id, ENERGY)]
    price = (LOW + MIDDLE) // 2
    market.client.clear(market.coordinator, window_id, fills, (price, price))
    with pytest.raises(ContractRefused, match="a better bid was skipped"):
        market.client.close_book(market.coordinator, window_id, 10)


def test_everything_goes_back_when_the_book_was_not_closed_in_time(market):
    window_id, offer_id, bid_id = open_book(market)
    end_bids(market, window_id)
    fills = [Fill(bid_id, offer_id, ENERGY)]
    cleared = market.client.clear(market.coordinator, window_id, fills, (MIDDLE, MIDDLE))
    market.advance_to(market.client.window(window_id).clear_by)
    market.client.refund(market.stranger, trade_ids(cleared)[0])
    assert market.client.order(bid_id).locked_wei == ENERGY * (HIGH - MIDDLE)
    market.client.reclaim(market.stranger, bid_id)
    assert market.client.balance_wei(market.buyer.address) == ETH
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_order_can_be_taken_when_the_coordinator_approved_it(market):
    window_id = market.open_window(needs_approval=True)
    order_id = market.client.offer(market.seller, window_id, ENERGY, LOW)
    with pytest.raises(ContractRefused, match="is not approved by the coordinator"):
        market.client.take(market.buyer, order_id, ENERGY, LOW)
    market.client.review(market.coordinator, [order_id], True)
    market.client.take(market.buyer, order_id, ENERGY, LOW)
    bid_id = market.client.bid(market.buyer, window_id, ENERGY, LOW)
    market.client.review(market.coordinator, [bid_id], False)
    assert_ledger_agrees(market)
    assert market.client.order(bid_id).energy_uwh == 0


def test_lock_follows_when_a_bid_is_amended(market):
    window_id = market.open_window()
    bid_id = market.client.bid(market.buyer, window_id, ENERGY, LOW)
    market.client.amend(market.buyer, bid_id, 2 * ENERGY, HIGH)
    assert market.client.balance_wei(market.buyer.address) == ETH - 2 * ENERGY * HIGH
    assert_ledger_agrees(market)


def test_order_is_refused_when_its_node_holds_enough(market):
    window_id = market.open_window(max_energy_uwh=15_000)
    market.client.offer(market.seller, window_id, ENERGY, LOW)
    with pytest.raises(ContractRefused, match=r"A node may hold 15 mWh .* would hold 20 mWh"):
        market.client.offer(market.seller, window_id, ENERGY, LOW)


def test_bid_names_its_sellers_when_the_buyer_accepts_some(market):
    window_id = market.open_window()
    bid_id = market.client.bid_from_accepted(market.buyer, window_id, ENERGY, LOW)
    with pytest.raises(ContractRefused, match="is for energy of other sellers than"):
        market.client.take(market.seller, bid_id, ENERGY, LOW)
    market.client.accept_seller(market.buyer, market.seller.address, True)
    market.client.take(market.seller, bid_id, ENERGY, LOW)


def test_many_trades_settle_when_cleared_and_reported_in_batches(market):
    window_id = market.open_window(mechanism=UNIFORM, is_strict=True)
    pairs = [
        (
            market.client.offer(market.seller, window_id, ENERGY, LOW),
            market.client.bid(market.buyer, window_id, ENERGY, LOW),
        )
        for _ in range(8)
    ]
    end_bids(market, window_id)
    fills = [Fill(bid_id, offer_id, ENERGY) for offer_id, bid_id in pairs]
    cleared = market.client.clear(market.coordinator, window_id, fills, (LOW, LOW))
    for _ in range(4):
        market.client.close_book(market.coordinator, window_id, 4)
    reports = [DeliveryReport.unsigned(one, ENERGY, ENERGY) for one in trade_ids(cleared)]
    market.client.report_batch(market.oracle, reports)
    assert market.client.balance_wei(market.seller.address) == ETH + 8 * ENERGY * LOW
    assert_ledger_agrees(market)
