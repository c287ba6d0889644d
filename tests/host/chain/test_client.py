"""The client against a real Ganache: what passes, what is refused, and with which sentence."""

from __future__ import annotations

import threading

import pytest

from hub.chain.client import MarketClient
from hub.chain.records import (
    ChainUnavailable,
    ContractRefused,
    DeliveryReport,
    SignedCall,
    StaleCall,
    Totals,
    WrongContract,
)
from hub.processes import free_port

ETH = 10**18
PRICE = 200_000_000  # 0.2 ETH/kWh
ENERGY = 50_000


def cost(energy_uwh):
    return energy_uwh * PRICE


def test_trade_pays_the_lesser_meter_when_reported(market):
    window_id = market.open_window()
    order_id = market.client.offer(market.seller, window_id, ENERGY, PRICE)
    trade_id = market.client.take(market.buyer, order_id, 40_000, PRICE)
    assert market.client.trade(trade_id).status == "matched"
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH - cost(40_000), cost(40_000))

    receipt = market.client.report(market.oracle, trade_id, 39_000, 38_500)

    assert receipt.events[0].name == "TradeSettled"
    assert receipt.events[0].args == {
        "trade_id": trade_id,
        "seller_uwh": 39_000,
        "buyer_uwh": 38_500,
        "settled_uwh": 38_500,
        "paid_wei": cost(38_500),
        "refunded_wei": cost(1_500),
        "signatures": 0,
    }
    assert market.client.trade(trade_id).status == "settled"
    assert market.client.order(order_id).energy_uwh == 10_000
    assert market.client.balance_wei(market.seller.address) == ETH + cost(38_500)
    assert market.client.balance_wei(market.buyer.address) == ETH - cost(38_500)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_trade_settles_when_a_bid_is_taken(market):
    window_id = market.open_window()
    order_id = market.client.bid(market.buyer, window_id, ENERGY, PRICE)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH - cost(ENERGY), cost(ENERGY))
    trade_id = market.client.take(market.seller, order_id, ENERGY, PRICE)
    market.client.report(market.oracle, trade_id, ENERGY, ENERGY)
    assert market.client.balance_wei(market.seller.address) == ETH + cost(ENERGY)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_money_returns_to_wallets_when_withdrawn(market):
    before_wei = market.client.wallet_wei(market.stranger.address)
    market.client.transfer(market.seller, market.stranger.address, 5)
    assert market.client.wallet_wei(market.stranger.address) == before_wei + 5
    market.client.withdraw(market.seller, ETH)
    assert market.client.balance_wei(market.seller.address) == 0
    assert market.client.totals() == Totals(ETH, ETH, 0)


def test_reads_return_what_was_written(market):
    terms = market.terms()
    window_id = market.client.open_window(market.coordinator, terms)
    assert market.client.window(window_id) == terms
    key = market.stranger.address
    market.client.approve(market.administrator, market.seller.address, "house-9", key)
    peer = market.client.peer(market.seller.address)
    assert (peer.node_id, peer.node_key, peer.status) == ("house-9", key, "approved")
    assert [one.peer for one in market.client.peers()] == [
        market.seller.address,
        market.buyer.address,
    ]
    counted = {"peers": 2, "windows": 1, "orders": 0, "trades": 0, "counters": 0}
    assert market.client.counts() == counted
    assert market.client.balance_wei(market.stranger.address) == 0


def test_orders_are_refused_when_bidding_is_over_at_the_time_of_their_block(market):
    # No block is made between bid end and the bid: only the bid's own block is late.
    now_s = market.client.chain_time_s()
    window_id = market.open_window(bid_end=now_s + 5)
    market.request("evm_increaseTime", 6)
    with pytest.raises(ContractRefused) as refused:
        market.client.bid(market.buyer, window_id, ENERGY, PRICE)
    assert refused.value.error_name == "BiddingClosed"
    assert refused.value.values["bid_end"] == now_s + 5
    assert str(refused.value).startswith(f"Window {window_id} accepts orders from 20")


def test_lock_returns_when_anyone_reclaims_after_clear_by(market):
    window_id = market.open_window()
    order_id = market.client.bid(market.buyer, window_id, ENERGY, PRICE)
    with pytest.raises(ContractRefused) as refused:
        market.client.reclaim(market.stranger, order_id)
    assert refused.value.error_name == "ReclaimTooEarly"
    market.advance_to(market.client.window(window_id).clear_by)
    market.client.reclaim(market.stranger, order_id)
    assert market.client.balance_wei(market.buyer.address) == ETH


