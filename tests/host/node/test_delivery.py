"""Deliveries of a whole node: leases, commands, stopping, every reason to open."""

import pytest

from tests.host.node.rig import delivery_id

FIRST, SECOND = delivery_id(1), delivery_id(2)
FULL_UV, FULL_UA = 12_000_000, 500_000  # 6 W: 33.3 uWh each 20 ms, 333 uWh a block


def deliver(rig, role="buyer", **changes):
    """Lease, close and let the current flow."""
    rig.lease(FIRST)
    rig.close(FIRST, role, **changes)
    assert rig.relay() == {"buyer": "in", "seller": "out"}[role]
    rig.set_bus(FULL_UV, FULL_UA if role == "buyer" else -FULL_UA)


def run_leased(rig, duration_ms, counterparty=lambda energy_uwh: energy_uwh):
    """Run with the hub renewing leases, both meters agreeing unless told otherwise."""
    for _ in range(duration_ms // 200):
        rig.run(200)
        if rig.relay() == "open":
            return
        rig.lease(FIRST, counterparty(rig.delivery.energy_uwh))


def after_opening(rig, voltage_uv=0):
    """The contact opens: no current any more."""
    rig.set_bus(voltage_uv, 0)
    rig.run(300)


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
    ("voltage_uv", "current_ua", "reason", "within_ms"),
    [
        (FULL_UV, 1_100_000, "over_current", 20),
        (FULL_UV, -1_100_000, "over_current", 20),
        (15_100_000, FULL_UA, "over_voltage", 20),
        (8_000_000, FULL_UA, "under_voltage", 220),
        (FULL_UV, -30_000, "reverse_current", 220),
        (FULL_UV, 0, "no_current", 8_020),
        (FULL_UV, 800_000, "over_current", 420),  # 9.6 W where 6.25 W are allowed
    ],
)
def test_buyer_opens_when_the_bus_goes_wrong(rig, voltage_uv, current_ua, reason, within_ms):
    deliver(rig)
    run_leased(rig, 1_000)
    rig.set_bus(voltage_uv, current_ua)
    waited_ms = 0
    while rig.relay() != "open" and waited_ms < within_ms:
        rig.step()
        waited_ms += 20
        if waited_ms % 1_000 == 0:
            rig.lease(FIRST)
    assert rig.relay() == "open"
    after_opening(rig)
    assert rig.finals() == [(FIRST, reason)]
    assert rig.records("event", code="tripped", reason=reason)


def test_seller_opens_when_current_comes_back_from_the_bus(rig):
    deliver(rig, "seller")
    run_leased(rig, 400)
    rig.set_bus(FULL_UV, 30_000)
    run_leased(rig, 400)
    after_opening(rig)
    assert rig.finals() == [(FIRST, "reverse_current")]


def test_delivery_goes_on_when_current_reverses_for_less_than_a_block(rig):
    deliver(rig)
    run_leased(rig, 400)
    for _ in range(3):
        rig.set_bus(FULL_UV, -30_000)
        rig.run(160)
        rig.set_bus(FULL_UV, FULL_UA)
        rig.run(40)
        rig.lease(FIRST)
    assert rig.relay() == "in"


def test_seller_opens_when_the_buyer_acknowledges_too_little(rig):
    deliver(rig, "seller", exposure_uwh=1_000)
    run_leased(rig, 5_000, counterparty=lambda energy_uwh: 500)
    after_opening(rig)
    (final,) = rig.records("delivery", phase="final")
    assert final["reason"] == "exposure"
    # Stopped at the first look past the step: 500 acknowledged + 1000, plus 20 ms and the opening.
    assert 1_500 < final["energy_uwh"] <= 1_500 + 3 * 34


def test_acknowledged_energy_never_falls_when_leases_arrive_out_of_order(rig):
    deliver(rig, "seller")
    rig.lease(FIRST, 900)
    rig.lease(FIRST, 300)
    assert rig.delivery.counterparty_uwh == 900


def test_relay_opens_when_the_sensor_falls_silent(rig):
    deliver(rig)
    run_leased(rig, 400)
    rig.machine.absent.add(0x40)
    rig.run(180)
    assert rig.relay() == "in"
    rig.run(40)
    assert rig.relay() == "open"
    rig.run(600)
    assert rig.finals() == [(FIRST, "sensor_stale")]


def test_relay_opens_when_the_link_is_lost(rig):
    deliver(rig)
    rig.run(400)
    rig.link_up = False
    rig.run(2_000)
    assert rig.relay() == "in"
    rig.step()
    assert rig.relay() == "open"
    after_opening(rig)
    assert rig.finals() == [(FIRST, "link_lost")]


def test_relay_opens_when_the_time_is_over(rig):
    deliver(rig, max_duration_ms=3_000)
    run_leased(rig, 4_000)
    after_opening(rig)
    (final,) = rig.records("delivery", phase="final")
    assert (final["reason"], final["elapsed_ms"]) == ("window_over", 3_000)


def test_node_latches_a_fault_when_current_flows_on_after_opening(rig):
    rig.is_welded = True
    deliver(rig)
    rig.run(400)
    rig.command("open", FIRST)
    rig.run(400)
    assert rig.delivery.state == "fault"
    assert rig.finals() == [(FIRST, "welded_contact")]
    assert rig.records("status")[-1]["fault"] == "welded_contact"
    rig.lease(SECOND)
    rig.close(SECOND)
    assert rig.relay() == "open"
    assert rig.records("event", reason="fault_latched")


def test_fault_clears_only_when_the_current_is_gone(rig):
    rig.is_welded = True
    rig.set_bus(FULL_UV, FULL_UA)
    rig.run(400)
    assert rig.delivery.fault == "welded_contact"
    rig.command("clear_fault", FIRST)
    assert rig.delivery.state == "fault"
    after_opening(rig)
    rig.command("clear_fault", FIRST)
    assert rig.delivery.state == "idle"
    assert rig.records("event", code="fault_cleared")


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
    rig.node.announce()
    rig.collect()
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
