"""Deliveries of a whole node: leases, commands, stopping, reports, closing again."""

import pytest

from tests.host.node.deliveries import (
    FIRST,
    FULL_UA,
    FULL_UV,
    SECOND,
    after_opening,
    deliver,
    run_leased,
)


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_delivery_stops_within_a_block_when_its_meter_reaches_the_energy(rig, role):
    deliver(rig, role)
    run_leased(rig, 30_000)
    assert rig.relay() == "open"
    after_opening(rig)
    (final,) = rig.records("delivery", phase="final")
    assert final["reason"] == "energy_reached"
    assert 34_723 <= final["energy_uwh"] <= 34_723 + 100
    assert final["register_uwh"] == final["energy_uwh"]
    assert final["elapsed_ms"] == pytest.approx(20_834, abs=40)


def test_progress_comes_once_a_block_when_delivering(rig):
    deliver(rig)
    run_leased(rig, 2_000)
    progress = rig.records("delivery", phase="progress")
    assert [record["elapsed_ms"] for record in progress] == list(range(200, 2_001, 200))
    energies = [record["energy_uwh"] for record in progress]
    assert energies == sorted(energies)
    assert [record["reason"] for record in progress] == [None] * 10


def test_relay_stays_open_when_a_command_has_no_lease(rig):
    rig.close(FIRST)
    assert rig.relay() == "open"
    (event,) = rig.records("event", code="command_refused")
    assert (event["reason"], event["delivery_id"]) == ("no_lease", FIRST)


def test_relay_stays_open_when_the_lease_is_for_another_delivery(rig):
    rig.lease(SECOND)
    rig.close(FIRST)
    assert rig.relay() == "open"


def test_relay_stays_open_when_only_leased(rig):
    rig.lease(FIRST)
    rig.run(1000)
    assert rig.relay() == "open"
    assert rig.delivery.state == "armed"


def test_relay_stays_open_when_the_nonce_is_ten_seconds_old(rig):
    nonce = rig.nonce()
    rig.run(10_000)
    rig.lease(FIRST, nonce=nonce)
    assert rig.delivery.state == "idle"
    rig.lease(FIRST)
    rig.close(FIRST, nonce=nonce)
    assert rig.relay() == "open"
    assert rig.records("event", reason="old_nonce")


def test_lease_ends_ten_seconds_after_its_nonce_when_it_came_late(rig):
    nonce = rig.nonce()
    rig.run(6_000)
    rig.lease(FIRST, nonce=nonce)
    rig.close(FIRST)
    rig.set_bus(FULL_UV, FULL_UA)
    rig.run(3_980)
    assert rig.relay() == "in"
    rig.step()
    assert rig.relay() == "open"
    after_opening(rig)
    assert rig.finals() == [(FIRST, "lease_expired")]


def test_current_flows_on_when_leases_are_renewed(rig):
    deliver(rig, energy_uwh=10**9)
    run_leased(rig, 30_000)
    assert rig.relay() == "in"


def test_delivery_ends_commanded_when_the_hub_opens(rig):
    deliver(rig)
    run_leased(rig, 1_000)
    rig.command("open", FIRST)
    assert rig.relay() == "open"
    after_opening(rig)
    assert rig.finals() == [(FIRST, "commanded")]


def test_open_is_obeyed_when_its_nonce_is_old(rig):
    nonce = rig.nonce()
    rig.run(9_000)
    deliver(rig)
    run_leased(rig, 2_000)
    rig.command("open", FIRST, nonce=nonce)
    assert rig.relay() == "open"


def test_open_does_nothing_when_it_is_for_another_delivery(rig):
    deliver(rig)
    rig.command("open", SECOND)
    assert rig.relay() == "in"


def test_final_is_repeated_and_nothing_closes_when_a_finished_id_comes_again(rig):
    deliver(rig)
    rig.command("open", FIRST)
    after_opening(rig)
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(200)
    assert rig.relay() == "open"
    assert rig.finals() == [(FIRST, "commanded")] * 2


def test_second_delivery_is_refused_when_one_runs(rig):
    deliver(rig)
    rig.lease(SECOND)
    rig.close(SECOND)
    assert rig.delivery.delivery_id == FIRST
    assert rig.records("event", reason="busy")


