"""Hashes of closed windows: made once, sent to a second chain when it is there, and verified."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib

import pytest
from click.testing import CliRunner
from eth_account import Account

from hub import config as configuration
from hub import keys
from hub.anchor.checking import check
from hub.anchor.command import anchors as command
from hub.anchor.hashes import MAGIC, merkle_root, window_hash
from hub.anchor.runner import Anchoring, content, queue_closed_windows
from hub.chain.anchoring import OutsideChain
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import ChainUnavailable
from hub.chain.rpc import connect
from hub.processes import free_port
from hub.store import IdentityRow, Store
from tests.host.chain.conftest import Loop
from tests.host.hub.conftest import Events

IDENTITY = IdentityRow(1337, "0xgenesis", "0xcontract", "0xblock")
AFTER_MS = 60_000  # the window's reports end at second 40
CHAIN_ID = 4242


def settled(store):
    """One window whose one trade is settled."""
    events = Events(store)
    events.open_market()
    store.bind_identity(IDENTITY)
    events.offer()
    events.trade()
    events.settle(energies=(990, 980))
    return events


def digest(content_bytes):
    return hashlib.sha256(content_bytes).digest()


def test_root_is_that_of_a_merkle_tree_with_leaves_apart_from_nodes():
    a, b, c = (digest(name) for name in (b"a", b"b", b"c"))
    assert merkle_root([a]) == a
    ab = digest(b"\x01" + a + b)
    assert merkle_root([a, b]) == ab
    assert merkle_root([a, b, c]) == digest(b"\x01" + ab + c)


def test_hash_changes_with_every_settled_figure_and_not_with_the_hubs_own(store):
    settled(store)
    window, (trade,) = store.window(1), store.trades()
    made = window_hash(IDENTITY, window, [trade])
    for name, value in (("settled_uwh", 981), ("paid_wei", 1), ("buyer", "0xother"),
                        ("state", "refunded")):  # fmt: skip
        other = dataclasses.replace(trade, **{name: value})
        assert window_hash(IDENTITY, window, [other]) != made, name
    assert window_hash(IDENTITY, dataclasses.replace(window, max_energy_uwh=2), [trade]) != made
    assert window_hash(dataclasses.replace(IDENTITY, address="0x2"), window, [trade]) != made
    assert window_hash(IDENTITY, window, []) != made
    seen_later = dataclasses.replace(trade, closed_at_ms=9, matched_at_ms=9)
    assert window_hash(IDENTITY, window, [seen_later]) == made


def test_window_is_hashed_only_once_all_of_it_is_closed(store):
    events = Events(store)
    events.open_market()
    store.bind_identity(IDENTITY)
    events.offer()
    events.trade()
    queue_closed_windows(store, AFTER_MS)
    assert store.anchors() == []  # its trade is not settled
    events.settle()
    queue_closed_windows(store, 40_000)
    assert store.anchors() == []  # its reports are not over
    queue_closed_windows(store, AFTER_MS)
    queue_closed_windows(store, AFTER_MS + 5)
    (row,) = store.anchors()
    assert (row.window_id, row.made_at_ms, row.block_number) == (1, AFTER_MS, None)
    assert check(store, row, None) == "waits"


@pytest.fixture(scope="module")
def funded():
    return Account.create()


@pytest.fixture(scope="module")
def outside(tmp_path_factory, funded):
    """A second Ganache: somebody else's chain."""
    directory = tmp_path_factory.mktemp("outside")
    accounts = (FundedAccount("0x" + bytes(funded.key).hex(), 10**18),)
    chain = Chain(
        ChainSettings(directory / "db", directory / "chain.log", accounts, chain_id=CHAIN_ID)
    )
    loop = Loop()
    loop.run(chain.start())
    yield chain
    loop.run(chain.stop())
    loop.stop()


@pytest.fixture
def file_store(tmp_path):
    opened = Store.open(tmp_path / "store.db")
    settled(opened)
    yield opened
    opened.close()


def anchoring(store, url, account, said=None):
    say = (lambda text: None) if said is None else said.append
    return Anchoring(store, OutsideChain(url, account), say, lambda: AFTER_MS)


