"""Agents, the market service and the contract together."""

from __future__ import annotations

import asyncio

from hub.agent.rounds import AgentRunner
from tests.host.web.agent_rounds import run_until

SUNNY = {"pv_power_uw": 20_000_000, "load_apparent_uva": 300_000_000}
SHADY = {"load_apparent_uva": 300_000_000}


def _feed(site) -> None:
    for _ in range(4):
        for house in site.config.houses:
            site.feed(house.name, **(SUNNY if house.kind == "prosumer" else SHADY))


def test_consumer_buys_once_when_agents_run_and_are_restarted(site):
    _feed(site)
    window_id = site.open_window(bids_s=12)
    market = site.service()
    trades = lambda: site.store.trades(window_id=window_id)  # noqa: E731
    orders = lambda: site.store.orders(window_id)  # noqa: E731
    asyncio.run(run_until(AgentRunner(market, site.config), lambda: len(orders()) >= 1))
    asyncio.run(run_until(AgentRunner(market, site.config), lambda: len(trades()) >= 1))
    # A third start finds everything done: the other prosumer's offer may stand, no more.
    again = AgentRunner(market, site.config)
    offered = {order.peer for order in orders() if order.remaining_uwh}
    for agent in again.agents:
        agent.act()
    assert len(trades()) == 1
    assert len({order.peer for order in orders() if order.remaining_uwh} | offered) <= 1
    energy_uwh = trades()[0].energy_uwh
    assert 34_723 <= energy_uwh <= 34_723 * 3 // 2


def test_agents_wake_when_a_person_acts(site):
    market, woken = site.service(), []
    market.on_change(lambda: woken.append(1))
    site.open_window()
    market.cancel("house-1", market.post_offer("house-1", 50_000, 200_000_000))
    assert len(woken) == 2


def test_agents_stay_quiet_when_nothing_was_measured(site, tmp_path):
    window_id = site.open_window(bids_s=12)
    market = site.service()
    market.recent_readings = lambda node, span_s: []
    runner = AgentRunner(market, site.config)
    assert [agent.act() for agent in runner.agents] == [[], [], []]
    assert site.store.orders(window_id) == []
