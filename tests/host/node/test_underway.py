"""A delivery under way in flash: found after a reset, ended once, saved without an erase."""

import random

import pytest
from node.registers import NAMES, Registers
from node.store import SAVE_PERIOD_MS, Store

from tests.host.node.deliveries import FIRST, deliver, run_leased
from tests.host.node.test_power_cuts import UWH, Flash, PowerCut

SAVES = 12
"""That fit into a directory made anew, after the one before the relay closes."""
TIME_BYTES = 12
"""What MicroPython's littlefs adds to a file: the time of its change."""


def members(energy_uwh=0, number=1, reason=None):
    return {
        "delivery_id": f"{number:032x}",
        "role": "seller",
        "phase": "final" if reason else "progress",
        "energy_uwh": energy_uwh,
        "counterparty_uwh": energy_uwh // 2,
        "elapsed_ms": 5,
        "register_uwh": energy_uwh + 1000,
        "reason": reason,
    }


def boot(tmp_path):
    registers = Registers()
    return registers, Store(registers, str(tmp_path) + "/")


def test_delivery_ends_rebooted_with_the_energy_saved_when_power_was_cut(tmp_path):
    registers, store = boot(tmp_path)
    store.begin_delivery(members())
    registers.add("bus_export", 77 * UWH, 1)
    store.keep_running(members(77))
    for _ in range(2):  # the second boot finds it ended
        after, store = boot(tmp_path)
        assert store.finals.unsent() == [members(77, reason="rebooted")]
        assert after["bus_export"] == 77
    assert not (tmp_path / "underway").exists()


def test_nothing_is_under_way_after_the_boot_when_the_delivery_had_ended(tmp_path):
    registers, store = boot(tmp_path)
    store.begin_delivery(members())
    store.keep_final(members(8, reason="commanded"))
    _, after = boot(tmp_path)
    assert after.finals.unsent() == [members(8, reason="commanded")]


