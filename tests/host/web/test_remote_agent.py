"""An agent away from the hub: a process with its house's key, over the page and `/rpc`."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from hub.agent.cli import _wishes
from hub.agent.cli import agent as command
from hub.agent.preferences import with_own
from hub.agent.remote import HubAway, RemoteMarket
from hub.agent.runner import Agent
from hub.chain.rpc import Questions
from hub.errors import BadInput
from hub.processes import free_port
from hub.services.agents import AgentDesk
from hub.services.wallet_rpc import WalletRpc
from hub.web.parts import PageParts
from hub.web.server import PageServer

SUNNY = {"pv_power_uw": 20_000_000, "load_apparent_uva": 300_000_000}
SHADY = {"load_apparent_uva": 300_000_000}


@pytest.fixture(scope="module")
def url(site, service):
    parts = PageParts(
        wallet_rpc=WalletRpc(Questions(site.chain.rpc_url), site.client.address),
        agents=AgentDesk(service, site.client.address),
    )
    server = PageServer(service, site.config, 0, parts)
    server.start()
    yield server.url
    server.stop()


def feed(site):
    for _ in range(4):
        for house in site.config.houses:
            site.feed(house.name, **(SUNNY if house.kind == "prosumer" else SHADY))


def wait_until(condition, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def test_agents_of_two_houses_trade_when_each_is_a_process_of_its_own(
    site, url, key_file, tmp_path
):
    said = tmp_path / "said"
    processes = []
    with said.open("wb") as out:
        for house in ("house-1", "house-2"):
            argv = [sys.executable, "-m", "tools", "agent", "run", "--peer", house, "--hub", url,
                    "--key", str(key_file(house))]  # fmt: skip
            processes.append(subprocess.Popen(argv, stderr=out))
    try:
        wait_until(lambda: said.read_text().count("trading for") == 2)
        feed(site)
        window_id = site.open_window(bids_s=40)
        wait_until(lambda: site.store.trades(window_id=window_id))
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(20) for process in processes] == [0, 0], said.read_text()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    (trade,) = site.store.trades(window_id=window_id)
    peers = site.keys.peers
    assert (trade.seller, trade.buyer) == (peers["house-1"].address, peers["house-2"].address)
    assert "trading for house-1" in said.read_text()


def test_bid_of_a_remote_agent_names_the_producers_of_its_file(site, url, tmp_path):
    feed(site)
    wishes = tmp_path / "wishes.toml"
    wishes.write_text('partners = ["house-3"]\naveraging_s = 60\n')
    market = RemoteMarket(url, "house-2", site.keys.peers["house-2"], 65)
    window_id = site.open_window(bids_s=300)
    market.refresh()
    agent = Agent("house-2", market, with_own(market.default_preferences(), _wishes(wishes)))
    agent._phase_s = lambda window: -10.0
    [posted] = agent.act()
    assert posted.sellers == ("house-3",)
    wait_until(lambda: site.store.open_orders(window_id))
    [order] = site.store.open_orders(window_id)
    peers = site.keys.peers
    accepted = {peers["house-3"].address}
    wait_until(lambda: site.store.accepted_sellers().get(peers["house-2"].address) == accepted)
    assert order.only_accepted
    market.refresh()
    market.accept_only("house-2", ["house-3"])  # known: nothing is sent
    with pytest.raises(BadInput, match="house-9 is none of house-1"):
        market.accept_only("house-2", ["house-9"])


def test_remote_agent_sees_what_the_hubs_own_agent_sees(site, service, url):
    feed(site)
    window_id = site.open_window()
    order_id = service.post_offer("house-1", 50_000, 200_000_000)
    market = RemoteMarket(url, "house-2", site.keys.peers["house-2"], 65)
    market.refresh()
    assert market.window_now("house-2") == service.window_now("house-2")
    orders = service.open_orders(window_id, "house-2")
    assert market.open_orders(window_id, "house-2") == orders
    assert market.available_wei("house-2") == service.available_wei("house-2")
    assert market.has_order(order_id) and not market.has_order(order_id + 1)
    assert abs(market.now_s() - service.now_s()) < 5
    wish = market.default_preferences()
    near, far = Agent("house-2", service, wish), Agent("house-2", market, wish)
    window = service.window_now("house-2")
    assert far.forecast(window) == near.forecast(window) is not None
    service.cancel("house-1", order_id)


def test_remote_agent_refuses_when_the_key_is_anothers(site, url):
    with pytest.raises(BadInput, match="but house-2 is"):
        RemoteMarket(url, "house-2", site.keys.peers["house-1"], 65).refresh()


def test_remote_agent_names_the_peer_when_the_hub_has_none_of_that_name(site, url):
    with pytest.raises(BadInput, match="no such peer"):
        RemoteMarket(url, "house-9", site.keys.peers["house-1"], 65).refresh()


def test_remote_agent_waits_when_the_hub_is_away(site):
    market = RemoteMarket(
        f"http://127.0.0.1:{free_port()}", "house-1", site.keys.peers["house-1"], 65
    )
    with pytest.raises(HubAway):
        market.refresh()


def test_hub_runs_no_agent_when_the_house_has_its_own(site, service):
    from hub.agent.rounds import AgentRunner

    houses = tuple(
        dataclasses.replace(one, agent="away") if one.name == "house-2" else one
        for one in site.config.houses
    )
    runner = AgentRunner(service, dataclasses.replace(site.config, houses=houses))
    assert [one.peer for one in runner.agents] == ["house-1", "house-3"]


@pytest.mark.parametrize(
    ("text", "field"),
    [("limit_gwei_per_kwh = -1", "limit_gwei_per_kwh"), ("limitt = 3", "limitt"),
     ("patience_s = 1.5", "patience_s"), ("= 3", "TOML")],
)  # fmt: skip
def test_wishes_are_refused_by_name_when_they_are_wrong(key_file, tmp_path, text, field):
    wishes = tmp_path / "wishes.toml"
    wishes.write_text(text)
    call = ["run", "--peer", "house-1", "--hub", "http://127.0.0.1:9", "--key",
            str(key_file("house-1")), "--preferences", str(wishes)]  # fmt: skip
    answer = CliRunner().invoke(command, call)
    assert isinstance(answer.exception, BadInput)
    assert field in str(answer.exception) or field == "TOML"


def test_key_is_refused_when_others_can_read_it(key_file):
    path = key_file("house-1")
    path.chmod(0o644)
    call = ["run", "--peer", "house-1", "--hub", "http://127.0.0.1:9", "--key", str(path)]
    answer = CliRunner().invoke(command, call)
    assert isinstance(answer.exception, BadInput) and "chmod 600" in str(answer.exception)
