"""All money can be rebuilt from the events: random markets, compared with the contract."""

from __future__ import annotations

import random

import pytest

from hub.chain import ledger as ledger_module
from hub.chain.ledger import Ledger
from hub.chain.records import ContractRefused
from hub.chain.rpc import ConnectionLost, connect

MIN_UWH = 1_000


def _act(market, dice, window_id, orders, trades):
    """Do one random thing; the contract may refuse it."""
    client = market.client
    peer, other = dice.sample([market.seller, market.buyer], 2)
    kind = dice.choice(
        ["offer", "bid", "bid", "take", "take", "cancel", "report", "resolve", "money"]
    )
    if kind in ("offer", "bid"):
        energy_uwh = dice.randrange(MIN_UWH, 100_000)
        orders.append(getattr(client, kind)(peer, window_id, energy_uwh, dice.randrange(1, 10**9)))
    elif kind == "take" and orders:
        order = client.order(dice.choice(orders[-4:]))
        energy_uwh = dice.choice([order.energy_uwh, order.energy_uwh // 2])
        trades.append(client.take(peer, order.order_id, energy_uwh, order.price_gwei_per_kwh))
    elif kind == "cancel" and orders:
        client.cancel(peer, dice.choice(orders[-4:]))
    elif kind == "report" and trades:
        seller_uwh = dice.randrange(90_000)
        buyer_uwh = seller_uwh * dice.randrange(88, 101) // 100  # now and then a dispute
        client.report(market.oracle, dice.choice(trades[-3:]), seller_uwh, buyer_uwh)
    elif kind == "resolve" and trades:
        client.resolve(market.coordinator, dice.choice(trades[-3:]), dice.randrange(90_000))
    elif kind == "money":
        client.deposit(peer, dice.randrange(1, 10**6))
        client.withdraw(other, dice.randrange(1, 10**6))


def test_ledger_agrees_with_the_contract_after_random_calls(market):
    dice = random.Random(20)
    window_id = market.open_window()
    orders: list[int] = []
    trades: list[int] = []
    for _ in range(80):
        try:
            _act(market, dice, window_id, orders, trades)
        except ContractRefused as refused:
            assert refused.error_name
        totals = market.client.totals()
        assert totals.contract_wei == totals.balances_wei + totals.escrow_wei
    assert len(trades) >= 8
    states = [market.client.trade(trade_id).status for trade_id in trades]
    assert {"matched", "settled"} <= set(states)
    balances_wei = {peer.peer: peer.balance_wei for peer in market.client.peers()}
    ledger = Ledger(market.web3, market.client.address)
    assert ledger.totals() == market.client.totals()
    assert sum(balances_wei.values()) == market.client.totals().balances_wei


def test_ledger_starts_anew_when_blocks_are_replaced(market):
    snapshot = market.request("evm_snapshot")
    market.client.deposit(market.seller, 7)
    before = market.client.totals()
    market.request("evm_revert", snapshot)
    market.client.deposit(market.seller, 9)
    after = market.client.totals()
    assert before.balances_wei + 2 == after.balances_wei == after.contract_wei


def test_ledger_is_whole_when_it_was_interrupted_between_two_reads(market, chain, monkeypatch):
    monkeypatch.setattr(ledger_module, "BLOCKS_PER_REQUEST", market.client.head()[0] // 2)
    web3 = connect(chain.rpc_url)
    real, asked = web3.eth.get_logs, []

    def lost_once(span):
        asked.append(span)
        if len(asked) == 2:
            raise ConnectionLost("lost")
        return real(span)

    monkeypatch.setattr(web3.eth, "get_logs", lost_once)
    ledger = Ledger(web3, market.client.address)
    with pytest.raises(ConnectionLost):
        ledger.totals()
    assert ledger.totals() == market.client.totals()
