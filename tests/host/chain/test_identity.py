"""Deployments can be told apart, and a foreign one is refused with advice."""

from __future__ import annotations

import dataclasses

import pytest
from eth_utils import to_hex

from hub.chain.client import deploy
from hub.chain.process import Chain
from hub.chain.records import Cursor, WrongContract


def test_client_reads_the_identity_that_deploy_returned(market):
    assert market.client.identity() == market.identity
    market.client.check_identity(market.identity)


def test_events_begin_after_the_block_before_the_deployment(market):
    before = market.client.block_before(market.identity)
    block = market.web3.eth.get_block(market.identity.deployed_block_hash)
    assert before == Cursor(block["number"] - 1, to_hex(block["parentHash"]))


def test_no_block_is_before_a_deployment_that_the_chain_has_not(market, chain):
    snapshot = market.request("evm_snapshot")
    roles = [market.accounts[name] for name in ("administrator", "coordinator", "oracle")]
    gone = deploy(chain.rpc_url, *roles)
    market.request("evm_revert", snapshot)
    assert market.client.block_before(gone) is None
    # A block of this chain, but not the one the contract is from.
    head = to_hex(market.web3.eth.get_block("latest")["hash"])
    other = dataclasses.replace(market.identity, deployed_block_hash=head)
    assert market.client.block_before(other) is None
    with pytest.raises(WrongContract, match=r"\(deployment differ\)"):
        market.client.check_identity(other)


def test_two_deployments_differ_when_made_on_one_chain(chain, accounts):
    roles = [accounts[name] for name in ("administrator", "coordinator", "oracle")]
    first, second = deploy(chain.rpc_url, *roles), deploy(chain.rpc_url, *roles)
    assert first.genesis_hash == second.genesis_hash
    assert first.address != second.address
    assert first.deployed_block_hash != second.deployed_block_hash


def test_two_chains_differ_when_made_at_once_from_the_same_keys(
    loop, accounts, tmp_path, settings_of
):
    identities = []
    for name in ("one", "two"):
        chain = Chain(settings_of(tmp_path / name, accounts))
        loop.run(chain.start())
        try:
            roles = [accounts[role] for role in ("administrator", "coordinator", "oracle")]
            identities.append(deploy(chain.rpc_url, *roles))
        finally:
            loop.run(chain.stop())
    # Same keys and nonces give the same address: only the blocks tell.
    assert identities[0].address == identities[1].address
    assert identities[0].genesis_hash != identities[1].genesis_hash
    assert identities[0].deployed_block_hash != identities[1].deployed_block_hash


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"chain_id": 5}, "chain id"),
        ({"genesis_hash": "0x" + "00" * 32}, "genesis block"),
        ({"deployed_block_hash": "0x" + "00" * 32}, "deployment"),
    ],
)
def test_identity_is_refused_when_it_differs(market, change, named):
    expected = dataclasses.replace(market.identity, **change)
    with pytest.raises(WrongContract) as refused:
        market.client.check_identity(expected)
    assert f"({named} differ)" in str(refused.value)
    assert "trueque hub init" in str(refused.value)


def test_identity_is_refused_when_the_address_holds_no_contract(market):
    expected = dataclasses.replace(market.identity, address=market.seller.address)
    with pytest.raises(WrongContract, match="There is no contract at"):
        market.client.check_identity(expected)
