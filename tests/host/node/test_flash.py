"""What is kept in flash: two slots, torn writes, numbers and registers over reboots."""

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.numbering import BLOCK, Numbering
from node.registers import NAMES, Registers
from node.slots import Slots
from node.store import Store
from wire.topics import FROM_NODE

NOW_MS = 1_800_000_000_000


def report():
    """Return the members of a delivery's final."""
    return {
        "delivery_id": "0f" * 16,
        "role": "buyer",
        "phase": "final",
        "energy_uwh": 5,
        "counterparty_uwh": 5,
        "elapsed_ms": 1,
        "register_uwh": 5,
        "reason": "commanded",
    }


def slots(tmp_path, name="kept"):
    return Slots(str(tmp_path / name))


def test_slots_return_nothing_when_nothing_was_saved(tmp_path):
    assert slots(tmp_path).load() is None


def test_slots_return_the_last_record_when_saved_often(tmp_path):
    kept = slots(tmp_path)
    for number in range(5):
        kept.save(b"record %d" % number)
    assert slots(tmp_path).load() == b"record 4"


def test_slots_keep_the_older_record_when_a_write_is_torn_at_any_byte(tmp_path):
    kept = slots(tmp_path)
    kept.save(b"older")
    kept.save(b"newer")
    newest = tmp_path / "kept.0"
    whole = newest.read_bytes()
    for size in range(len(whole)):
        newest.write_bytes(whole[:size])
        assert slots(tmp_path).load() == b"older"
    newest.write_bytes(whole)
    assert slots(tmp_path).load() == b"newer"


def test_slots_keep_the_older_record_when_any_byte_is_damaged(tmp_path):
    kept = slots(tmp_path)
    kept.save(b"older")
    kept.save(b"newer")
    newest = tmp_path / "kept.0"
    whole = newest.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        newest.write_bytes(bytes(damaged))
        assert slots(tmp_path).load() == b"older"


def test_slots_go_on_when_power_went_before_the_rename(tmp_path):
    kept = slots(tmp_path)
    kept.save(b"older")
    (tmp_path / "kept.new").write_bytes(b"half a rec")
    after = slots(tmp_path)
    assert after.load() == b"older"
    after.save(b"newer")
    assert slots(tmp_path).load() == b"newer"


def test_numbers_grow_over_reboots_when_power_goes_at_any_time(tmp_path):
    last = 0
    for taken in (0, 1, 5, BLOCK, BLOCK + 1):
        numbering = Numbering(slots(tmp_path), FROM_NODE)
        for _ in range(taken):
            number = numbering.take("reading")
            assert number > last
            last = number


def test_numbers_of_a_kind_are_without_gaps_when_not_rebooted(tmp_path):
    numbering = Numbering(slots(tmp_path), FROM_NODE)
    assert [numbering.take("status") for _ in range(3)] == [1, 2, 3]
    assert numbering.take("event") == 1


def test_numbers_begin_with_the_time_when_a_board_has_never_had_any(tmp_path):
    numbering = Numbering(slots(tmp_path), FROM_NODE, NOW_MS)
    assert numbering.take("event") == NOW_MS
    assert numbering.is_unsure()


def test_numbers_go_on_from_the_clock_when_they_were_lost(tmp_path):
    lost = Numbering(slots(tmp_path), FROM_NODE)
    lost.go_on_from(NOW_MS)
    assert lost.take("reading") == NOW_MS and not lost.is_unsure()
    after = Numbering(slots(tmp_path), FROM_NODE)
    assert after.take("reading") > NOW_MS and not after.is_unsure()


def test_numbers_stay_unsure_over_a_reboot_before_the_clock_was_set(tmp_path):
    Numbering(slots(tmp_path), FROM_NODE, 1)
    after = Numbering(slots(tmp_path), FROM_NODE, 1)
    assert after.is_unsure() and after.take("reading") == 1 + BLOCK


def test_numbers_never_go_back_when_the_clock_is_behind_them(tmp_path):
    numbering = Numbering(slots(tmp_path), FROM_NODE, NOW_MS)
    numbering.go_on_from(5)
    assert numbering.take("reading") > NOW_MS


def test_numbers_of_an_older_firmware_are_taken_over(tmp_path):
    slots(tmp_path).save((9_000).to_bytes(8, "big"))
    numbering = Numbering(slots(tmp_path), FROM_NODE, NOW_MS)
    assert numbering.take("reading") == 9_000 and not numbering.is_unsure()