@pytest.mark.parametrize(
    ("voltage_uv", "relay"),
    [
        (0, "in"),
        (900_000, "in"),
        (1_100_000, "open"),
        (10_400_000, "open"),
        (10_600_000, "in"),
        (13_400_000, "in"),
        (13_600_000, "open"),
    ],
)
def test_relay_closes_only_when_the_bus_is_dead_or_matched(rig, voltage_uv, relay):
    rig.set_bus(voltage_uv, 0)
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.relay() == relay
    assert bool(rig.records("event", reason="voltage_mismatch")) == (relay == "open")


@pytest.mark.parametrize(("voltage_uv", "relay"), [(900_000, "out"), (12_000_000, "open")])
def test_seller_closes_only_when_the_bus_is_dead(rig, voltage_uv, relay):
    rig.set_bus(voltage_uv, 0)
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST, "seller")
    assert rig.relay() == relay
    assert bool(rig.records("event", reason="voltage_mismatch")) == (relay == "open")


def test_seller_stays_open_when_another_source_comes_while_flash_is_written(rig):
    rig.lease(FIRST)
    rig.order_close(FIRST, "seller")
    rig.set_bus(12_000_000, 0)
    rig.run(400)
    assert rig.relay() == "open"
    assert rig.finals() == [(FIRST, "voltage_mismatch")]


def test_attempt_ends_with_nothing_moved_when_the_bus_does_not_match(rig):
    rig.set_bus(5_000_000, 0)
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST, "seller")
    (final,) = rig.records("delivery", phase="final")
    assert (final["reason"], final["role"], final["energy_uwh"]) == (
        "voltage_mismatch",
        "seller",
        0,
    )
    assert rig.delivery.state == "idle"
    rig.set_bus(0, 0)
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST, "seller")
    assert rig.relay() == "open"
    rig.lease(SECOND)
    rig.close(SECOND, "seller")
    assert rig.relay() == "out"


def test_relay_stays_open_when_there_is_no_bus_sensor(ticks, tmp_path, monkeypatch):
    from tests.host.node.rig import Rig

    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch, ina226={})
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.relay() == "open"
    assert rig.records("event", reason="sensor_stale")


def test_dead_time_is_kept_when_the_other_relay_has_just_opened(rig):
    deliver(rig)
    rig.set_bus(0, 0)
    rig.command("open", FIRST)
    rig.run(60)
    opened_at_us = rig.machine.edges(14)[-1][0]
    rig.lease(SECOND)
    rig.close(SECOND, "seller")
    rig.run(100)
    assert rig.relay() == "out"
    assert rig.machine.edges(15)[-1][0] - opened_at_us >= 50_000


def test_relay_closes_late_when_the_dead_time_is_not_over(rig):
    rig.boot()
    rig.step(0)
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.relay() == "open"
    rig.run(60)
    assert rig.relay() == "in"


def test_interrupted_delivery_is_reported_when_the_board_boots_again(rig):
    deliver(rig)
    run_leased(rig, 1_000)
    rig.node.save()
    metered_uwh = rig.delivery.energy_uwh
    rig.boot()
    rig.set_clock()
    (final,) = rig.records("delivery", phase="final")
    assert (final["reason"], final["energy_uwh"]) == ("rebooted", metered_uwh)
    assert rig.relay() == "open"
    rig.run(100)
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(100)
    assert rig.relay() == "open"


def test_led_lights_when_the_house_receives(rig):
    deliver(rig)
    assert rig.machine.levels[16] == 1
    rig.command("open", FIRST)
    assert rig.machine.levels[16] == 0


def test_relays_open_and_final_is_sent_when_a_task_raises(rig):
    deliver(rig)
    rig.run(400)
    rig.node.supervisor.fail("safety: ZeroDivisionError()")
    assert rig.relay() == "open"
    rig.collect()
    assert rig.finals() == [(FIRST, "exception")]
    assert rig.records("event", code="fault", reason="exception")
    rig.lease(SECOND)
    rig.close(SECOND)
    assert rig.relay() == "open"
