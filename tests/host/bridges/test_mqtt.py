"""What bridges publish at the hub's own broker, read back by the accounts that are for readers."""

from __future__ import annotations

import asyncio
import json
import threading

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from hub.bridges.accounts import guests
from hub.bridges.home_assistant import HomeAssistantBridge
from hub.bridges.market_feed import MarketFeedBridge, messages
from hub.bridges.part import BridgesPart
from hub.bridges.parts import BrokerAddress
from hub.mqtt.broker import Broker, find_mosquitto
from hub.processes import free_port
from hub.services.events import EVENTS
from hub.site_clock import wall_ms
from hub.store import NodeRow
from tests.host.bridges.doubles import checked, wait_for
from tests.host.hub.conftest import Events
from tests.host.hub.samples import status

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="Mosquitto is not installed")
TABLES = {
    "market": {"readers": ["reader", "node-red"]},
    "home_assistant": {"period_s": 1},
    "plugs": [{"name": "kettle", "house": "house-1", "kind": "tasmota-mqtt", "address": "tasmota_1",
               "period_s": 1}],
}  # fmt: skip
WORDS = {"hub": "hub-word", "house-1": "word-1"}


def password_of(name):
    return f"word of {name}"


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, daemon=True)
    thread.start()
    yield lambda work: asyncio.run_coroutine_threadsafe(work, made).result(30)
    made.call_soon_threadsafe(made.stop)
    thread.join(5)
    made.close()


@pytest.fixture
def broker(loop, tmp_path):
    made = Broker("mosquitto", free_port(), tmp_path / "broker", WORDS,
                  guests=guests(checked(**TABLES), password_of))  # fmt: skip
    loop(made.start())
    yield made
    loop(made.stop())


@pytest.fixture
def parts(site, broker):
    own = broker.hub_address
    passwords = {one.name: one.password for one in guests(checked(**TABLES), password_of)}
    address = BrokerAddress("127.0.0.1", broker.port, None, own)
    return site.parts(passwords=passwords, broker=address)


@pytest.fixture
def run(parts, run):
    """Bridges end before the broker does."""
    return run


class Client:
    """Somebody else's client, by an account; keeps the newest payload of every topic."""

    def __init__(self, port, user, topic, word=None):
        self.seen, self.acknowledged = {}, threading.Event()
        self.codes = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.username_pw_set(user, word or password_of(user))
        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_subscribe = lambda *_: self.acknowledged.set()
        self.client.on_message = self._take
        self.client.on_publish = lambda client, data, mid, code, _: self.codes.append(str(code))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.acknowledged.wait(10)

    def _take(self, client, data, message):
        if message.payload:
            self.seen[message.topic] = message.payload
        else:
            self.seen.pop(message.topic, None)

    def record(self, topic):
        return json.loads(self.seen[topic])

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def connect(broker):
    clients = []

    def make(user, topic="#", word=None):
        clients.append(Client(broker.port, user, topic, word))
        return clients[-1]

    yield make
    for one in clients:
        one.stop()


@pytest.fixture
def market(site):
    found = Events(site.store)
    found.open_market()
    return found


# Market -----------------------------------------------------------------------------------------


def test_reader_sees_window_book_and_trades_when_they_change(site, run, parts, connect, market):
    market.offer(energy_uwh=2_000, price=7)
    run(MarketFeedBridge(checked(market={}).market, parts))
    reader = connect("reader", "trueque/1/market/#")
    wait_for(lambda: "trueque/1/market/order/1" in reader.seen)
    order = reader.record("trueque/1/market/order/1")
    assert (order["peer"], order["is_offer"], order["energy_uwh"]) == ("house-1", True, 2_000)
    assert reader.record("trueque/1/market/window/1")["max_energy_uwh"] == 10**9
    market.trade(energy_uwh=2_000)
    wait_for(lambda: "trueque/1/market/trade/1" in reader.seen)
    wait_for(lambda: "trueque/1/market/order/1" not in reader.seen)  # nothing is left of it
    assert reader.record("trueque/1/market/trade/1")["buyer"] == "house-2"
    wait_for(lambda: reader.record("trueque/1/market/summary")["trades"] == {"matched": 1})


def test_retained_order_is_taken_back_when_it_went_while_the_hub_was_away(
    site, run, parts, connect, market
):
    market.offer()
    first = run(MarketFeedBridge(checked(market={}).market, parts))
    reader = connect("reader", "trueque/1/market/#")
    wait_for(lambda: "trueque/1/market/order/1" in reader.seen)
    first.stop()
    market.apply("OrderCancelled", order_id=1, energy_uwh=1_000, refunded_wei=0)
    run(MarketFeedBridge(checked(market={}).market, parts))
    wait_for(lambda: "trueque/1/market/order/1" not in reader.seen)


