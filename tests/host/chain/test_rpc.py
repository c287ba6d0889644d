"""What nodes of several makes answer to a call that reverts: the same bytes are found in each."""

from __future__ import annotations

import pytest

from hub.chain.rpc import RpcRefused

REASON = "0x01020304"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "execution reverted", "data": REASON},  # geth
        {"message": "VM Exception while processing transaction: revert", "data": REASON},  # Ganache
        {"message": "reverted", "data": {"data": REASON, "message": "reverted"}},  # Hardhat
        {"message": "VM execution error.", "data": f"Reverted {REASON}"},  # Nethermind
    ],
)
def test_revert_is_found_when_a_node_words_it_its_own_way(error):
    assert RpcRefused("eth_call", error).revert == bytes.fromhex(REASON[2:])


@pytest.mark.parametrize(
    ("error", "revert"),
    [
        ({"message": "execution reverted"}, b""),
        ({"message": "execution reverted", "data": "0x123"}, b""),
        ({"message": "no such method", "data": "0xzz"}, None),
        ({"message": "no such method", "data": ["0x01"]}, None),
        ({}, None),
    ],
)
def test_revert_is_empty_or_none_when_a_node_gives_no_bytes(error, revert):
    assert RpcRefused("eth_call", error).revert == revert
