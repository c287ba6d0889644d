"""What a node answers to a call that it has already: the sender waits for the receipt."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from web3.exceptions import TransactionNotFound

from hub.chain import sending
from hub.chain.records import ContractRefused, SignedCall, StaleCall
from hub.chain.rpc import RpcRefused
from hub.chain.sending import Sender


class Node:
    """Has the receipt once it was asked often enough; refuses what it is sent, in those words."""

    def __init__(self, words, asked_before=4):
        self.words, self.left, self.sent, self.known = words, asked_before, 0, set()

    def get_transaction(self, name):
        if name not in self.known:
            raise TransactionNotFound(name)
        return {}

    def send_raw_transaction(self, raw):
        self.sent += 1
        raise RpcRefused("eth_sendRawTransaction", {"message": self.words})

    def get_transaction_receipt(self, name):
        self.left -= 1
        if self.left > 0:
            raise TransactionNotFound(name)
        hashes = {"transactionHash": bytes(32), "blockHash": bytes(32)}
        return {"status": 1, "logs": [], "blockNumber": 7, "gasUsed": 1, **hashes}


@pytest.fixture
def call():
    fields = {"to": "0x" + "11" * 20, "nonce": 0, "gas": 21_000, "value": 1, "chainId": 1337}
    fees = {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1, "type": 2}
    signed = Account.create().sign_transaction(fields | fees)
    return SignedCall.from_raw(bytes(signed.raw_transaction))


@pytest.mark.parametrize(
    "words",
    [
        "already known",
        "transaction can't be replaced, mining has already started. (please open an issue)",
        # The nonce was used by this very call: who took it for another would sign it again.
        "nonce too low",
        "the tx doesn't have the correct nonce. account has nonce of: 1 tx has nonce of: 0",
    ],
)
def test_sender_waits_for_the_receipt_when_the_node_has_the_call_already(call, words):
    node = Node(words)
    receipt = Sender(SimpleNamespace(eth=node)).send(call)
    assert receipt.block_number == 7
    assert node.left <= 0


def test_sender_waits_when_the_node_calls_a_call_underpriced_that_it_has(call):
    node = Node("transaction underpriced")
    with pytest.raises(RpcRefused, match="underpriced"):
        Sender(SimpleNamespace(eth=node)).send(call)
    node.known = {call.hash}
    assert Sender(SimpleNamespace(eth=node)).send(call).block_number == 7


def test_sender_calls_it_stale_when_its_receipt_never_comes(call, monkeypatch):
    monkeypatch.setattr(sending, "STALE_AFTER_S", 0.2)
    node = Node("nonce too low", asked_before=10**6)
    with pytest.raises(StaleCall, match="sign it again"):
        Sender(SimpleNamespace(eth=node)).send(call)
    assert node.sent == 1


def test_sender_raises_what_a_node_refuses_for_another_reason(call):
    node = Node("gas limit is too low")
    with pytest.raises(RpcRefused, match="gas limit is too low"):
        Sender(SimpleNamespace(eth=node)).send(call)
    assert node.sent == 1


class Counting:
    """A node that takes every call at once, or says that its nonce is used; counts questions."""

    chain_id = 1337

    def __init__(self, used=0):
        self.asked, self.used, self.taken = [], used, {}

    def get_block(self, name):
        self.asked.append("block")
        return {"baseFeePerGas": 10**9}

    def get_transaction_count(self, address, block):
        self.asked.append("count")
        return len(self.taken) + self.used

    def send_raw_transaction(self, raw):
        self.asked.append("send")
        call = SignedCall.from_raw(bytes(raw))
        nonce = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"]
        if nonce != len(self.taken) + self.used:
            raise RpcRefused("eth_sendRawTransaction", {"message": "nonce too low"})
        self.taken[call.hash] = nonce

    def get_transaction_receipt(self, name):
        self.asked.append("receipt")
        if name not in self.taken:
            raise TransactionNotFound(name)
        hashes = {"transactionHash": bytes(32), "blockHash": bytes(32)}
        return {"status": 1, "logs": [], "blockNumber": 7, "gasUsed": 1, **hashes}


def executing(node):
    """Return what signs and sends one call on that node."""
    sender, account = Sender(SimpleNamespace(eth=node)), Account.create()
    fields = {"to": "0x" + "11" * 20, "value": 1, "gas": 21_000}
    return lambda keep=None: sender.execute(lambda: sender.sign(account, fields), account, keep)


def test_second_call_asks_for_its_nonce_only_when_it_follows_the_first():
    node = Counting()
    execute = executing(node)
    execute()
    assert node.asked == ["count", "block", "send", "receipt"]
    node.asked.clear()
    execute()
    assert node.asked == ["count", "send", "receipt"]


def test_next_call_has_the_nonce_of_the_chain_when_it_lost_its_last_block():
    node = Counting()
    execute = executing(node)
    execute()
    execute()
    node.taken.popitem()
    execute()
    assert list(node.taken.values()) == [0, 1]


def test_call_is_signed_and_kept_anew_when_another_process_used_its_nonce():
    node, kept = Counting(), []
    execute = executing(node)
    execute(kept.append)

    def overtaken(call):
        kept.append(call)
        node.used = 1  # another process signs for the same account

    execute(overtaken)
    assert len({call.hash for call in kept}) == len(kept) == 3
    assert list(node.taken) == [kept[0].hash, kept[2].hash]


def test_nonce_is_asked_for_again_when_the_last_call_could_not_be_kept():
    node = Counting()
    execute = executing(node)

    def fail(call):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        execute(fail)
    execute()
    assert list(node.taken.values()) == [0]


def test_second_call_may_be_sent_before_the_first_when_both_are_reserved():
    node = Counting()
    sender, account = Sender(SimpleNamespace(eth=node)), Account.create()
    fields = {"to": "0x" + "11" * 20, "value": 1, "gas": 21_000}
    calls = [sender.reserve(lambda: sender.sign(account, fields), account) for _ in range(2)]
    nonces = [TypedTransaction.from_bytes(HexBytes(one.raw)).as_dict()["nonce"] for one in calls]
    assert (nonces, node.asked) == ([0, 1], ["count", "block"])


def test_nonces_go_on_when_a_call_reverted():
    """It is mined all the same; to ask again could give a nonce that another call is on its way
    with."""
    node = Counting()
    sender, account = Sender(SimpleNamespace(eth=node)), Account.create()
    fields = {"to": "0x" + "11" * 20, "value": 1, "gas": 21_000}
    call, other = (sender.reserve(lambda: sender.sign(account, fields), account) for _ in range(2))
    sender._accepted = lambda call, found: (_ for _ in ()).throw(ContractRefused("No", {}, "no"))
    with pytest.raises(ContractRefused):
        sender.send_first(account, call)
    third = sender.sign(account, fields)
    assert node.asked == ["count", "block", "send", "receipt"]
    signed = [TypedTransaction.from_bytes(HexBytes(one.raw)).as_dict() for one in (other, third)]
    assert [one["nonce"] for one in signed] == [1, 2]
