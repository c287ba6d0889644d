"""A call that was kept, whose predecessors were not: it is mined once, and not in vain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from eth_account import Account

from hub.chain import gaps
from hub.chain.client import MarketClient
from hub.chain.gaps import Gap
from hub.chain.records import ChainUnavailable, SignedCall, StaleCall


def call_with_nonce(account, nonce):
    fields = {"to": account.address, "nonce": nonce, "gas": 21_000, "value": 0, "chainId": 1337}
    fees = {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1, "type": 2}
    return SignedCall.from_raw(bytes(account.sign_transaction(fields | fees).raw_transaction))


class Ledger:
    """Counts an account's calls; its clock moves a second with each question."""

    def __init__(self, counts):
        self.counts, self.now_s = counts, 0.0

    def get_transaction_count(self, address, block):
        self.now_s += 1.0
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]


def gap_of(counts, nonce, account=None):
    account = account or Account.create()
    ledger = Ledger(counts)
    call = call_with_nonce(account, nonce)
    return Gap(SimpleNamespace(eth=ledger), account, call, lambda: ledger.now_s)


def test_nothing_is_missing_when_the_call_is_the_next_one_or_older():
    assert gap_of([7], 7).missing() == gap_of([8], 7).missing() == range(0)


def test_places_are_filled_when_nobody_has_sent_them_for_a_while():
    gap = gap_of([4], 7)
    found = [gap.missing() for _ in range(6)]
    assert found == [None] * 5 + [range(4, 7)]


def test_others_get_their_time_anew_when_one_of_them_was_sent():
    gap = gap_of([4, 4, 4, 4, 5], 7)
    found = [gap.missing() for _ in range(10)]
    assert found == [None] * 9 + [range(5, 7)]


def test_call_is_given_up_when_too_much_is_missing():
    with pytest.raises(ChainUnavailable, match="has nonce 90, the account .* is at 4"):
        gap_of([4], 90).missing()


@pytest.fixture
def killed_hub(market, monkeypatch):
    """Keep two payments of the seller, 1 and 2 wei, as a hub killed before it sends either."""
    monkeypatch.setattr(gaps, "FILL_AFTER_S", 0.3)
    to, kept = Account.create().address, []
    sender = market.client._sender

    def keep(wei):
        transaction = {"to": to, "value": wei, "gas": 21_000}
        sender.reserve(lambda: sender.sign(market.seller, transaction), market.seller, kept.append)

    keep(1)
    keep(2)
    next_hub = MarketClient(market.web3.provider.endpoint_uri, market.client.address)
    return next_hub, market.seller, kept, lambda: market.web3.eth.get_balance(to)


def test_kept_call_is_mined_once_when_its_predecessor_was_never_sent(killed_hub):
    next_hub, seller, (first, second), received_wei = killed_hub
    receipt = next_hub.send(second, seller)
    assert next_hub.send(second, seller) == receipt
    with pytest.raises(StaleCall):  # who kept it signs it anew: it can never be mined
        next_hub.send(first, seller)
    assert received_wei() == 2


def test_predecessor_is_mined_too_when_it_is_sent_in_time(killed_hub, monkeypatch):
    next_hub, seller, (first, second), received_wei = killed_hub
    monkeypatch.setattr(gaps, "FILL_AFTER_S", 60.0)
    with ThreadPoolExecutor() as pool:
        later = pool.submit(next_hub.send, second, seller)
        next_hub.send(first, seller)
        later.result()
    assert received_wei() == 3
