"""Preferences of houses: asked for and changed over the page's interface, honoured on the chain."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time

import pytest
from click.testing import CliRunner

from hub import web
from hub.agent.cli import agent as agent_commands
from hub.agent.rounds import AgentRunner
from hub.agent.runner import Agent
from hub.services.order_rules import Refused
from hub.services.wishes import KEPT_CHANGES, WishDesk
from hub.simulated import assets_path, state_path, write_whole
from hub.site_clock import wall_ms
from hub.store import Store
from hub.web.parts import PageParts
from tests.host.web.agent_rounds import run_until
from tests.host.web.conftest import wait_for

SUNNY = {"pv_power_uw": 20_000_000, "load_apparent_uva": 300_000_000}
SHADY = {"load_apparent_uva": 300_000_000}
PATH = "/api/houses/house-2/preferences"
ENERGY = 40_000


@pytest.fixture
def desk(site):
    yield WishDesk(site.store, site.config)
    for house in site.config.houses:
        site.store.set_state(f"preferences:{house.name}", None)


@pytest.fixture
def browser(site, service, desk):
    parts = PageParts(wishes=desk)
    return web.create_app(service, site.config, {"TESTING": True}, parts=parts).test_client()


@pytest.fixture
def post(browser):
    token = browser.get("/api/session").json["csrf_token"]
    return lambda body, path=PATH: browser.post(path, json=body, headers={"X-CSRF-Token": token})


def test_house_is_told_what_is_usual_and_what_it_may_choose(browser):
    record = browser.get(PATH).json
    assert record["preferences"]["is_automatic"] is True
    assert record["choices"]["producers"][:2] == ["house-1", "house-3"]
    assert {"bus-1", "community-1", "pv"} <= {*record["choices"]["producers"]}
    assert 100_000_000 < record["usual"]["highest_buying_gwei_per_kwh"] < 300_000_000
    assert (record["problem"], record["changes"]) == (None, [])
    assert record["trades_with"] == {"producers": None, "buyers": None}


def test_change_is_kept_with_who_made_it(browser, post):
    sent = {"peer": "house-2", "highest_buying": "0.25 ETH/kWh", "producers": ["house-3"]}
    changed = post(sent)
    assert changed.status_code == 200
    assert changed.json == browser.get(PATH).json
    assert changed.json["preferences"]["highest_buying_gwei_per_kwh"] == 250_000_000
    assert changed.json["trades_with"]["producers"] == ["house-3"]
    [entry] = changed.json["changes"]
    assert (entry["by"], entry["was"]["producers"], entry["is"]["producers"]) == (
        "house-2", [], ["house-3"],
    )  # fmt: skip
    assert abs(entry["at_ms"] - wall_ms()) < 60_000
    post({"peer": "house-2", "producers": ["house-3"]})  # nothing new: nothing to write down
    post({"peer": "house-2", "highest_buying": None})
    record = browser.get(PATH).json
    assert [one["is"] for one in record["changes"]] == [
        {"highest_buying_gwei_per_kwh": None},
        {"highest_buying_gwei_per_kwh": 250_000_000, "producers": ["house-3"]},
    ]


def test_change_is_refused_naming_every_wrong_field(post):
    answer = post({"peer": "house-2", "highest_buying": "-1", "is_automatic": "yes", "who": 1})
    assert (answer.status_code, answer.json["field"]) == (400, "highest_buying")
    assert set(answer.json["fields"]) == {"highest_buying", "is_automatic", "who"}


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [
        ({"peer": "house-1", "is_automatic": False}, PATH, 403),
        ({"is_automatic": False}, PATH, 400),
        ([], PATH, 400),
        ({"peer": "house-9"}, "/api/houses/house-9/preferences", 404),
    ],
)
def test_change_is_refused_when_it_is_not_the_houses_own(browser, post, body, path, status):
    assert post(body, path).status_code == status
    assert browser.get(PATH).json["changes"] == []


def test_change_is_refused_without_the_sessions_token(browser):
    body = {"peer": "house-2", "is_automatic": False}
    assert browser.post(PATH, json=body).status_code == 403


@pytest.mark.parametrize(("agent", "word"), [("away", "its own file"), ("none", "no agent")])
def test_house_is_told_when_the_hub_runs_no_agent_for_it(site, agent, word):
    houses = [dataclasses.replace(house, agent=agent) for house in site.config.houses]
    desk = WishDesk(site.store, dataclasses.replace(site.config, houses=tuple(houses)))
    assert word in desk.record("house-2")["problem"]
    with pytest.raises(Refused, match=word):
        desk.change("house-2", {"is_automatic": False}, "house-2")


def test_changes_outlive_the_hub_and_are_bounded(site, desk):
    for number in range(KEPT_CHANGES + 5):
        desk.change("house-2", {"is_automatic": bool(number % 2)}, "house-2")
    other = Store.join(site.config.store_path)  # as a hub that comes back, or another process
    try:
        record = WishDesk(other, site.config).record("house-2")
        assert record["preferences"]["is_automatic"] is False
        assert len(record["changes"]) == KEPT_CHANGES
        # What the command line writes beside the hub counts at the agents' next look.
        WishDesk(other, site.config).change("house-2", {"is_automatic": True}, "administrator")
    finally:
        other.close()
    assert desk.preferences(site.config.house("house-2"))[0].is_automatic


def test_type_of_a_simulated_house_is_that_of_its_generators_that_are_on(site, desk):
    boards_dir = site.config.boards_dir
    assets = assets_path(boards_dir, "house-3")
    assets.parent.mkdir(parents=True)
    assets.write_text("")
    devices = [
        {"name": "house-3-wind", "is_generator": True, "is_on": True},
        {"name": "house-3-pv", "is_generator": True, "is_on": False},
        {"name": "house-3-kettle", "is_generator": False, "is_on": True},
    ]
    try:
        write_whole(state_path(boards_dir, "house-3"), {"at_ms": wall_ms(), "devices": devices})
        desk.change("house-2", {"producers": ["wind"]}, "house-2")
        assert desk.record("house-2")["trades_with"]["producers"] == ("house-3",)
        desk.change("house-2", {"producers": ["pv"]}, "house-2")
        assert desk.record("house-2")["trades_with"]["producers"] == ("house-1",)
    finally:
        assets.unlink()
        state_path(boards_dir, "house-3").unlink()
        assets.parent.rmdir()


# On the chain ------------------------------------------------------------------------------------


def feed(site) -> None:
    for _ in range(4):
        for house in site.config.houses:
            site.feed(house.name, **(SUNNY if house.kind == "prosumer" else SHADY))


def address(site, house: str) -> str:
    return site.keys.peers[house].address


@pytest.mark.parametrize("chosen", ["house-1", "house-3"])
def test_buyer_trades_with_the_producer_it_chose_and_no_other(site, desk, chosen):
    feed(site)
    market = site.service()
    desk.change("house-2", {"producers": [chosen]}, "house-2")
    window_id = site.open_window(bids_s=40)
    trades = lambda: site.store.trades(window_id=window_id)  # noqa: E731
    asyncio.run(run_until(AgentRunner(market, site.config, desk), trades))
    assert {one.seller for one in trades()} == {address(site, chosen)}


def test_bid_that_names_its_producers_is_sold_to_by_them_alone(site, desk):
    feed(site)
    market, buyer, account = site.service(), address(site, "house-2"), site.keys.peers["house-2"]
    desk.change("house-2", {"producers": ["house-3"]}, "house-2")
    window_id = site.open_window(bids_s=300)
    agent = Agent("house-2", market, *desk.preferences(site.config.house("house-2")))
    agent._phase_s = lambda window: -10.0
    [posted] = agent.act()
    [order] = site.store.open_orders(window_id)
    assert order.only_accepted and posted.sellers == ("house-3",)
    assert site.store.accepted_sellers()[buyer] == {address(site, "house-3")}
    with pytest.raises(Refused, match="producers that it chose"):
        market.take("house-1", order.order_id)
    assert market.open_orders(window_id, "house-1") == []
    locked_wei = order.energy_uwh * order.price_gwei_per_kwh
    before_wei = market.available_wei("house-2")

    # The house changes its mind while the bid stands: the contract hears of it.
    desk.change("house-2", {"producers": ["house-1"]}, "house-2")
    agent.follow(*desk.preferences(site.config.house("house-2")))
    assert agent.act() == []
    assert site.store.accepted_sellers()[buyer] == {address(site, "house-1")}
    with pytest.raises(Refused, match="producers that it chose"):
        market.take("house-3", order.order_id)
    trade = site.store.trade(market.take("house-1", order.order_id))
    assert (trade.buyer, trade.seller) == (account.address, address(site, "house-1"))
    assert trade.energy_uwh * trade.price_gwei_per_kwh == locked_wei
    assert market.available_wei("house-2") == before_wei


def test_agent_withdraws_its_bid_and_frees_its_money_when_its_house_trades_by_hand(site, desk):
    feed(site)
    market = site.service()
    window_id = site.open_window(bids_s=300)
    before_wei = market.available_wei("house-2")
    agent = Agent("house-2", market, *desk.preferences(site.config.house("house-2")))
    agent._phase_s = lambda window: -10.0
    agent.act()
    assert len(site.store.open_orders(window_id)) == 1
    desk.change("house-2", {"is_automatic": False}, "house-2")
    agent.follow(*desk.preferences(site.config.house("house-2")))
    agent.act()
    assert site.store.open_orders(window_id) == []
    wait_for(lambda: market.available_wei("house-2") == before_wei)
    assert agent.act() == []


def test_seller_sells_to_the_buyers_it_accepts_only(site, desk):
    feed(site)
    market = site.service()
    desk.change("house-1", {"buyers": ["house-2"], "lowest_selling": "0.1"}, "house-1")
    window_id = site.open_window(bids_s=300)
    agent = Agent("house-1", market, *desk.preferences(site.config.house("house-1")))
    agent._phase_s = lambda window: -10.0
    # A bid of another prosumer, better paid, is left; none of its own could be.
    market.post_bid("house-3", ENERGY, 250_000_000)
    assert agent.act() == []
    market.post_bid("house-2", ENERGY, 200_000_000)
    [taken] = agent.act()
    [trade] = site.store.trades(window_id=window_id)
    assert (trade.seller, trade.buyer) == (address(site, "house-1"), address(site, "house-2"))
    assert trade.price_gwei_per_kwh == taken.limit_gwei_per_kwh == 200_000_000


def test_prosumer_buys_when_it_has_nothing_to_sell_and_its_house_allows_it(site, desk):
    for _ in range(4):
        site.feed("house-1", **SHADY)
        site.feed("house-3", **SUNNY)
    market = site.service()
    read = market.recent_readings
    # Other tests were sunny.
    market.recent_readings = lambda node, span_s: read(node, span_s)[-4:]
    window_id = site.open_window(bids_s=300)
    house = site.config.house("house-1")
    agent = Agent("house-1", market, *desk.preferences(house))
    agent._phase_s = lambda window: -10.0
    assert agent.act() == []
    desk.change("house-1", {"highest_buying": "0.25"}, "house-1")
    agent.follow(*desk.preferences(house))
    [bid] = agent.act()
    assert bid.price_gwei_per_kwh == 250_000_000
    offer_id = market.post_offer("house-3", ENERGY, 200_000_000)
    wait_for(lambda: site.store.order(offer_id) is not None)
    for _ in range(50):  # the older order's owner gives way after some seconds
        if agent.act():
            break
        time.sleep(0.2)
    [trade] = site.store.trades(window_id=window_id)
    assert (trade.buyer, trade.seller) == (address(site, "house-1"), address(site, "house-3"))
    assert site.store.open_orders(window_id) == []
    # Its house changes its mind: in the next window it would sell or rest.
    desk.change("house-1", {"highest_buying": None}, "house-1")
    agent.follow(*desk.preferences(house))
    site.open_window(bids_s=300)
    assert agent.act() == []


def test_administrator_shows_and_changes_a_houses_preferences(site, desk):
    def run(*options):
        call = ["preferences", "--data", str(site.config.data_dir), "--peer", "house-2", *options]
        return CliRunner().invoke(agent_commands, call)

    changed = run("--set", "producers=house-3, pv", "--set", "highest_buying=0.2")
    assert changed.exit_code == 0, changed.output
    assert "producers: house-3, pv" in changed.output
    assert "highest_buying_gwei_per_kwh: 0.2 ETH/kWh" in changed.output
    assert "at present: house-3, house-1" in changed.output
    assert desk.record("house-2")["changes"][0]["by"] == "administrator"
    assert run("--set", "producers=").exit_code == 0
    assert desk.record("house-2")["preferences"]["producers"] == []
    wrong = run("--set", "is_automatic=maybe")
    assert "must be true or false" in str(wrong.exception)
    assert "write NAME=VALUE" in str(run("--set", "pv").exception)


def test_every_record_is_json(browser, post):
    post({"peer": "house-2", "producers": ["pv"]})
    assert json.loads(browser.get(PATH).data)["preferences"]["producers"] == ["pv"]
