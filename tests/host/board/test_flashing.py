"""Flashing: only what differs, repeatable after any cut, and nothing starts on half a firmware."""

import os
import subprocess

import pytest

from tests.host.board.conftest import wait_for
from tools.board import flashing
from tools.board.errors import BoardError, CableLost, NoSpace
from tools.board.firmware import Firmware, WrongMicroPython, build_for
from tools.board.flashing import Progress, compare, flash
from tools.board.state import BoardState, look
from tools.board.virtual_port import VirtualPort


def run(bench, firmware, progress=None):
    return flash(bench.path, lambda state: firmware, progress or Progress())


def tree(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_board_has_the_whole_firmware_when_it_was_erased(bench, flash_dir, small):
    state, plan = run(bench, small)
    assert state.kind == "virtual" and not state.has_program
    assert list(plan.write[:2]) == ["boot.py", "main.py"]
    assert tree(flash_dir) == dict(small.files)


def test_nothing_is_written_when_the_board_has_it(bench, small):
    run(bench, small)
    assert run(bench, small)[1].is_empty


def test_only_what_differs_is_written_when_one_module_changed(bench, flash_dir, small):
    run(bench, small)
    (flash_dir / "node" / "roots.mpy").write_bytes(b"damaged")
    _, plan = run(bench, small)
    assert plan.write == ("node/roots.mpy",)
    assert tree(flash_dir) == dict(small.files)


def test_stale_modules_go_and_settings_stay(bench, flash_dir, small):
    (flash_dir / "node").mkdir()
    for name in ("node/gone.mpy", "node/version.py", "node/roots.mpy.part", "boots.0"):
        (flash_dir / name).write_bytes(b"old")
    kept = {"settings.json": b"{}", "registers.0": b"r", "identity.1": b"k", "mine.py": b"m"}
    for name, content in kept.items():
        (flash_dir / name).write_bytes(content)
    _, plan = run(bench, small)
    # MicroPython would import version.py before version.mpy.
    assert set(plan.remove) == {"node/gone.mpy", "node/version.py", "node/roots.mpy.part"}
    assert tree(flash_dir) == {**small.files, **kept}


def test_strange_program_never_starts_on_half_a_firmware(bench, flash_dir, small):
    (flash_dir / "main.py").write_text("print('strange')\n")
    with pytest.raises(CableLost):
        run(bench, small, Progress(sent=lambda count: bench.cut_power()))
    wait_for(lambda: bench.said.endswith(">>> "), 60, "the prompt")
    assert "strange" not in bench.said.rpartition("MPY")[2]
    run(bench, small)
    assert tree(flash_dir) == dict(small.files)


@pytest.mark.parametrize("pieces", range(1, 6))
def test_flash_goes_on_when_power_was_cut_after_any_file(bench, flash_dir, small, pieces):
    sent = []

    def cut(count):
        sent.append(count)
        if len(sent) == pieces:
            bench.cut_power()

    with pytest.raises(CableLost, match="run the same command again"):
        run(bench, small, Progress(sent=cut))
    wait_for(lambda: bench.said.endswith(">>> "), 60, "the prompt after the cut")
    assert bench.closed_relays() == []
    assert "maintenance: the node is not started" in bench.said
    there = tree(flash_dir)
    _, plan = run(bench, small)
    assert tree(flash_dir) == dict(small.files)
    # What was whole when the power went is not sent again.
    assert plan.write == tuple(
        path for path, content in small.files.items() if there.get(path) != content
    )


def test_other_tools_send_the_technician_back_when_a_flash_was_cut(bench, small):
    from tools.board.alone import alone

    with pytest.raises(CableLost):
        run(bench, small, Progress(sent=lambda count: bench.cut_power()))
    with pytest.raises(BoardError, match="not written to the end"), alone(bench.path):
        pass


def test_file_that_does_not_read_back_is_named(bench, flash_dir, small, monkeypatch):
    progress = Progress(say=lambda text: (flash_dir / "boot.py").write_bytes(b"bad block"))
    with pytest.raises(BoardError, match=r"not as written: boot\.py"):
        run(bench, small, progress)
    assert (flash_dir / "maintenance").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system of 64 kB")
def test_nothing_is_written_when_the_flash_is_too_small(flash_dir, small):
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", flash_dir]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no tmpfs")
    large = Firmware({**small.files, "node/large.mpy": bytes(200_000)})
    try:
        with VirtualPort(flash_dir) as bench, pytest.raises(NoSpace, match=r"needs \d+ kB"):
            flash(bench.path, lambda state: large)
        assert "node" not in os.listdir(flash_dir)
    finally:
        subprocess.run(["umount", flash_dir], check=True)


def test_plan_follows_the_order_of_writing_when_all_is_missing(small):
    assert compare(small, {}).write == tuple(small.files)


def board(**changes):
    found = {
        "machine": "Raspberry Pi Pico W with RP2040", "micropython": (1, 28, 0), "mpy": 0x1306,
        "firmware": None, "node": None, "unique_id": "", "files": (), "can_wait": True,
    }  # fmt: skip
    return BoardState(**{**found, **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"micropython": (1, 22, 2)}, r"has MicroPython 1\.22\.2.*--micropython"),
        ({"mpy": 0x1206}, r"version 6\.2"),
    ],
)
def test_micropython_is_named_when_it_is_the_wrong_one(changes, sentence):
    with pytest.raises(WrongMicroPython, match=sentence):
        build_for(board(**changes))


def test_board_is_named_when_the_firmware_is_not_for_it():
    with pytest.raises(BoardError, match="'Raspberry Pi Pico with RP2040'"):
        build_for(board(machine="Raspberry Pi Pico with RP2040"))


def test_state_tells_what_an_erased_board_is(bench):
    from tools.board.prompt import Prompt

    with Prompt(bench.path) as prompt:
        state = look(prompt)
    assert (state.kind, state.node, state.can_wait) == ("virtual", None, True)
    assert state.bytecode == "6.3" and flashing.MAINTENANCE not in state.files