def test_no_message_is_too_long_when_fifty_houses_take_part_in_an_event(site):
    house = {"pledged_uwh": 10**6, "accepted_uwh": 10**6, "is_asked": False, "problem": None}
    houses = {f"house-{number}": house for number in range(50)}
    site.store.set_state(EVENTS, [{"event_id": 7, "start_ms": 1, "houses": houses}])
    found = messages(site.parts().views)
    assert json.loads(found["trueque/1/market/event/7"]) == {"event_id": 7, "start_ms": 1}
    told = [json.loads(found[f"trueque/1/market/event/7/{name}"]) for name in houses]
    assert told == [{"event_id": 7, "house": name, **house} for name in houses]
    assert max(map(len, found.values())) < 1_000


@pytest.mark.parametrize(
    "topic",
    ["trueque/1/market/order/1", "trueque/1/reader/reading", "trueque/1/house-1/command",
     "trueque/1/house-1/reading", "homeassistant/status", "cmnd/tasmota_1/Power"],
)  # fmt: skip
def test_reader_is_refused_when_it_publishes(connect, topic):
    reader = connect("reader", "trueque/1/market/#")
    hub = connect("hub", "trueque/1/+/reading", WORDS["hub"])
    reader.client.publish(topic, b"{}", qos=1)
    wait_for(lambda: reader.codes)
    assert reader.codes == ["Not authorized"]
    assert hub.seen == {}


def test_bridge_accounts_are_refused_when_they_command_a_board(connect):
    for user in ("bridge.market", "bridge.home-assistant", "bridge.plugs", "homeassistant",
                 "plug.kettle"):  # fmt: skip
        client = connect(user, f"trueque/1/{user}/command")
        for number, topic in enumerate(("command", "lease"), 1):
            client.client.publish(f"trueque/1/house-1/{topic}", b"{}", qos=1)
            wait_for(lambda client=client, number=number: len(client.codes) == number)
        assert client.codes == ["Not authorized"] * 2


# Home Assistant ---------------------------------------------------------------------------------


def feed_board(site, **members):
    at_ms = wall_ms()
    site.store.store_record("house-1", "status", status(1), (at_ms, at_ms))
    site.feed("house-1", at_ms, pv_power_uw=9_000_000, pv_voltage_uv=18_000_000,
              pv_export_uwh=5_000_000_000, load_apparent_uva=300_000_000, **members)  # fmt: skip


def test_boards_appear_with_their_classes_when_home_assistant_is_on(site, run, parts, connect):
    feed_board(site)
    run(HomeAssistantBridge(checked(home_assistant={"period_s": 1}).home_assistant, parts))
    home = connect("homeassistant", "#")
    energy = "homeassistant/sensor/trueque_house-1/pv_export/config"
    wait_for(lambda: energy in home.seen and "trueque/1/home/house-1/state" in home.seen)
    config = home.record(energy)
    assert (config["dev_cla"], config["stat_cla"], config["unit_of_meas"]) == (
        *("energy", "total_increasing", "kWh"),
    )
    assert config["dev"]["ids"] == ["trueque_house-1"]
    assert config["avty"] == [{"t": "trueque/1/home/status"},
                              {"t": "trueque/1/home/house-1/availability"}]  # fmt: skip
    assert home.record(config["stat_t"])["pv_export"] == 5.0
    fault = home.record("homeassistant/binary_sensor/trueque_house-1/fault/config")
    assert (fault["dev_cla"], fault["ent_cat"]) == ("problem", "diagnostic")
    assert home.seen["trueque/1/home/house-1/availability"] == b"online"
    assert not [topic for topic in home.seen if "battery_voltage" in topic]  # none is fitted
    unique = [json.loads(one)["uniq_id"] for topic, one in home.seen.items()
              if topic.endswith("/config")]  # fmt: skip
    assert len(unique) == len(set(unique)) > 8
    commands = [one for one in home.seen.values() if b"cmd_t" in one or b"command_topic" in one]
    assert commands == []


def test_energy_never_falls_when_a_board_lost_a_save_interval(site, run, parts, connect):
    feed_board(site)
    at_ms = wall_ms()
    site.feed("house-1", at_ms + 1, pv_export_uwh=4_999_000_000)
    run(HomeAssistantBridge(checked(home_assistant={"period_s": 1}).home_assistant, parts))
    home = connect("homeassistant", "trueque/1/home/#")
    wait_for(lambda: "trueque/1/home/house-1/state" in home.seen)
    assert home.record("trueque/1/home/house-1/state")["pv_export"] == 5.0


