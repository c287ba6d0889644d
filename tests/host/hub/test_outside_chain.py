"""A chain that others run, by its address: a second Ganache in their place."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from hub import config, keys
from hub.chain.outside import stream_url
from hub.chain.process import Chain, ChainSettings, FundedAccount, find_ganache, find_node
from hub.errors import ConfigError, PartMissing
from hub.site import Site

ETH = 10**18
HOUSES = ["house-1", "house-2"]


@pytest.fixture(autouse=True)
def chain_parts():
    try:
        find_node(), find_ganache()
    except PartMissing as missing:
        pytest.skip(str(missing))


@contextlib.asynccontextmanager
async def others_chain(directory, accounts):
    funded = tuple(FundedAccount("0x" + bytes(one.key).hex(), 1_000 * ETH) for one in accounts)
    chain = Chain(ChainSettings(directory / "chain", directory / "chain.log", funded))
    await chain.start()
    try:
        yield chain
    finally:
        await chain.stop()


def site_on(data_dir, url, **tables):
    """Return configuration and keys of a site of two houses on the chain at `url`."""
    config.write(data_dir, config.bench_houses(2), schedule={"mode": "none"},
                 chain={"url": url, **tables.pop("chain", {})}, **tables)  # fmt: skip
    return config.load(data_dir)


async def started(site, secrets, said):
    hub = Site(site, secrets, said.append)
    await hub.start()
    return hub


def roles(secrets):
    return (secrets.administrator, secrets.coordinator, secrets.oracle)


def test_hub_trades_on_a_chain_of_others_and_starts_none(tmp_path):
    secrets, said = keys.create(tmp_path / "keys.json", HOUSES), []

    async def story():
        async with others_chain(tmp_path / "others", roles(secrets)) as chain:
            site = site_on(tmp_path, chain.rpc_url, clock={"zone": "UTC"})
            hub = await started(site, secrets, said)
            try:
                assert hub.chain.pid is None
                # The administrator's play money pays for a bench's peers.
                found = {one.peer: one.status for one in hub.client.peers()}
                assert {found[secrets.peers[name].address] for name in HOUSES} == {"approved"}
                assert hub.client.balance_wei(secrets.peers["house-1"].address) == ETH
                first = hub.chain.identity
            finally:
                await hub.stop()
            assert chain.is_running
            again = await started(site, secrets, said)
            assert again.chain.identity == first
            await again.stop()

    asyncio.run(story())
    assert not Path(tmp_path / "chain").exists()
    assert any("run by others" in text for text in said)


def test_start_names_the_accounts_that_cannot_pay(tmp_path):
    secrets = keys.create(tmp_path / "keys.json", HOUSES)

    async def story():
        async with others_chain(tmp_path / "others", [secrets.oracle]) as chain:
            site = site_on(tmp_path, chain.rpc_url, clock={"zone": "UTC"})
            address = secrets.administrator.address
            with pytest.raises(ConfigError, match=f"administrator {address} has no ETH"):
                await started(site, secrets, [])

    asyncio.run(story())


def test_nobody_is_given_money_when_the_site_is_real(tmp_path):
    secrets, said = keys.create(tmp_path / "keys.json", HOUSES), []

    async def story():
        async with others_chain(tmp_path / "others", roles(secrets)) as chain:
            site = site_on(tmp_path, chain.rpc_url, clock={"zone": "UTC"}, site={"kind": "real"})
            hub = await started(site, secrets, said)
            try:
                address = secrets.peers["house-1"].address
                assert hub.client.wallet_wei(address) == 0
                assert any(address in text and "no ETH" in text for text in said)
            finally:
                await hub.stop()

    asyncio.run(story())


def test_start_is_refused_when_the_chain_id_is_another(tmp_path):
    secrets = keys.create(tmp_path / "keys.json", HOUSES)

    async def story():
        async with others_chain(tmp_path / "others", roles(secrets)) as chain:
            site = site_on(tmp_path, chain.rpc_url, chain={"chain_id": 1}, clock={"zone": "UTC"})
            with pytest.raises(ConfigError, match="chain_id is 1, but .* has 1337"):
                await started(site, secrets, [])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("rpc_url", "expected"),
    [
        ("http://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("https://node.example/v3/key", "wss://node.example/v3/key"),
    ],
)
def test_stream_is_at_the_same_place_when_nothing_else_is_said(rpc_url, expected):
    assert stream_url(rpc_url) == expected


@pytest.mark.parametrize("url", ["127.0.0.1:8545", "ftp://x", "http://", "http://x:99999"])
def test_address_is_refused_and_not_shown_when_it_is_none(tmp_path, url):
    with pytest.raises(ConfigError, match="chain.url must be http://host:port") as refusal:
        site_on(tmp_path, url)
    assert "99999" not in str(refusal.value)