def test_end_of_a_delivery_is_known_after_the_boot_when_it_was_not_yet_put_in_its_place(tmp_path):
    registers, store = boot(tmp_path)
    store.begin_delivery(members())
    registers.add("bus_export", 8 * UWH, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    store.keep_final(members(8, reason="over_current"))
    after = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    assert before == after
    for _ in range(2):
        registers, store = boot(tmp_path)
        assert store.finals.unsent() == [members(8, reason="over_current")]
        assert registers["bus_export"] == 8
    assert not (tmp_path / "underway").exists()


def test_end_of_a_delivery_is_put_in_its_place_when_the_next_one_begins(tmp_path):
    registers, store = boot(tmp_path)
    for number in (1, 2):
        store.begin_delivery(members(0, number))
        store.keep_final(members(number, number, "commanded"))
    store.begin_delivery(members(0, 3))
    _, after = boot(tmp_path)
    ended = [members(number, number, "commanded") for number in (1, 2)]
    assert after.finals.unsent() == [*ended, members(0, 3, "rebooted")]


@pytest.mark.parametrize("saving", ["save", "save_ended"])
def test_nothing_is_under_way_when_the_end_was_put_in_its_place(tmp_path, saving):
    registers, store = boot(tmp_path)
    store.begin_delivery(members())
    getattr(store, saving)()
    assert (tmp_path / "underway").exists()  # not over yet
    store.keep_final(members(8, reason="commanded"))
    getattr(store, saving)()
    assert not (tmp_path / "underway").exists()
    _, after = boot(tmp_path)
    assert after.finals.unsent() == [members(8, reason="commanded")]


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("done", range(4))
def test_next_delivery_stays_when_saving_the_end_before_it_was_interrupted(tmp_path, done, is_over):
    registers, store = boot(tmp_path)
    store.begin_delivery(members(0, 1))
    store.keep_final(members(1, 1, "commanded"))
    steps = store.ended_steps()
    assert len(steps) == 3
    for step in steps[:done]:
        step()
    store.begin_delivery(members(0, 2))
    if is_over:
        store.keep_final(members(2, 2, "commanded"))
        steps[2]()  # must not forget what is kept only there
    else:
        store.keep_running(members(2, 2))
    _, after = boot(tmp_path)
    last = members(2, 2, "commanded" if is_over else "rebooted")
    assert after.finals.unsent() == [members(1, 1, "commanded"), last]


def test_nothing_is_left_to_save_when_no_delivery_has_ended(tmp_path):
    _, store = boot(tmp_path)
    store.begin_delivery(members())
    assert store.ended_steps() == ()


def test_registers_never_go_back_when_the_slots_are_newer_than_the_delivery(tmp_path):
    registers, store = boot(tmp_path)
    store.begin_delivery(members())
    for name in NAMES:
        registers.add(name, 5 * UWH, 1)
    store.save_registers()
    after, _ = boot(tmp_path)
    assert [after[name] for name in NAMES] == [5] * len(NAMES)


def test_delivery_and_registers_are_of_one_save_when_power_is_cut_at_any_step(
    tmp_path, monkeypatch
):
    flash, chance = Flash(monkeypatch), random.Random(31)
    registers, store = boot(tmp_path)
    cuts = ended = 0
    told = {}
    for number in range(1, 160):
        flowed = 0
        try:
            flash.left = chance.choice((None, chance.randrange(2_500)))
            store.begin_delivery(members(0, number))
            before = registers["bus_export"]
            for _ in range(chance.randrange(5)):
                energy_uwh = chance.randrange(1, 9_999)
                registers.add("bus_export", energy_uwh * UWH, 1)
                flowed += energy_uwh
                store.keep_running(members(flowed, number))
            store.keep_final(members(flowed, number, "commanded"))
            if chance.random() < 0.5:
                store.save_ended()
        except PowerCut:
            cuts += 1
        flash.left = None
        registers, store = boot(tmp_path)
        for name, energy_uwh in list(told.items())[-10:]:
            assert store.finals.find(name)["energy_uwh"] == energy_uwh
        found = store.finals.find(f"{number:032x}")
        if found is None:
            assert flowed == 0  # cut before the relay could close
            continue
        told[found["delivery_id"]] = found["energy_uwh"]
        ended += found["reason"] == "rebooted"
        assert 0 <= registers["bus_export"] - before <= flowed
        if found["reason"] == "rebooted":
            assert found["energy_uwh"] <= registers["bus_export"] - before
        else:
            assert found["energy_uwh"] == registers["bus_export"] - before == flowed
    assert cuts > 30 and ended > 10


@pytest.mark.parametrize("content", [b"", b"\xff" * 300, b"TRQ1" + bytes(40)])
def test_board_boots_and_delivers_when_what_was_under_way_is_damaged(tmp_path, content):
    (tmp_path / "underway").mkdir()
    for name in ("delivery.0", "delivery.1"):
        (tmp_path / "underway" / name).write_bytes(content)
    _, store = boot(tmp_path)
    assert store.finals.unsent() == []
    store.begin_delivery(members())
    _, after = boot(tmp_path)
    assert after.finals.unsent() == [members(reason="rebooted")]


def test_delivery_is_found_when_one_of_its_files_is_torn_at_any_byte(tmp_path):
    _, store = boot(tmp_path)
    store.begin_delivery(members())
    for energy_uwh in (1, 2, 3):
        store.keep_running(members(energy_uwh))
    kept = tmp_path / "underway"
    newest = kept / "delivery.0"  # the fourth save
    whole, other = newest.read_bytes(), (kept / "delivery.1").read_bytes()
    for size in range(len(whole)):
        kept.mkdir(exist_ok=True)
        newest.write_bytes(whole[:size])
        (kept / "delivery.1").write_bytes(other)
        for name in ("finals.0", "finals.1"):
            (tmp_path / name).unlink(missing_ok=True)
        _, after = boot(tmp_path)
        assert [each["energy_uwh"] for each in after.finals.unsent()] == [2]


def test_nothing_but_the_delivery_is_written_when_registers_are_saved_in_it(rig, tmp_path):
    deliver(rig)
    run_leased(rig, 1_000)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    for _ in range(3):
        rig.node.save()
    after = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    assert before == after
    metered_uwh = rig.delivery.energy_uwh
    rig.boot()
    assert rig.node.store.finals.find(FIRST)["energy_uwh"] == metered_uwh > 0
    assert rig.node.registers["bus_import"] >= metered_uwh


def test_no_sector_is_erased_for_an_hour_when_littlefs_keeps_a_delivery(tmp_path):
    littlefs = pytest.importorskip("littlefs", reason="littlefs-python is not installed")
    erased = []

    class Flash(littlefs.UserContext):
        def erase(self, config, block):
            erased.append(block)
            return super().erase(config, block)

    # As MicroPython makes it on an RP2040.
    system = littlefs.LittleFS(
        context=Flash(buffsize=4096 * 212), block_size=4096, block_count=212,
        prog_size=256, read_size=32, cache_size=1024, lookahead_size=32, block_cycles=100,
    )  # fmt: skip
    registers, store = boot(tmp_path)
    for number in range(40):
        store.begin_delivery(members(0, number))
        system.mkdir("underway")
        copy(system, tmp_path, "delivery.1")
        erased.clear()
        for place in range(SAVES):
            registers.add("bus_export", 12_345 * UWH, 1)
            store.keep_running(members(10**12, number))
            copy(system, tmp_path, f"delivery.{place % 2}")
        assert erased == []
        for name in ("delivery.0", "delivery.1"):
            system.remove("underway/" + name)
        system.rmdir("underway")
    assert SAVES * SAVE_PERIOD_MS >= 3_600_000


def copy(system, tmp_path, name):
    content = (tmp_path / "underway" / name).read_bytes()
    with system.open("underway/" + name, "wb") as file:
        file.write(content + bytes(TIME_BYTES))
