"""An agent away from the hub at the switch: its house's flexible plugs, by its key alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from eth_account import Account

from hub.agent.appliances import Appliances
from hub.agent.remote import HubAway, RemoteMarket
from hub.bridges.part import BridgesPart
from hub.bridges.plugs import flexible
from hub.bridges.views import PlugLog, Views
from hub.chain.rpc import Questions
from hub.errors import BadInput
from hub.services import switching
from hub.services.agents import AgentDesk
from hub.services.order_rules import Refused
from hub.services.switching import SwitchDesk, answer_message, switch_message
from hub.services.wallet_rpc import WalletRpc
from hub.web import create_app
from hub.web.parts import PageParts
from hub.web.server import PageServer
from tests.host.bridges.doubles import Site, checked, wait_for
from tests.host.bridges.servers import TasmotaServer
from tests.host.web.test_remote_agent import SUNNY, feed

OWNER, STRANGER = Account.from_key("0x" + "11" * 32), Account.from_key("0x" + "22" * 32)
SCALES = (100, 60)


@pytest.fixture
def plug():
    server = TasmotaServer(watts=56.0)
    server.is_on = False
    yield server.start()
    server.stop()


def tables(server, **changes):
    return {"name": "washer", "house": "house-1", "address": server.address, "period_s": 1,
            "is_flexible": True} | changes  # fmt: skip


class Market:
    """Two houses and their accounts."""

    def address_of(self, peer):
        if peer not in ("house-1", "house-2"):
            raise Refused("There is no such peer on this site.", "peer")
        return (OWNER if peer == "house-1" else STRANGER).address


@pytest.fixture
def hub(tmp_path, plug):
    """Return a function that opens a page with this plug; it ends with the test."""
    site, running = Site(tmp_path), []

    def make(**changes):
        wanted = checked(plugs=[tables(plug, **changes)])
        part = BridgesPart(wanted, site.parts(), tmp_path, SCALES, ["house-1"])
        running.append(part)
        part.start()
        wait_for(site.store.latest_plugs)
        desk = SwitchDesk(Market(), part)
        parts = PageParts(bridges=part, agents=AgentDesk(Market(), "0x0", desk))
        app = create_app(None, SimpleNamespace(data_dir=tmp_path), {"TESTING": True}, parts)
        return SimpleNamespace(client=app.test_client(), desk=desk, part=part, site=site)

    yield make
    for one in running:
        one.stop()
    site.store.close()


def ask(hub, wish, account=OWNER, word=None, path="house-1/plugs/washer", **changes):
    """Ask as the agent of house-1 does; `changes` are made after signing."""
    word = word or hub.desk.record("house-1")["switch_word"]
    signed = account.sign_message(switch_message("house-1", "washer", wish, word))
    body = {"is_on": wish, "word": word, "signature": "0x" + bytes(signed.signature).hex()}
    return hub.client.post(f"/api/agents/{path}", json=body | changes)


def test_plug_is_switched_when_its_houses_key_signed(hub, plug):
    found = hub()
    answer = ask(found, True)
    assert (answer.status_code, answer.json["is_on"], plug.is_on) == (200, True, True)
    assert ask(found, False).status_code == 200 and plug.is_on is False


@pytest.mark.parametrize(
    "more, sentence",
    [({"account": STRANGER}, "not signed by the key of house-1"),
     ({"is_on": False}, "not signed"), ({"signature": "0x00"}, "not signed"),
     ({"signature": 3}, "Say whether on"), ({"word": "ab" * 16}, "used or too old"),
     ({"path": "house-2/plugs/washer"}, "not signed by the key of house-2"),
     ({"path": "house-1/plugs/kettle"}, "not signed"),
     ({"path": "nobody/plugs/washer"}, "no such")],
)  # fmt: skip
def test_plug_stays_as_it_is_when_the_signature_is_not_its_houses(hub, plug, more, sentence):
    answer = ask(hub(), True, **more)
    assert answer.status_code == 403 and sentence in answer.json["error"]
    assert plug.is_on is False


def test_plug_stays_as_it_is_when_a_signed_word_comes_again(hub, plug):
    found = hub()
    word = found.desk.record("house-1")["switch_word"]
    assert ask(found, True, word=word).status_code == 200
    found.part.switch_plug("washer", False, "house-1")
    answer = ask(found, True, word=word)
    assert answer.status_code == 403 and "used or too old" in answer.json["error"]
    assert plug.is_on is False


def test_plug_stays_as_it_is_when_the_signed_word_was_held_back(hub, plug, monkeypatch):
    found = hub()
    monkeypatch.setattr(switching, "WORD_AGE_S", 0.0)
    assert ask(found, True).status_code == 403 and plug.is_on is False


def test_agent_is_refused_when_a_person_switched_a_short_while_ago(hub, plug):
    found = hub()
    found.part.switch_plug("washer", False, "house-1")
    assert found.desk.record("house-1")["plugs"][0]["is_left_alone"] is True
    answer = ask(found, True)
    assert answer.status_code == 409 and "A person switched" in answer.json["error"]
    assert plug.is_on is False


class Events:
    """Asks house-1 for one thing."""

    def __init__(self):
        self.answers = []

    def question(self, house):
        return {"event_id": 4, "pledged_uwh": 9} if house == "house-1" else None

    def answer(self, house, event_id, is_willing):
        if event_id != 4:
            raise BadInput(f"Event {event_id} asks nothing.")
        self.answers.append((house, event_id, is_willing))
        return {"accepted_uwh": 9 if is_willing else 0}


def test_event_is_answered_when_the_houses_key_signed_it(hub):
    found = hub()
    desk = found.desk
    desk._events = Events()
    record = desk.record("house-1")
    assert record["event"]["event_id"] == 4
    word = record["switch_word"]

    def answer(event_id, account=OWNER, path=None, word=word, **changes):
        signed = account.sign_message(answer_message("house-1", event_id, True, word))
        body = {"is_willing": True, "word": word, "signature": "0x" + bytes(signed.signature).hex()}
        url = f"/api/agents/house-1/events/{path or event_id}"
        return found.client.post(url, json=body | changes)

    assert answer(4, STRANGER).status_code == 403
    assert answer(5, path=4).status_code == 403  # signed for another event
    assert answer(4, is_willing=False).status_code == 403  # signed for the other answer
    assert answer(4, is_willing=None).status_code == 403
    assert desk._events.answers == []
    told = answer(4)
    assert (told.status_code, told.json["accepted_uwh"]) == (200, 9)
    assert answer(4).status_code == 403  # the word is used
    assert answer(5, word=desk.record("house-1")["switch_word"]).status_code == 409
    assert desk._events.answers == [("house-1", 4, True)]


def test_agent_is_refused_when_the_plug_is_not_flexible(hub, plug):
    found = hub(is_flexible=False)
    nothing = {"plugs": [], "event": None, "switch_word": None}
    assert found.desk.record("house-1") == nothing
    answer = ask(found, True, word=found.desk._give_word("house-1"))
    assert answer.status_code == 409 and "not its agent's to switch" in answer.json["error"]
    assert plug.is_on is False


def test_hub_leaves_plugs_alone_when_the_house_has_its_own_agent(hub, plug, monkeypatch):
    monkeypatch.setattr(flexible, "LOOK_S", 0.1)
    found = hub()
    assert [one.name for one in found.part._runner.states()] == ["plug washer", "plug series"]


class House:
    """A house whose hub says what a test wants."""

    def __init__(self, **plug):
        self.told = {"name": "washer", "is_on": False, "power_uw": 0, "age_ms": 500,
                     "is_left_alone": False} | plug  # fmt: skip
        self.at_s, self.switched, self.fails = 1_000.0, [], False
        self.asked, self.answers = None, []
        self.readings = [{"pv_power_uw": 10_000_000, "load_power_uw": 0, "load_apparent_uva": None}]

    def now_s(self):
        return self.at_s

    def plugs(self):
        return [self.told]

    def recent_readings(self, node, span_s):
        return self.readings * 5

    def event(self):
        return self.asked

    def answer_event(self, event_id, is_willing):
        if self.fails:
            raise HubAway("no answer")
        self.answers.append((event_id, is_willing))
        asked, self.asked = self.asked, None
        return asked["pledged_uwh"] if is_willing else 0

    def switch_plug(self, name, is_on):
        self.switched.append((self.at_s, name, is_on))
        if self.fails:
            raise HubAway("the plug is away")
        self.told["is_on"] = is_on


def test_appliance_runs_with_the_sun_when_an_agent_away_looks():
    house = House()
    agent = Appliances("house-1", house, 100)
    assert agent.act() == ["turned washer on"]
    house.readings[0]["pv_power_uw"] = 0
    house.readings[0]["load_power_uw"] = 56_000_000
    for house.at_s in range(1_001, 1_070):
        agent.act()
    assert house.switched == [(1_000.0, "washer", True), (1_060, "washer", False)]


@pytest.mark.parametrize("told", [{"is_left_alone": True}, {"age_ms": 31_000}, {"is_on": None}])
def test_appliance_is_left_as_it_is_when_it_is_a_persons_or_unknown(told):
    house = House(**told)
    assert Appliances("house-1", house, 100).act() == [] and house.switched == []


def test_appliance_is_turned_off_when_it_was_promised_although_the_sun_shines():
    house = House(is_on=True, power_uw=56_000_000, is_promised_off=True)
    assert Appliances("house-1", house, 100).act() == ["turned washer off"]


def test_agent_answers_an_event_once_when_its_reward_is_enough():
    house = House(is_left_alone=True)
    house.asked = {"event_id": 3, "reward_gwei_per_kwh": 200, "pledged_uwh": 5}
    agent, house.fails = Appliances("house-1", house, 100, 200), True
    assert agent.act() == ["cannot answer event 3 yet: no answer"]
    house.fails, house.at_s = False, 1_005
    assert agent.act() == ["takes part in event 3: 5 uWh"]
    house.at_s = 1_010
    assert agent.act() == []
    assert house.answers == [(3, True)]


def test_agent_declines_an_event_when_its_reward_is_too_small():
    house = House(is_left_alone=True)
    house.asked = {"event_id": 3, "reward_gwei_per_kwh": 200, "pledged_uwh": 5}
    agent = Appliances("house-1", house, 100, 201)
    assert agent.act() == ["takes no part in event 3: its reward is too small"]
    assert house.answers == [(3, False)]


def test_switching_waits_a_minute_when_it_failed():
    house = House()
    house.fails = True
    agent = Appliances("house-1", house, 100)
    assert agent.act() == ["cannot turn washer on: the plug is away"]
    for house.at_s in range(1_001, 1_060):
        assert agent.act() == []


def test_agent_process_turns_an_appliance_on_when_its_house_has_sun(
    site, service, plug, key_file, tmp_path
):
    """`trueque agent run` as on a machine of the house: page, key and nothing else."""
    (tmp_path / "part").mkdir()
    double, said = Site(tmp_path / "part"), tmp_path / "said"
    parts = double.parts(views=Views(site.store, None, {}), plug_log=PlugLog(site.store))
    part = BridgesPart(checked(plugs=[tables(plug)]), parts, tmp_path, SCALES, ["house-1"])
    part.start()
    rpc = WalletRpc(Questions(site.chain.rpc_url), site.client.address)
    desk = AgentDesk(service, site.client.address, SwitchDesk(service, part))
    offered = PageParts(bridges=part, wallet_rpc=rpc, agents=desk)
    server = PageServer(service, site.config, 0, offered)
    server.start()
    argv = [sys.executable, "-m", "tools", "agent", "run", "--peer", "house-1", "--hub", server.url,
            "--key", str(key_file("house-1"))]  # fmt: skip
    with said.open("wb") as out:
        process = subprocess.Popen(argv, stderr=out)
    try:
        wait_for(lambda: "trading for house-1" in said.read_text())
        for _ in range(2):  # five readings at least
            feed(site)
        wait_for(lambda: "turned washer on" in said.read_text())
        assert plug.is_on
        with pytest.raises(HubAway, match="used or too old"):
            _send_twice(RemoteMarket(server.url, "house-1", site.keys.peers["house-1"], 65))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        server.stop()
        part.stop()
        double.store.close()
    assert SUNNY["pv_power_uw"] * site.config.site.model_scale > 500_000_000


def _send_twice(market):
    """Send one signed wish a second time, as somebody between agent and hub could."""
    sent = []
    call = market._call

    def keep(path, body=None):
        sent.append((path, body))
        return call(path, body)

    market._call = keep
    market.switch_plug("washer", True)
    call(*sent[-1])