def test_board_disappears_when_its_node_is_removed(site, run, parts, connect):
    feed_board(site)
    wanted = checked(home_assistant={"period_s": 1}).home_assistant
    first = run(HomeAssistantBridge(wanted, parts))
    home = connect("homeassistant", "#")
    topic = "homeassistant/sensor/trueque_house-1/pv_power/config"
    wait_for(lambda: topic in home.seen and "trueque/1/home/house-1/state" in home.seen)
    first.stop()
    site.store.set_nodes([NodeRow("house-2", "consumer", "bus-1", "0xhouse-2")])
    run(HomeAssistantBridge(wanted, parts))
    wait_for(lambda: not [topic for topic in home.seen if "house-1" in topic])


def test_all_boards_disappear_when_the_bridge_is_to_withdraw(site, run, parts, connect):
    site.feed("house-1", wall_ms(), pv_power_uw=1)
    first = run(HomeAssistantBridge(checked(home_assistant={"period_s": 1}).home_assistant, parts))
    home = connect("homeassistant", "#")
    topic = "homeassistant/sensor/trueque_house-1/pv_power/config"
    wait_for(lambda: topic in home.seen and "trueque/1/home/house-1/state" in home.seen)
    first.stop()
    wanted = checked(home_assistant={"period_s": 1, "withdraw": True}).home_assistant
    run(HomeAssistantBridge(wanted, parts))
    wait_for(lambda: not [topic for topic in home.seen if "house-" in topic])


def test_boards_are_announced_again_when_home_assistant_starts(site, run, parts, connect):
    feed_board(site)
    run(HomeAssistantBridge(checked(home_assistant={"period_s": 1}).home_assistant, parts))
    home = connect("homeassistant", "#")
    topic = "homeassistant/sensor/trueque_house-1/pv_power/config"
    wait_for(lambda: topic in home.seen)
    home.seen.clear()
    home.client.publish("homeassistant/status", b"online", qos=1)
    wait_for(lambda: topic in home.seen)


def test_everything_is_unavailable_when_the_hub_ends(site, run, parts, connect):
    feed_board(site)
    running = run(
        HomeAssistantBridge(checked(home_assistant={"period_s": 1}).home_assistant, parts)
    )
    home = connect("homeassistant", "trueque/1/home/#")
    wait_for(lambda: home.seen.get("trueque/1/home/status") == b"online")
    running.stop()
    wait_for(lambda: home.seen["trueque/1/home/status"] == b"offline")


# Tasmota on MQTT --------------------------------------------------------------------------------


class TasmotaOnMqtt:
    """A plug that answers on its own topics as Tasmota does."""

    def __init__(self, client):
        self.is_on, self.client = True, client
        client.client.on_message = self._command
        self.tell()

    def tell(self):
        energy = {"Total": 514.153, "Power": [56, 7], "Voltage": 234, "Current": [0.392, 0.1]}
        told = {"Time": "2023-05-19T20:52:56", "ENERGY": energy}
        self.client.client.publish("tele/tasmota_1/SENSOR", json.dumps(told), qos=1)

    def _command(self, client, data, message):
        kind = message.topic.rpartition("/")[2]
        if kind == "Power1":
            self.is_on = message.payload == b"ON"
        if kind in ("Power1", "STATE"):
            word = "ON" if self.is_on else "OFF"
            client.publish("stat/tasmota_1/RESULT", json.dumps({"POWER1": word}), qos=1)


def test_tasmota_on_mqtt_is_read_and_switched_when_it_has_an_account(site, parts, connect):
    plug = TasmotaOnMqtt(connect("plug.kettle", "cmnd/tasmota_1/#"))
    part = BridgesPart(checked(**{"plugs": TABLES["plugs"]}), parts, site.path)
    part.start()
    try:
        wait_for(lambda: part.record()["states"][-1]["is_running"])
        wait_for(lambda: (plug.tell(), site.store.latest_plugs())[1])
        row = site.store.latest_plugs()[0]
        assert (row["power_uw"], row["voltage_uv"], row["device_uwh"]) == (
            *(56_000_000, 234_000_000, 514_153_000_000),
        )
        assert part.switch_plug("kettle", False, "house-1")["is_on"] is False
        assert plug.is_on is False
    finally:
        part.stop()
