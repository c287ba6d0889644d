"""What a node answers to a call that it has already: the sender waits for the receipt."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from eth_account import Account
from web3.exceptions import TransactionNotFound

from hub.chain.records import SignedCall
from hub.chain.rpc import RpcRefused
from hub.chain.sending import Sender


class Node:
    """Has the receipt once it was asked often enough; refuses what it is sent, in those words."""

    def __init__(self, words, asked_before=4):
        self.words, self.left, self.sent = words, asked_before, 0

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
    ],
)
def test_sender_waits_for_the_receipt_when_the_node_has_the_call_already(call, words):
    node = Node(words)
    receipt = Sender(SimpleNamespace(eth=node)).send(call)
    assert (receipt.block_number, node.left) == (7, 0)


def test_sender_raises_what_a_node_refuses_for_another_reason(call):
    node = Node("gas limit is too low")
    with pytest.raises(RpcRefused, match="gas limit is too low"):
        Sender(SimpleNamespace(eth=node)).send(call)
    assert node.sent == 1