def test_hash_stands_in_the_outside_chain_when_it_was_anchored(file_store, outside, funded):
    said = []
    anchoring(file_store, outside.rpc_url, funded, said).do_round()
    (row,) = file_store.anchors()
    assert row.chain_id == CHAIN_ID and row.block_number > 0
    found = connect(outside.rpc_url).eth.get_transaction(row.transaction_hash)
    assert bytes(found["input"]) == MAGIC + bytes.fromhex(row.hash)
    assert found["from"] == funded.address
    assert said == [f"window 1 is anchored in block {row.block_number} of chain {CHAIN_ID}"]
    assert check(file_store, row, OutsideChain(outside.rpc_url, funded)) == "agrees"
    anchoring(file_store, outside.rpc_url, funded).do_round()
    assert file_store.anchors() == [row]  # once


def test_anchor_waits_and_is_sent_when_the_chain_comes_back(file_store, outside, funded):
    away = anchoring(file_store, f"http://127.0.0.1:{free_port()}", funded)
    with pytest.raises(ChainUnavailable):
        away.do_round()
    (row,) = file_store.anchors()
    assert row.block_number is None
    anchoring(file_store, outside.rpc_url, funded).do_round()
    assert file_store.anchors()[0].block_number is not None


def test_kept_transaction_is_found_again_when_the_hub_ended_before_its_receipt(
    file_store, outside, funded
):
    anchoring(file_store, outside.rpc_url, funded).do_round()
    (first,) = file_store.anchors()
    file_store.move_anchor(1, block_number=None)  # it never wrote down that it was mined
    sent = connect(outside.rpc_url).eth.get_transaction_count(funded.address)
    anchoring(file_store, outside.rpc_url, funded).do_round()
    assert file_store.anchors() == [first]
    assert connect(outside.rpc_url).eth.get_transaction_count(funded.address) == sent


def test_anchor_is_signed_anew_when_its_number_was_used_by_another(file_store, outside, funded):
    chain = OutsideChain(outside.rpc_url, funded)
    queue_closed_windows(file_store, AFTER_MS)
    lost = []
    signed = chain._sender.sign(
        funded, {"to": funded.address, "data": content(file_store.anchors()[0]), "value": 0,
                 "gas": 40_000},
    )  # fmt: skip
    file_store.move_anchor(1, chain_id=CHAIN_ID, transaction_hash=signed.hash, raw=signed.raw)
    chain.write(b"something else", lost.append)  # takes the number
    anchoring(file_store, outside.rpc_url, funded).do_round()
    (row,) = file_store.anchors()
    assert row.transaction_hash != signed.hash and row.block_number is not None


def test_verification_names_a_trade_that_was_changed_afterwards(file_store, outside, funded):
    anchoring(file_store, outside.rpc_url, funded).do_round()
    with file_store.transaction() as connection:
        connection.execute("UPDATE trades SET settled_uwh = 1 WHERE trade_id = 1")
    (row,) = file_store.anchors()
    assert "not those that were hashed" in check(file_store, row, None)


def test_verification_names_a_transaction_that_says_something_else(file_store, outside, funded):
    anchoring(file_store, outside.rpc_url, funded).do_round()
    chain, found = OutsideChain(outside.rpc_url, funded), []
    chain.write(MAGIC + bytes(32), found.append)
    file_store.move_anchor(1, transaction_hash=found[0].hash)
    assert "says something else" in check(file_store, file_store.anchors()[0], chain)
    file_store.move_anchor(1, transaction_hash="0x" + "00" * 32)
    assert "does not have" in check(file_store, file_store.anchors()[0], chain)


def test_hub_says_once_that_the_outside_chain_is_away(file_store, funded):
    said = []
    work = anchoring(file_store, f"http://127.0.0.1:{free_port()}", funded, said)

    async def story():
        task = asyncio.create_task(work.run())
        while not said:
            await asyncio.sleep(0.01)
        work.wake()
        await asyncio.sleep(0.1)
        task.cancel()

    asyncio.run(story())
    assert len(said) == 1 and "wait for the outside chain" in said[0]


def test_command_verifies_and_exits_1_when_something_differs(tmp_path, outside, funded):
    data = tmp_path / "site"
    houses = configuration.bench_houses(2)
    configuration.write(data, houses, anchor={"rpc_url": outside.rpc_url})
    keys.create(data / "keys.json", [house.name for house in houses])
    store = Store.open(data / "store.db")
    settled(store)
    anchoring(store, outside.rpc_url, funded).do_round()
    given = ["--data", str(data), "--verify"]
    good = CliRunner().invoke(command, given)
    assert good.exit_code == 0, good.output
    assert "agrees" in good.output
    with store.transaction() as connection:
        connection.execute("UPDATE trades SET paid_wei = '1'")
    store.close()
    bad = CliRunner().invoke(command, given)
    assert bad.exit_code == 1 and "differs" in bad.output
