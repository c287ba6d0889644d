"""What a self-test found becomes good, bad, and what to do."""

import time

import pytest

from tests.host.node.rig import settings_members
from tools.board import checks
from tools.board.checks import FAIL, NOTE, PASS, SKIP
from tools.board.firmware import Firmware


def measured(**changes):
    quantities = {
        "pv_voltage": {"value": 18_000_000, "rms_millicodes": 0, "flags": []},
        "load_current": {"value": 1_300_000, "rms_millicodes": 0, "flags": []},
        "battery_voltage": {"value": 11_500_000, "rms_millicodes": 0, "flags": []},
    }
    for name, change in changes.items():
        quantities[name] |= change
    noise = [1_400, 162_000, 1_200]
    return {"quantities": quantities, "noise_millicodes": noise, "lost": 0, "rate_mhz": 8_000_000}


PARTS = {"bus": {"voltage_uv": 0, "current_ua": 0, "spread_uv": 0, "spread_ua": 0}}


def sensors(found=None, parts=PARTS):
    report = checks.sensor_checks(settings_members(), found or measured(), parts)
    return {check.part: check for check in report}


def test_sound_sensors_pass_and_a_channel_with_mains_may_move():
    assert {check.status for check in sensors().values()} == {PASS}


@pytest.mark.parametrize(
    ("quantity", "change", "words"),
    [
        ("pv_voltage", {"value": -2_000_000}, "panel's polarity"),
        ("battery_voltage", {"value": 0}, "fuse F2"),
        ("load_current", {"value": 11_000_000, "flags": ["overrange"]}, "beyond"),
    ],
)
def test_channel_is_named_when_it_reads_what_cannot_be(quantity, change, words):
    check = sensors(measured(**{quantity: change}))[quantity.replace("_", " ")]
    assert check.status == FAIL and words in check.advice


def test_load_of_nothing_is_no_fault():
    found = measured(load_current={"value": 0, "flags": ["no_signal"]})
    assert sensors(found)["load current"].status == PASS


def test_noise_is_named_when_a_still_channel_moves():
    found = measured()
    found["noise_millicodes"][2] = 90_000
    assert sensors(found)["noise of ch2"].status == FAIL


def test_gap_in_the_samples_is_a_fault():
    assert sensors(measured() | {"lost": 1})["sampling"].status == FAIL


def test_part_is_named_with_its_address_when_it_is_silent():
    check = sensors(parts={"bus": None})["INA226 of bus"]
    assert check.status == FAIL and "0x40" in check.advice


def network(**changes):
    found = {"is_up": True, "problem": None, "address": "10.0.0.2", "rssi_dbm": -60} | changes
    return found


def answer_of(off_ms):
    return {"unix_ms": int(time.time() * 1000) + off_ms}


@pytest.mark.parametrize(
    ("found", "off_ms", "statuses"),
    [
        (network(), 0, [PASS, PASS]),
        (network(rssi_dbm=-84), 0, [NOTE, PASS]),
        (network(address=None, rssi_dbm=None), 0, [PASS, PASS]),  # a cable
        (network(is_up=False, problem="wifi: wrong password for lab"), None, [FAIL, SKIP]),
        (network(), None, [PASS, FAIL]),
        (network(), 60_000, [PASS, FAIL]),
    ],
)
def test_network_and_clock_are_judged(found, off_ms, statuses):
    answer = {"unix_ms": None} if off_ms is None else answer_of(off_ms)
    assert [check.status for check in checks.network_checks(found, answer)] == statuses


def flash(**changes):
    return {"free_bytes": 600_000, "is_good": True, "took_ms": 60} | changes


@pytest.mark.parametrize(
    ("memory", "found", "statuses"),
    [
        (150_000, flash(), [PASS, PASS]),
        (40_000, flash(), [FAIL, PASS]),
        (None, flash(free_bytes=10_000), [FAIL]),
        (150_000, flash(is_good=False), [PASS, FAIL]),
    ],
)
def test_memory_and_flash_are_judged(memory, found, statuses):
    report = checks.store_checks({"free_bytes": memory}, found)
    assert [check.status for check in report] == statuses


def test_firmware_is_compared_file_by_file():
    firmware = Firmware({"boot.py": b"a", "main.py": b"b"})
    known = {name: {"date": "2026-11-26", "reference": "x"} for name in ("ch0", "ch1", "ch2")}

    def third(on_board):
        return checks.identity_checks(known, "ab" * 64, firmware, on_board)[2]

    assert third(dict(firmware.hashes)).status == PASS
    assert third({**firmware.hashes, "main.py": "0" * 64}).found.startswith("1 files")
    assert third({}).status == SKIP