def test_cost_returns_when_nobody_reported_in_time(market):
    window_id = market.open_window()
    order_id = market.client.offer(market.seller, window_id, ENERGY, PRICE)
    trade_id = market.client.take(market.buyer, order_id, ENERGY, PRICE)
    market.advance_to(market.client.window(window_id).report_by)
    with pytest.raises(ContractRefused) as refused:
        market.client.report(market.oracle, trade_id, ENERGY, ENERGY)
    assert refused.value.error_name == "ReportTooLate"
    market.client.refund(market.stranger, trade_id)
    assert market.client.trade(trade_id).status == "refunded"
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_money_stays_reachable_when_paused_and_suspended(market):
    window_id = market.open_window()
    order_id = market.client.bid(market.buyer, window_id, ENERGY, PRICE)
    market.client.suspend(market.administrator, market.buyer.address)
    market.client.pause(market.administrator)
    market.client.cancel(market.buyer, order_id)
    market.client.withdraw(market.buyer, ETH)
    with pytest.raises(ContractRefused, match=r"^The market is paused\.$"):
        market.client.deposit(market.buyer, 1)
    market.client.unpause(market.administrator)
    with pytest.raises(ContractRefused, match="is suspended, not approved"):
        market.client.offer(market.buyer, window_id, ENERGY, PRICE)


@pytest.mark.parametrize(
    ("energy_uwh", "price", "sentence"),
    [
        (999, PRICE, "The energy must be from 1 mWh to 1000000 mWh, not 0.999 mWh."),
        (0, PRICE, "The energy must be from 1 mWh to 1000000 mWh, not 0 mWh."),
        (ENERGY, 0, "The price must be from 0.000000001 ETH/kWh to 1000 ETH/kWh, not 0 ETH/kWh."),
    ],
)
def test_offer_is_refused_when_out_of_the_windows_bounds(market, energy_uwh, price, sentence):
    window_id = market.open_window()
    with pytest.raises(ContractRefused) as refused:
        market.client.offer(market.seller, window_id, energy_uwh, price)
    assert str(refused.value) == sentence


def test_bid_is_refused_with_needed_and_present_money_when_it_costs_too_much(market):
    window_id = market.open_window()
    with pytest.raises(ContractRefused) as refused:
        market.client.bid(market.buyer, window_id, 10**9, 2 * 10**9)
    assert str(refused.value) == (
        f"2 ETH needed, but peer {market.buyer.address} has 1 ETH in the market."
    )


def test_take_is_refused_when_more_is_asked_than_is_left(market):
    window_id = market.open_window()
    order_id = market.client.offer(market.seller, window_id, ENERGY, PRICE)
    with pytest.raises(ContractRefused) as refused:
        market.client.take(market.buyer, order_id, ENERGY + 1, PRICE)
    assert str(refused.value) == (f"Only 50 mWh are left of order {order_id}, not 50.001 mWh.")


def test_report_is_refused_when_the_sender_is_not_the_oracle(market):
    with pytest.raises(ContractRefused, match="is not the oracle"):
        market.client.report(market.seller, 1, 1, 1)


def test_views_are_refused_when_the_id_is_unknown(market):
    with pytest.raises(ContractRefused, match=r"^There is no order 7\.$"):
        market.client.order(7)
    with pytest.raises(ContractRefused, match=r"^There is no trade 7\.$"):
        market.client.trade(7)
    with pytest.raises(ContractRefused, match=r"^There is no window 7\.$"):
        market.client.window(7)


def test_same_call_counts_once_when_sent_twice(market):
    kept: list[SignedCall] = []
    first = market.client.execute(market.seller, "deposit", value_wei=7, before_send=kept.append)
    again = market.client.send(SignedCall.from_raw(kept[0].raw))
    assert again == first
    assert market.client.balance_wei(market.seller.address) == ETH + 7


def test_refused_call_is_refused_again_when_sent_twice(market):
    call = market.client.sign(market.oracle, "report", DeliveryReport.unsigned(1, 1, 1).as_args())
    for _ in range(2):
        with pytest.raises(ContractRefused, match="There is no trade 1"):
            market.client.send(call)


def test_signed_call_is_stale_when_another_took_its_nonce(market):
    call = market.client.sign(market.seller, "withdraw", 1)
    market.client.withdraw(market.seller, 2)
    with pytest.raises(StaleCall):
        market.client.send(call)
    assert market.client.balance_wei(market.seller.address) == ETH - 2


def test_call_is_not_sent_when_keeping_it_fails(market):
    def fail(call):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        market.client.execute(market.seller, "withdraw", 5, before_send=fail)
    assert market.client.balance_wei(market.seller.address) == ETH
    market.client.withdraw(market.seller, 5)


def test_calls_of_one_account_all_pass_when_sent_from_many_threads(market):
    failures = []

    def deposit():
        try:
            market.client.deposit(market.seller, 1)
        except Exception as problem:
            failures.append(problem)

    threads = [threading.Thread(target=deposit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert market.client.balance_wei(market.seller.address) == ETH + 8


def test_deposit_is_refused_when_the_wallet_is_empty(market):
    with pytest.raises(ContractRefused, match="not enough ETH of its own"):
        market.client.deposit(market.seller, 10**6 * ETH)


def test_client_says_so_when_no_chain_answers():
    client = MarketClient(f"http://127.0.0.1:{free_port()}", "0x" + "11" * 20)
    with pytest.raises(ChainUnavailable, match="no answer from the chain at http://127.0.0.1"):
        client.counts()


def test_client_refuses_an_address_when_it_holds_no_market(market, chain):
    with pytest.raises(WrongContract, match="There is no contract at"):
        MarketClient(chain.rpc_url, market.seller.address).identity()
