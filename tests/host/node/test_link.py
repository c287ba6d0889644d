"""The link and its MQTT client against a broker that behaves, and one that does not."""

import asyncio
import contextlib
import time
from types import SimpleNamespace

import pytest
from node import link as link_module
from node import mqtt_packets as packets
from node.clock import Clock
from node.link import Link
from node.outbox import Outbox
from node.settings import Settings
from wire.topics import WILL

from tests.host.node.broker import Broker, text_fields
from tests.host.node.rig import settings_members

PUBLISH, PINGREQ = 0x30, 0xC0


class Wifi:
    """A WiFi that is there."""

    def __init__(self):
        self.is_there = True
        self.joins = 0
        self.restarted = []  # after how many joins

    def is_up(self):
        return self.is_there

    def name_server(self):
        return "127.0.0.1"

    def restart(self):
        self.restarted.append(self.joins)

    async def join(self):
        self.joins += 1
        if not self.is_there:
            raise OSError("no access point")


class Station:
    """A link with its surroundings, running against `broker`."""

    keepalive_s = 10

    def __init__(self, broker):
        self.clock = Clock(
            lambda: time.monotonic_ns() // 1000, lambda later, earlier: later - earlier
        )
        self.outbox = Outbox()
        self.wifi = Wifi()
        self.received = []
        settings = Settings(settings_members(broker_port=broker.port))
        settings.broker_keepalive_s = self.keepalive_s
        self.link = Link(settings, self.wifi, [self.outbox], self.clock, self.receive)
        self.link.on_up = lambda: None
        self.raised = None

    def receive(self, topic, payload):
        if self.raised:
            raise self.raised
        self.received.append((topic, payload))

    def put(self, kind, payload, **options):
        self.outbox.add(kind, payload, **options)
        self.link.wake()

    async def __aenter__(self):
        self.task = asyncio.create_task(self.link.run())
        self.ticker = asyncio.create_task(self.link.tick())
        return self

    async def __aexit__(self, *_):
        for task in (self.task, self.ticker):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


@pytest.fixture(autouse=True)
def quick_reconnects(monkeypatch):
    monkeypatch.setattr(link_module, "BACKOFF_MS", (20, 100))
    monkeypatch.setattr(link_module, "TICK_MS", 20)


def run(scenario):
    async def both():
        async with Broker() as broker, Station(broker) as station:
            await broker.until(lambda: station.link.is_up)
            await scenario(broker, station)

    asyncio.run(both())


def payloads(broker):
    """Return (flags, topic, payload) of what was published."""
    found = []
    for first, body in broker.of_kind(PUBLISH):
        topic, payload, _ = packets.split_publish(first, body)
        found.append((first & 0x0F, topic, payload))
    return found


def test_link_logs_in_with_its_will_and_subscribes_when_connected():
    async def scenario(broker, station):
        first, body = broker.packets[0]
        assert (first, body[:8]) == (0x10, b"\x00\x04MQTT\x04\xee")
        fields = text_fields(body, 10)
        assert fields == [b"house-1", b"trueque/1/house-1/status", WILL, b"house-1", b"secret"]
        subscribed = broker.of_kind(0x80)[0][1]
        assert b"trueque/1/house-1/command\x01" in subscribed
        assert b"trueque/1/house-1/lease\x01" in subscribed

    run(scenario)


def test_records_go_out_in_order_when_the_broker_acknowledges():
    async def scenario(broker, station):
        sent = []
        for number in range(20):
            station.put("event", b"%d" % number, on_sent=lambda number=number: sent.append(number))
            await broker.until(lambda number=number: len(sent) > number)
        assert [payload for _, _, payload in payloads(broker)] == [b"%d" % n for n in range(20)]
        assert sent == list(range(20))
        assert len(station.outbox) == 0

    run(scenario)


def test_status_is_retained_and_nothing_else():
    async def scenario(broker, station):
        station.put("status", b"s")
        station.put("reading", b"r")
        await broker.until(lambda: len(payloads(broker)) == 2)
        assert payloads(broker) == [
            (0x03, "trueque/1/house-1/status", b"s"),
            (0x02, "trueque/1/house-1/reading", b"r"),
        ]

    run(scenario)


def test_unacknowledged_records_are_sent_again_in_order_when_the_connection_breaks():
    async def scenario(broker, station):
        broker.is_acknowledging = False
        station.put("delivery", b"1")
        station.put("delivery", b"2")
        await broker.until(lambda: len(payloads(broker)) == 2)
        broker.is_acknowledging = True
        broker.packets.clear()
        broker.drop()
        station.put("delivery", b"3")
        await broker.until(lambda: len(station.outbox) == 0)
        assert [payload for _, _, payload in payloads(broker)] == [b"1", b"2", b"3"]

    run(scenario)


def test_at_most_four_are_in_flight_when_the_broker_is_slow():
    async def scenario(broker, station):
        broker.is_acknowledging = False
        for number in range(8):
            station.put("event", b"%d" % number)
        await broker.until(lambda: len(payloads(broker)) == 4)
        await asyncio.sleep(0.1)
        assert len(payloads(broker)) == 4

    run(scenario)


def test_message_is_handed_on_and_acknowledged_when_it_arrives():
    async def scenario(broker, station):
        broker.publish("trueque/1/house-1/lease", b"x" * 900, packet_id=513)
        await broker.until(lambda: broker.of_kind(0x40))
        assert station.received == [("trueque/1/house-1/lease", b"x" * 900)]
        assert broker.of_kind(0x40) == [(0x40, b"\x02\x01")]

    run(scenario)


