"""Reports as boards sign them, built here from the digest's description, against a real chain."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from hub.chain.records import Attempted, ContractRefused, DeliveryReport, Meter, Totals
from hub.oracle import terms

ETH = 10**18
PRICE = 200_000_000
ENERGY = 50_000
SELLER, BUYER = 0, 1
BOARDS: dict[int, LocalAccount] = {SELLER: Account.create(), BUYER: Account.create()}


def cost(energy_uwh):
    return energy_uwh * PRICE


def sign(delivery_id, role, energy_uwh, acknowledged_uwh, key=None):
    """Return what a board says, signed as DeliveryReports.sol describes."""
    message = b"trueque-report" + bytes.fromhex(delivery_id) + bytes([role])
    message += energy_uwh.to_bytes(8, "big") + acknowledged_uwh.to_bytes(8, "big")
    signed = (key or BOARDS[role]).unsafe_sign_hash(hashlib.sha256(message).digest())
    parity = (signed.v - 27) << 255
    signature = signed.r.to_bytes(32, "big") + (signed.s | parity).to_bytes(32, "big")
    return Meter(energy_uwh, acknowledged_uwh, signature)


@pytest.fixture
def keyed(market):
    """The market, with two boards that sign."""
    for name, number, role in (("seller", 1, SELLER), ("buyer", 2, BUYER)):
        address = getattr(market, name).address
        board = BOARDS[role].address
        market.client.approve(market.administrator, address, f"house-{number}", board)
    return market


def make_trade(market, energy_uwh=ENERGY):
    window_id = market.open_window()
    order_id = market.client.offer(market.seller, window_id, energy_uwh, PRICE)
    return market.client.take(market.buyer, order_id, energy_uwh, PRICE)


def signed_report(market, trade_id, seller_uwh, buyer_uwh):
    name = market.client.delivery_id(trade_id, 1, 4)
    seller = sign(name, SELLER, seller_uwh, buyer_uwh)
    return DeliveryReport(
        trade_id, (Attempted(1, 4, seller, sign(name, BUYER, buyer_uwh, seller_uwh)),)
    )


def test_hub_names_an_attempt_as_the_contract_does(keyed):
    domain = keyed.client.domain()
    for trade_id, attempt, epoch in ((1, 1, 1), (7, 4, 250), (2**40, 2**32 - 1, 2**32 - 1)):
        named = terms.delivery_id(domain, trade_id, attempt, epoch)
        assert named == keyed.client.delivery_id(trade_id, attempt, epoch)


def test_trade_settles_when_both_boards_signed(keyed):
    trade_id = make_trade(keyed)
    receipt = keyed.client.report_signed(
        keyed.oracle, signed_report(keyed, trade_id, 49_900, 49_000)
    )
    assert receipt.events[0].args["settled_uwh"] == 49_000
    assert receipt.events[0].args["signatures"] == 3
    assert receipt.gas_used < 75_000 + 2 * 17_100  # two balances touched for the first time
    assert keyed.client.trade(trade_id).status == "settled"


def test_report_is_refused_when_the_hub_changed_what_a_board_signed(keyed):
    trade_id = make_trade(keyed)
    honest = signed_report(keyed, trade_id, 49_900, 49_000)
    (attempt,) = honest.attempts
    buyer = dataclasses.replace(attempt.buyer, energy_uwh=49_900)
    lying = dataclasses.replace(honest, attempts=(dataclasses.replace(attempt, buyer=buyer),))
    with pytest.raises(ContractRefused) as refused:
        keyed.client.report_signed(keyed.oracle, lying)
    assert str(refused.value) == (
        f"The report of trade {trade_id} is not what the buyer's board signed."
    )


def test_report_is_refused_when_a_board_has_a_key_and_the_oracle_only_its_word(keyed):
    trade_id = make_trade(keyed)
    with pytest.raises(ContractRefused, match="the seller's board signed"):
        keyed.client.report(keyed.oracle, trade_id, ENERGY, ENERGY)


def test_trades_settle_when_reported_together(keyed):
    trades = [make_trade(keyed) for _ in range(3)]
    reports = [signed_report(keyed, trade_id, ENERGY, ENERGY) for trade_id in trades]
    receipt = keyed.client.report_batch(keyed.oracle, reports)
    assert [event.args["trade_id"] for event in receipt.events] == trades
    assert keyed.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_held_money_is_shown_while_a_trade_is_disputed(market):
    trade_id = make_trade(market)
    market.client.report(market.oracle, trade_id, ENERGY, 40_000)
    assert market.client.trade(trade_id).status == "disputed"
    assert market.client.totals().escrow_wei == cost(7_500)  # 5 % of 50,000 are allowed to be lost
    with pytest.raises(ContractRefused, match="disputed between 40 mWh and 47.5 mWh"):
        market.client.resolve(market.coordinator, trade_id, 48_000)
    market.client.resolve(market.coordinator, trade_id, 45_000)
    assert market.client.balance_wei(market.seller.address) == ETH + cost(45_000)
    assert market.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_dispute_is_split_when_nobody_resolved_it(market):
    trade_id = make_trade(market)
    market.client.report(market.oracle, trade_id, ENERGY, 40_000)
    with pytest.raises(ContractRefused, match=f"The dispute of trade {trade_id} is split from"):
        market.client.split(market.stranger, trade_id)
    market.advance_to(market.client.chain_time_s() + 3_000)
    market.client.split(market.stranger, trade_id)
    assert market.client.balance_wei(market.seller.address) == ETH + cost(43_750)


def test_floor_is_paid_when_only_one_meter_reported(keyed):
    trade_id = make_trade(keyed)
    name = keyed.client.delivery_id(trade_id, 1, 4)
    seller = sign(name, SELLER, 30_000, 29_000)
    delivered = DeliveryReport(trade_id, (Attempted(1, 4, seller, Meter(0, 0)),))
    keyed.client.report_alone(keyed.oracle, delivered, True)
    assert keyed.client.trade(trade_id).status == "one-sided"
    keyed.advance_to(keyed.client.chain_time_s() + 2_000)
    keyed.client.refund(keyed.stranger, trade_id)
    assert keyed.client.balance_wei(keyed.seller.address) == ETH + cost(29_000)
    assert keyed.client.totals() == Totals(2 * ETH, 2 * ETH, 0)


def test_role_moves_when_it_is_offered_and_accepted(market):
    client, heir = market.client, market.stranger
    client.offer_role(market.administrator, "oracle", heir.address)
    with pytest.raises(ContractRefused, match="was not offered the role of the oracle"):
        client.accept_role(market.seller, "oracle")
    client.accept_role(heir, "oracle")
    trade_id = make_trade(market)
    with pytest.raises(ContractRefused, match="is not the oracle"):
        client.report(market.oracle, trade_id, ENERGY, ENERGY)
    client.report(heir, trade_id, ENERGY, ENERGY)


def test_peer_may_no_longer_trade_when_it_was_removed(market):
    market.client.remove(market.administrator, market.seller.address)
    peer = market.client.peer(market.seller.address)
    assert (peer.status, peer.node_id) == ("registered", None)
    with pytest.raises(ContractRefused, match="it is registered, not approved"):
        make_trade(market)