def test_flash_is_not_written_for_numbers_in_an_hour_when_they_were_reserved(tmp_path):
    numbering = Numbering(slots(tmp_path), FROM_NODE)
    for _ in range(BLOCK - 1):
        numbering.take("status")
    for _ in range(3):
        numbering.reserve_ahead()
        before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
        numbers = [numbering.take("delivery") for _ in range(5 * 3600)]
        assert numbers == list(range(numbers[0], numbers[0] + 5 * 3600))
        assert before == sorted((path, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    assert Numbering(slots(tmp_path), FROM_NODE).take("delivery") > numbers[-1]


@pytest.mark.parametrize("kept", ["registers", "finals"])
def test_nothing_may_be_numbered_when_only_the_numbers_are_lost(tmp_path, kept):
    registers = Registers()
    store = Store(registers, str(tmp_path) + "/", NOW_MS)
    assert store.may_number()  # a board that is new
    if kept == "registers":
        registers.add("pv_export", 10**9, 10**9)
        store.save_registers()
    else:
        store.finals.add(report())
        store.finals.save()
    for number in "01":
        (tmp_path / f"numbering.{number}").unlink(missing_ok=True)
    after = Store(Registers(), str(tmp_path) + "/", NOW_MS)
    assert not after.may_number()
    after.numbering.go_on_from(NOW_MS)
    assert after.may_number()


@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**6)), max_size=50))
def test_register_loses_nothing_when_parts_are_small(parts):
    registers = Registers()
    for power_uw, duration_us in parts:
        registers.add("bus_import", power_uw, duration_us)
    assert registers["bus_import"] == sum(p * d for p, d in parts) // 3_600_000_000


def test_register_moves_at_half_a_watt_when_it_is_large():
    registers = Registers()
    registers.add("pv_export", 10**9, 36_000_000_000_000)  # 1 kW for 10,000 h
    before = registers["pv_export"]
    for _ in range(50):
        registers.add("pv_export", 500_000, 20_000)  # 0.5 W for 20 ms, 50 times
    assert before == 10**13
    assert registers["pv_export"] - before == 138  # 0.5 Ws = 138.9 uWh


def test_registers_keep_directions_apart_when_power_reverses():
    registers = Registers()
    for power_uw in (3_600_000, -7_200_000):
        registers.add_signed("bus", power_uw, 1_000_000)
    assert (registers["bus_import"], registers["bus_export"]) == (1_000, 2_000)


def test_registers_lose_at_most_one_save_when_writes_are_torn(tmp_path):
    registers = Registers()
    store = Store(registers, str(tmp_path) + "/")
    saved = []
    for _ in range(4):
        registers.add("bus_import", 3_600_000_000, 1_000_000)
        store.save_registers()
        saved.append(registers["bus_import"])
    newest = max((tmp_path / "registers.0", tmp_path / "registers.1"), key=_slot_number)
    whole = newest.read_bytes()
    for size in range(len(whole)):
        newest.write_bytes(whole[:size])
        after = Registers()
        Store(after, str(tmp_path) + "/")
        assert after["bus_import"] == saved[-2]


def _slot_number(path):
    return int.from_bytes(path.read_bytes()[4:8], "big")


def test_registers_are_not_written_when_nothing_moved(tmp_path):
    registers = Registers()
    store = Store(registers, str(tmp_path) + "/")
    registers.add("bus_import", 3_600_000_000, 1_000_000)
    store.save_registers()
    before = {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)}
    store.save_registers()
    after = {name: os.stat(tmp_path / name).st_mtime_ns for name in os.listdir(tmp_path)}
    assert before == after


def test_registers_keep_64_bits_and_remainders_when_saved_and_restored():
    registers = Registers()
    for place, name in enumerate(NAMES):
        registers.add(name, 10**12 + place, 3_600_000_001 * 900)
    after = Registers()
    after.restore(registers.to_bytes())
    assert after.to_bytes() == registers.to_bytes()
    with pytest.raises(ValueError, match="registers"):
        after.restore(b"short")


@pytest.mark.parametrize("number", [0, 1 << 53, (1 << 64) - 1])
def test_numbers_begin_anew_when_flash_holds_an_impossible_one(tmp_path, number):
    slots(tmp_path).save(struct.pack(">Q", number))
    assert Numbering(slots(tmp_path), ("reading",)).take("reading") == 1


def test_node_boots_with_registers_at_nothing_when_flash_holds_impossible_ones(tmp_path):
    path = str(tmp_path) + "/registers"
    for content in (b"\xff" * 16 * len(NAMES), b"\x00" * 15):
        Slots(path).save(content)
        registers = Registers()
        store = Store(registers, str(tmp_path) + "/")
        assert not store.has_restored
        assert [registers[name] for name in NAMES] == [0] * len(NAMES)