def test_link_pings_when_idle(monkeypatch):
    monkeypatch.setattr(Station, "keepalive_s", 0.2)
    monkeypatch.setattr(packets, "_u16", lambda number: int(number).to_bytes(2, "big"))

    async def scenario(broker, station):
        await broker.until(lambda: len(broker.of_kind(PINGREQ)) >= 3)
        assert station.link.connections == 1

    run(scenario)


def test_link_connects_anew_when_the_broker_is_silent(monkeypatch):
    monkeypatch.setattr(Station, "keepalive_s", 0.2)
    monkeypatch.setattr(packets, "_u16", lambda number: int(number).to_bytes(2, "big"))

    async def scenario(broker, station):
        answer = broker._answer
        broker._answer = lambda writer, first, body: (
            None if first == PINGREQ else answer(writer, first, body)
        )
        await broker.until(lambda: station.link.connections == 2)

    run(scenario)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\x7f",  # a packet of 256 MB
        b"\x30\xff\xff\xff\xff\xff",  # a length without end
        b"\x32\x01\x00",  # a publish cut short
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x36\x04\x00\x00\x00\x01",  # QoS 3
        b"\x32\x06\x00\x02\xff\xfe\x00\x01",  # a topic that is not UTF-8
        b"\x90\x04\x00\x01\x80\x80",  # a refused subscription
    ],
)
def test_link_connects_anew_when_the_broker_sends_garbage(garbage):
    async def scenario(broker, station):
        broker.send(garbage)
        await broker.until(lambda: station.link.connections == 2 and station.link.is_up)
        station.put("reading", b"after")
        await broker.until(lambda: len(station.outbox) == 0)

    run(scenario)


def test_link_tries_again_when_the_broker_refuses_the_login():
    async def both():
        async with Broker() as broker:
            broker.refusal = 5
            async with Station(broker) as station:
                await broker.until(lambda: broker.connections >= 3)
                assert not station.link.is_up
                broker.refusal = 0
                await broker.until(lambda: station.link.is_up)

    asyncio.run(both())


def test_link_is_down_when_wifi_is_lost_and_up_when_it_is_back():
    async def scenario(broker, station):
        station.wifi.is_there = False
        await broker.until(lambda: not station.link.is_up)
        station.wifi.is_there = True
        await broker.until(lambda: station.link.is_up)

    run(scenario)


def test_link_shows_that_it_lives_when_it_has_nothing_to_do():
    async def scenario(broker, station):
        beats = []
        station.link.beat = lambda: beats.append(station.link.is_up)
        await broker.until(lambda: len(beats) >= 10)
        assert all(beats)
        station.wifi.is_there = False
        await broker.until(lambda: beats.count(False) >= 5)

    run(scenario)


def test_radio_is_switched_when_five_joins_in_a_row_have_failed():
    async def scenario(broker, station):
        pardons = []
        station.link.on_handshake = lambda: pardons.append(list(station.wifi.restarted))
        station.wifi.is_there, station.wifi.joins = False, 0
        await broker.until(lambda: len(station.wifi.restarted) == 2)
        assert station.wifi.restarted == [5, 10]
        assert pardons == [[], [5]]  # asked for before it holds up all of the board
        station.wifi.is_there = True
        await broker.until(lambda: station.link.is_up)

    run(scenario)


def test_link_is_given_up_when_it_was_there_and_is_long_gone(monkeypatch):
    async def scenario(broker, station):
        given_up = []
        station.link.on_given_up = lambda: given_up.append(station.clock.now_ms())
        station.wifi.is_there = False
        await broker.until(lambda: not station.link.is_up)
        lost_ms = station.clock.now_ms()
        await broker.until(lambda: given_up)
        assert given_up[0] - lost_ms >= 150
        station.wifi.is_there = True

    monkeypatch.setattr(link_module, "GIVE_UP_MS", 300)
    run(scenario)


def test_link_is_not_given_up_when_this_boot_never_had_one(monkeypatch):
    """One start anew for each absence: the next would lose what the last has kept no better."""
    monkeypatch.setattr(link_module, "GIVE_UP_MS", 1)

    async def scenario():
        async with Broker() as broker:
            station = Station(broker)
            station.wifi.is_there = False
            given_up = []
            station.link.on_given_up = lambda: given_up.append(True)
            async with station:
                await broker.until(lambda: station.wifi.joins >= 4)
                assert not given_up

    asyncio.run(scenario())


def test_two_boards_come_back_at_different_times_when_the_hub_restarts(monkeypatch):
    """Of TLS alone: a handshake takes a board 1.3 s and the hub some of its own."""
    monkeypatch.setattr(link_module, "BACKOFF_MS", (500, 15_000))
    boards = [Station(SimpleNamespace(port=1883)).link for _ in range(2)]
    for link in boards:
        link._settings.broker_tls = True
    least_ms = boards[0]._settings.limits["link_lost_ms"] + 100
    for pause_ms in (500, 1_000):
        pauses_ms = [[link._jittered(pause_ms) for _ in range(20)] for link in boards]
        assert pauses_ms[0] != pauses_ms[1]
        assert all(len(set(each)) > 10 for each in pauses_ms)
        assert min(map(min, pauses_ms)) >= least_ms  # the relays are open by then


def test_a_fault_of_the_firmware_leaves_the_link_when_a_message_raises():
    async def scenario(broker, station):
        station.raised = ZeroDivisionError()
        broker.publish("trueque/1/house-1/lease", b"")
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(asyncio.shield(station.task), 5)

    run(scenario)
