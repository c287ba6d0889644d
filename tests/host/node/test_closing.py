"""From the command to the contact: what is written to flash, and what is looked at after it."""

import pytest

from tests.host.node.deliveries import FIRST


@pytest.fixture
def slow_flash(rig, monkeypatch):
    """Let time pass, and the world change, while the start of a delivery is written."""

    def happens(duration_ms, what=lambda: None):
        write = rig.node.store.begin_delivery

        def begin_delivery(members):
            write(members)
            rig.ticks.advance_ms(duration_ms)
            what()

        monkeypatch.setattr(rig.node.store, "begin_delivery", begin_delivery)

    return happens


def closings(rig):
    return [edge for edge in rig.machine.edges(14, 15) if edge[2] == 0]


@pytest.mark.parametrize(
    ("bus", "reason"),
    [((5_000_000, 0), "voltage_mismatch"), ((12_000_000, 100_000), "welded_contact")],
)
def test_relay_stays_open_when_the_bus_changes_while_flash_is_written(rig, slow_flash, bus, reason):
    rig.is_welded = True
    slow_flash(180, lambda: rig.set_bus(*bus))
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(400)
    assert not closings(rig)
    assert rig.finals() == [(FIRST, reason)]


def test_relay_stays_open_when_the_lease_ends_while_flash_is_written(rig, slow_flash):
    rig.lease(FIRST)
    rig.run(9_900)
    slow_flash(180)
    rig.close(FIRST)
    rig.run(400)
    assert not closings(rig)
    assert rig.finals() == [(FIRST, "lease_expired")]


def test_relay_stays_open_when_the_hub_opens_after_flash_was_written(rig, slow_flash):
    slow_flash(180)
    rig.lease(FIRST)
    rig.order_close(FIRST)
    rig.command("open", FIRST)
    rig.run(400)
    assert not closings(rig)
    assert rig.finals() == [(FIRST, "commanded")]


def test_relay_closes_at_the_next_look_when_flash_is_slow_and_the_bus_as_before(rig, slow_flash):
    slow_flash(1_200)  # three sectors at the longest a W25Q flash names, 400 ms each
    rig.lease(FIRST)
    rig.order_close(FIRST)
    assert rig.relay() == "open"
    rig.step()
    assert rig.relay() == "in"
