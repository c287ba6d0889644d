"""Every kind of call that the hub sends, on a real chain: its gas limit leaves a margin.

A limit must cover what a call takes before refunds, so it is held against the node's estimate, too.
"""

from __future__ import annotations

import pytest
from eth_account import Account
from web3.types import TxParams

from hub.chain.abi import market_abi
from hub.chain.gas import gas_limit
from hub.chain.records import GRID, UNIFORM, Attempted, DeliveryReport, Fill

from .test_reports import BUYER, ENERGY, ETH, PRICE, SELLER, keyed, sign

__all__ = ["keyed"]

MARGIN_PERCENT = 20
MOST_ATTEMPTS = 10  # bus.max_attempts
BOOK = 6  # orders of a side: what they need grows with their number, as the limits do


@pytest.fixture
def market(keyed, monkeypatch):
    """The market with signing boards, whose calls' limits are checked as they are sent."""
    client, execute = keyed.client, keyed.client.execute
    sent = set()

    def checked(account, function, *args, **options):
        limit = gas_limit(function, args)
        call: TxParams = {
            "from": account.address,
            "to": client.address,
            "data": market_abi().encode_call(function, args),
            "value": options.get("value_wei", 0),
        }
        estimate = keyed.web3.eth.estimate_gas(call)
        receipt = execute(account, function, *args, **options)
        most = max(estimate, receipt.gas_used)
        assert most * (100 + MARGIN_PERCENT) <= 100 * limit, f"{function}: {most} of {limit}"
        sent.add(function)
        return receipt

    monkeypatch.setattr(client, "execute", checked)
    keyed.sent = sent
    return keyed


def signed(market, trade_id, seller_uwh, buyer_uwh, attempts=1):
    """What both boards sign about attempts that share the energies."""
    parts = []
    for number in range(1, attempts + 1):
        name = market.client.delivery_id(trade_id, number, 4)
        figures = (seller_uwh // attempts, buyer_uwh // attempts)
        seller = sign(name, SELLER, *figures)
        parts.append(Attempted(number, 4, seller, sign(name, BUYER, *figures[::-1])))
    return DeliveryReport(trade_id, tuple(parts))


def trade(market, window_id):
    order_id = market.client.offer(market.seller, window_id, ENERGY, PRICE)
    return market.client.take(market.buyer, order_id, ENERGY, PRICE)


def manage(market):
    """What administrator and newcomers send."""
    client, administrator, stranger = market.client, market.administrator, market.stranger
    client.register(stranger)
    client.approve(administrator, stranger.address, "a-name-of-thirty-one-characters")
    client.deposit(stranger, ETH // 2)
    client.withdraw(stranger, ETH // 4)
    client.grant_priority(administrator, stranger.address, 3)
    client.accept_seller(stranger, market.seller.address, is_accepted=True)
    client.suspend(administrator, stranger.address)
    client.remove(administrator, stranger.address)
    client.pause(administrator)
    client.unpause(administrator)
    client.approve(administrator, stranger.address, "grid")


def trade_bilaterally(market):
    """Orders, counter-offers and everything a trade can come to."""
    client, seller, buyer, oracle = market.client, market.seller, market.buyer, market.oracle
    terms = market.terms(grid_account=market.stranger.address)
    window_id = client.open_window(market.coordinator, terms)
    offer_id = client.offer(seller, window_id, ENERGY, PRICE)
    client.amend(seller, offer_id, 2 * ENERGY, PRICE + 1)
    counter_id = client.counter(buyer, offer_id, ENERGY, PRICE)
    client.counter_again(seller, counter_id, ENERGY, PRICE + 1)
    client.counter_again(buyer, counter_id, ENERGY, PRICE)
    client.accept(seller, counter_id, ENERGY, PRICE)
    counter_id = client.counter(buyer, offer_id, ENERGY, PRICE)
    client.withdraw_counter(buyer, counter_id)
    client.cancel(seller, offer_id)
    bid_id = client.bid(buyer, window_id, ENERGY, PRICE)
    trades = [trade(market, window_id) for _ in range(6)]
    whole, disputed, one_sided, *others = trades
    client.report_signed(oracle, signed(market, whole, ENERGY, ENERGY, MOST_ATTEMPTS))
    client.report_signed(oracle, signed(market, disputed, ENERGY, ENERGY // 2))
    client.resolve(market.coordinator, disputed, ENERGY * 3 // 4)
    alone = signed(market, one_sided, ENERGY, ENERGY, MOST_ATTEMPTS)
    client.report_alone(oracle, alone, is_seller=True)
    batch = [signed(market, one, ENERGY, ENERGY // 2, 3) for one in others]
    client.report_batch(oracle, batch)
    market.advance_to(terms.report_by)
    client.reclaim(buyer, bid_id)
    client.refund(buyer, one_sided)
    market.advance_to(terms.resolve_by)
    client.split(buyer, others[0])


def trade_by_clearing(market):
    """A book with approval, priorities, surplus to return, and a grid that takes the rest."""
    client, coordinator = market.client, market.coordinator
    terms = market.terms(
        mechanism=UNIFORM,
        needs_approval=True,
        is_strict=True,
        min_price=PRICE,
        max_price=3 * PRICE,
        max_fee=PRICE,
        fee_account=market.seller.address,
        grid_account=market.stranger.address,
    )
    window_id = client.open_window(coordinator, terms)
    bids, offers = [], []
    for _ in range(BOOK):
        offers.append(client.offer(market.seller, window_id, 3 * ENERGY, PRICE))
        bids.append(client.bid(market.buyer, window_id, ENERGY, 3 * PRICE))
    client.review(coordinator, [*bids, *offers], is_approved=True)
    rejected = [client.bid(market.buyer, window_id, ENERGY, PRICE) for _ in range(BOOK)]
    client.review(coordinator, rejected, is_approved=False)
    market.advance_to(terms.bid_end)
    pairs = zip(bids, offers, strict=True)
    fills = [Fill(bid_id, offer_id, ENERGY, 0) for bid_id, offer_id in pairs]
    fills += [Fill(GRID, offer_id, ENERGY, 0) for offer_id in offers]
    client.clear(coordinator, window_id, fills, (PRICE * 3 // 2, PRICE * 5 // 2))
    client.close_book(coordinator, window_id, 1)  # the pass is kept in between
    client.close_book(coordinator, window_id, 3 * BOOK)


def hand_over(market):
    client, heir = market.client, Account.create()
    client.transfer(market.administrator, heir.address, ETH)
    client.offer_role(market.administrator, "oracle", heir.address)
    client.accept_role(heir, "oracle")


def test_limits_leave_a_margin_for_every_call_that_the_hub_sends(market):
    manage(market)
    trade_by_clearing(market)
    trade_bilaterally(market)
    hand_over(market)
    changing = {
        name
        for name, one in market_abi().functions.items()
        if one["stateMutability"] in ("nonpayable", "payable")
    }
    assert market.sent == changing - {"revoke_role", "renounce_role"}  # which only refuse
