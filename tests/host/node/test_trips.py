"""Every reason to open by itself: bus, sensor, link, time, exposure, welded contacts."""

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
