"""Every reason to open or to refuse: provoked on a whole node, reported, and in docs/board.md."""

import re
from pathlib import Path

import pytest
from wire.records import ABORTS, REFUSALS

from tests.host.node.deliveries import (
    FIRST,
    FULL_UA,
    FULL_UV,
    SECOND,
    after_opening,
    deliver,
    run_leased,
)

ROOT = Path(__file__).parents[3]


def under_way(rig, role="buyer", **changes):
    deliver(rig, role, **changes)
    run_leased(rig, 600)


def bus_goes(voltage_uv, current_ua):
    def provoke(rig):
        under_way(rig)
        rig.set_bus(voltage_uv, current_ua)
        run_leased(rig, 9_000)

    return provoke


def energy_reached(rig):
    deliver(rig, energy_uwh=1_000)
    run_leased(rig, 2_000)


def commanded(rig):
    under_way(rig)
    rig.command("open", FIRST)


def lease_expired(rig):
    under_way(rig)
    rig.run(10_000)


def link_lost(rig):
    under_way(rig)
    rig.link_up = False
    rig.run(2_100)


def window_over(rig):
    deliver(rig, max_duration_ms=500)
    run_leased(rig, 800)


def sensor_stale(rig):
    under_way(rig)
    rig.machine.absent.add(0x40)
    rig.run(800)


def exposure(rig):
    deliver(rig, "seller", exposure_uwh=500)
    run_leased(rig, 1_000, counterparty=lambda energy_uwh: 0)


def welded_contact(rig):
    under_way(rig)
    rig.is_welded = True
    rig.command("open", FIRST)
    rig.run(400)


def voltage_mismatch(rig):
    rig.set_bus(5_000_000, 0)
    rig.run(200)
    rig.lease(FIRST)
    rig.close(FIRST)


def rebooted(rig):
    under_way(rig)
    rig.boot()
    rig.set_clock()


def exception(rig):
    under_way(rig)
    rig.node.supervisor.fail("test")
    rig.collect()


def emergency_stop(rig):
    under_way(rig)
    rig.command("stop", SECOND)


ENDINGS = {
    "energy_reached": energy_reached,
    "commanded": commanded,
    "lease_expired": lease_expired,
    "link_lost": link_lost,
    "window_over": window_over,
    "over_current": bus_goes(FULL_UV, 1_100_000),
    "over_voltage": bus_goes(15_100_000, FULL_UA),
    "under_voltage": bus_goes(8_000_000, FULL_UA),
    "reverse_current": bus_goes(FULL_UV, -30_000),
    "sensor_stale": sensor_stale,
    "exposure": exposure,
    "no_current": bus_goes(FULL_UV, 0),
    "welded_contact": welded_contact,
    "voltage_mismatch": voltage_mismatch,
    "rebooted": rebooted,
    "exception": exception,
    "emergency_stop": emergency_stop,
}


def no_lease(rig):
    rig.close(FIRST)


def old_nonce(rig):
    rig.lease(FIRST)
    rig.close(FIRST, nonce="0" * 32)


def stale_seq(rig):
    rig.lease(FIRST)
    late = rig.payload("close", FIRST)
    rig.command("clear_fault", FIRST)
    rig.node.receive("trueque/1/house-1/command", late)
    rig.collect()


def busy(rig):
    under_way(rig)
    rig.lease(SECOND)
    rig.close(SECOND)


def fault_latched(rig):
    welded_contact(rig)
    rig.close(SECOND)


def updating(rig):
    rig.delivery.hold("updating")
    rig.lease(FIRST)
    rig.close(FIRST)


REFUSED = {
    "no_lease": no_lease,
    "old_nonce": old_nonce,
    "stale_seq": stale_seq,
    "busy": busy,
    "fault_latched": fault_latched,
    "updating": updating,
}


def rows():
    """Return {reason: the row's last cell} of the tables in docs/board.md, in their order."""
    text = (ROOT / "docs" / "board.md").read_text(encoding="utf-8").partition("## Bad input")[0]
    cells = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    assert all(len(row) == 5 and all(cell.strip() for cell in row) for row in cells)
    return {row[0].strip(" `"): row[4].strip(" `") for row in cells}


@pytest.mark.parametrize("reason", ABORTS)
def test_delivery_ends_with_a_report_when_its_reason_is_provoked(rig, reason):
    ENDINGS[reason](rig)
    after_opening(rig)
    assert rig.relay() == "open"
    assert rig.finals() == [(FIRST, reason)]


@pytest.mark.parametrize("reason", REFUSALS)
def test_command_closes_nothing_and_says_why_when_it_is_refused(rig, reason):
    REFUSED[reason](rig)
    events = rig.records("event", code="command_refused")
    assert [event["reason"] for event in events] == [reason]
    assert rig.relay() == ("in" if reason == "busy" else "open")


def test_every_word_on_the_wire_is_provoked_here_and_none_more():
    assert list(ENDINGS) == list(ABORTS)
    assert list(REFUSED) == list(REFUSALS)


def test_page_lists_the_words_on_the_wire_and_tests_that_exist():
    assert list(rows()) == [*ABORTS, *REFUSALS]
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    assert set(rows().values()) <= defined
