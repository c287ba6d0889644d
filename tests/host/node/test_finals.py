"""Reports of ended deliveries: kept, marked, and never dropped before they are done."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node import kept_report
from node.finals import KEPT, Finals
from node.slots import Slots
from wire import units
from wire.records import ABORTS, check


def slots(tmp_path):
    return Slots(str(tmp_path / "kept"))


def whole(delivery_id):
    return f"{delivery_id:0>32}"


def members(delivery_id, phase="final", energy_uwh=1):
    return {
        "delivery_id": whole(delivery_id),
        "role": "buyer",
        "phase": phase,
        "energy_uwh": energy_uwh,
        "counterparty_uwh": 0,
        "elapsed_ms": 1,
        "register_uwh": energy_uwh,
        "reason": None,
    }


def test_final_stays_unsent_over_reboots_until_acknowledged(tmp_path):
    finals = Finals(slots(tmp_path))
    finals.add(members("aa"))
    finals.save()
    assert Finals(slots(tmp_path)).unsent() == [members("aa")]
    finals.acknowledge(whole("aa"))
    finals.save()
    after = Finals(slots(tmp_path))
    assert after.unsent() == []
    assert after.is_finished(whole("aa"))


def test_flash_is_not_written_when_a_final_is_acknowledged_before_the_next_save(tmp_path):
    finals = Finals(slots(tmp_path))
    finals.add(members("aa"))
    finals.save()
    before = (tmp_path / "kept.1").stat().st_mtime_ns
    finals.acknowledge(whole("aa"))
    finals.acknowledge_signature(whole("aa"))
    assert sorted(os.listdir(tmp_path)) == ["kept.1"]
    assert (tmp_path / "kept.1").stat().st_mtime_ns == before
    finals.save()
    finals.save()
    assert sorted(os.listdir(tmp_path)) == ["kept.0", "kept.1"]
    assert (tmp_path / "kept.1").stat().st_mtime_ns == before


def test_unsent_finals_are_never_dropped_when_many_wait(tmp_path):
    finals = Finals(slots(tmp_path))
    for number in range(KEPT + 5):
        finals.add(members(f"{number:02x}"))
    finals.save()
    assert len(Finals(slots(tmp_path)).unsent()) == KEPT + 5
    for number in range(KEPT + 5):
        finals.acknowledge(whole(f"{number:02x}"))
    finals.add(members("fe"))
    assert len(finals.unsigned()) == KEPT + 6  # the signatures are money, too
    for number in range(KEPT + 5):
        finals.acknowledge_signature(whole(f"{number:02x}"))
    finals.add(members("ff"))
    assert len(finals.unsent()) == 2
    assert not finals.is_finished(whole("00"))
    assert finals.is_finished(whole("ff"))


DAMAGED = [
    b"",
    b"\xff\xfe",
    b"F",
    b"F\x00" + bytes(100),
    b"F\x2e" + bytes(100),  # too short to be reports
    b"F\x2f" + bytes(46),  # no whole report
    b"F\x2f" + b"\xff" * 94,
    b'{"ended": []}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_finals_are_none_and_work_on_when_flash_holds_something_else(tmp_path, content):
    slots(tmp_path).save(content)
    finals = Finals(slots(tmp_path))
    assert finals.unsent() == []
    finals.add(members("aa"))
    finals.save()
    assert Finals(slots(tmp_path)).unsent() == [members("aa")]


def kept(*reports, added=b"", marks=0):
    """Return finals as a firmware writes them that adds something to each."""
    each = [bytes([marks]) + kept_report.to_bytes(report) + added for report in reports]
    return b"F" + bytes([len(each[0])]) + b"".join(each)


def test_finals_that_are_whole_are_kept_when_one_beside_them_is_not(tmp_path):
    content = bytearray(kept(members("aa"), members("bb"), members("cc")))
    content[2 + 47 + 17] = 7  # the second one's role
    slots(tmp_path).save(bytes(content))
    assert Finals(slots(tmp_path)).unsent() == [members("aa"), members("cc")]


def test_final_of_another_firmware_is_kept_when_it_had_more_members(tmp_path):
    slots(tmp_path).save(kept(members("aa"), members("bb"), added=b"later"))
    assert Finals(slots(tmp_path)).unsent() == [members("aa"), members("bb")]


def test_finals_are_done_when_a_firmware_that_knows_more_marks_has_marked_them(tmp_path):
    slots(tmp_path).save(kept(members("aa"), marks=0xFF))
    finals = Finals(slots(tmp_path))
    assert (finals.unsent(), finals.unsigned()) == ([], [])
    for number in range(KEPT):
        finals.add(members(f"{number:02x}"))
    assert not finals.is_finished(whole("aa"))


def test_energy_of_a_final_is_kept_when_its_reason_is_of_a_newer_firmware(tmp_path):
    content = kept(members("aa", energy_uwh=7))
    slots(tmp_path).save(content[:-1] + bytes([len(ABORTS)]))
    (found,) = Finals(slots(tmp_path)).unsent()
    assert (found["energy_uwh"], found["reason"]) == (7, "exception")


REASONS_IN_FLASH = (
    *("energy_reached", "commanded", "lease_expired", "link_lost", "window_over", "over_current"),
    *("over_voltage", "under_voltage", "reverse_current", "sensor_stale", "exposure"),
    *("no_current", "welded_contact", "voltage_mismatch", "rebooted", "exception"),
    "emergency_stop",
)


def test_reasons_keep_their_places_when_others_are_added():
    assert ABORTS[: len(REASONS_IN_FLASH)] == REASONS_IN_FLASH


@given(
    st.binary(min_size=16, max_size=16),
    st.sampled_from(kept_report.ROLES),
    st.lists(st.integers(0, units.MAX_TRADE_UWH), min_size=2, max_size=2),
    st.integers(0, units.MAX_DURATION_MS),
    st.integers(0, units.MAX_ENERGY_UWH),
    st.sampled_from((None, *ABORTS)),
)
def test_report_is_the_same_when_it_was_kept(name, role, energies, elapsed_ms, register, reason):
    report = dict(
        members("aa"), delivery_id=name.hex(), role=role, energy_uwh=energies[0],
        counterparty_uwh=energies[1], elapsed_ms=elapsed_ms, register_uwh=register, reason=reason,
    )  # fmt: skip
    assert kept_report.from_bytes(kept_report.to_bytes(report)) == report


@given(st.binary(min_size=kept_report.BYTES, max_size=kept_report.BYTES))
def test_report_is_one_that_may_be_sent_or_none_when_flash_holds_any_bytes(kept_bytes):
    found = kept_report.from_bytes(kept_bytes)
    assert found is None or check("delivery", {"boot_id": 0, "seq": 1, "t_ms": None, **found}) == ""
