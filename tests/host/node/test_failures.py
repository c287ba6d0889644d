"""Exceptions in any callee, emergency stops and late refusals: relays end open and stay so."""

import pytest
from node import slots
from wire.topics import topic

from tests.host.node.broken import CALLEES
from tests.host.node.deliveries import (
    FIRST,
    SECOND,
    after_opening,
    deliver,
    run_leased,
)
from tests.host.node.rig import NODE


@pytest.mark.parametrize("part", CALLEES)
def test_relays_are_open_and_stay_so_when_a_part_raises_in_a_delivery(rig, monkeypatch, part):
    deliver(rig)
    rig.run(400)
    with monkeypatch.context() as broken:
        CALLEES[part](rig, broken)
        rig.run(400)
        rig.node.receive(topic(NODE, "command"), rig.payload("open", FIRST))
        rig.run(1000)
        assert rig.relay() == "open"
    for number in range(3):
        rig.lease(SECOND)
        rig.command("clear_fault", SECOND)
        rig.lease(SECOND)
        rig.close(SECOND)
        rig.run(100)
        if rig.node.supervisor.has_failed:
            assert rig.relay() == "open", number


@pytest.mark.parametrize("part", CALLEES)
def test_relay_never_closes_when_a_part_raises_while_it_would(rig, monkeypatch, part):
    rig.lease(FIRST)
    payload = rig.payload("close", FIRST)
    with monkeypatch.context() as broken:
        CALLEES[part](rig, broken)
        rig.node.receive(topic(NODE, "command"), payload)
        rig.run(1000)
    if rig.node.supervisor.has_failed:
        assert rig.relay() == "open"
        rig.run(1000)
        assert rig.relay() == "open"


def test_nothing_closes_when_the_flash_cannot_keep_the_delivery(rig, monkeypatch):
    rig.lease(FIRST)
    payload = rig.payload("close", FIRST)

    def full(self, record):
        raise OSError(28)

    with monkeypatch.context() as broken:
        broken.setattr(slots.Slots, "save", full)
        rig.node.receive(topic(NODE, "command"), payload)
        assert rig.node.supervisor.has_failed  # and not taken for a fault of the network
        rig.run(200)
    rig.run(200)
    assert rig.relay() == "open"


def test_fault_of_an_exception_is_not_cleared_when_the_hub_asks(rig):
    rig.node.supervisor.fail("test")
    rig.command("clear_fault", FIRST)
    assert rig.delivery.fault == "exception"
    assert rig.records("event", reason="fault_latched")
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(200)
    assert rig.relay() == "open"


def test_watchdog_starves_when_even_the_telling_of_a_failure_fails(rig, monkeypatch):
    deliver(rig)
    monkeypatch.setattr(rig.node.publisher, "send_event", lambda *_: 1 / 0)
    rig.node.supervisor.fail("test")
    assert rig.relay() == "open"
    rig.ticks.advance_ms(8_100)
    rig.node.supervisor.look()
    assert rig.machine.has_starved()


def test_stop_opens_whatever_runs_and_only_another_attempt_closes_again(rig):
    deliver(rig)
    run_leased(rig, 600)
    nonce = rig.nonce()
    rig.command("stop", "0" * 32, nonce=nonce)
    assert rig.relay() == "open"
    after_opening(rig)
    assert rig.finals() == [(FIRST, "emergency_stop")]
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(100)
    assert rig.relay() == "open"
    rig.lease(SECOND)
    rig.close(SECOND)
    rig.run(100)
    assert rig.relay() == "in"


def test_stop_is_obeyed_when_its_nonce_is_old(rig):
    nonce = rig.nonce()
    rig.run(9_000)
    deliver(rig)
    run_leased(rig, 2_000)
    rig.command("stop", SECOND, nonce=nonce)
    assert rig.relay() == "open"


def test_armed_attempt_is_over_when_it_is_stopped(rig):
    rig.lease(FIRST)
    rig.command("stop", FIRST)
    assert rig.records("event", code="tripped", reason="emergency_stop")
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(100)
    assert rig.relay() == "open"
    assert rig.records("event", reason="no_lease")


@pytest.mark.parametrize(
    ("bus", "reason"),
    [((5_000_000, 0), "voltage_mismatch"), ((12_000_000, 100_000), "welded_contact")],
)
def test_relay_stays_open_when_the_bus_changes_within_the_dead_time(rig, bus, reason):
    rig.boot()  # the dead time begins with the boot
    rig.is_welded = True
    rig.step(0)
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.delivery.state == "closing"
    rig.set_bus(*bus)
    rig.run(40)
    rig.run(100)
    assert rig.relay() == "open"
    rig.run(400)
    assert rig.finals() == [(FIRST, reason)]


def test_relay_stays_open_when_the_sensor_falls_silent_within_the_dead_time(rig):
    rig.boot()
    rig.step(0)
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.machine.absent.add(0x40)
    rig.ticks.advance_ms(450)  # a stalled board: dead time and sample are both long over
    rig.node.safety.step(True)
    assert rig.relay() == "open"
    rig.run(700)
    assert rig.finals() == [(FIRST, "sensor_stale")]
