"""The prompt of a board: code runs, files arrive whole, and each failure has its sentence."""

import os
import socket
import threading

import pytest
import serial

from tools.board.errors import CableLost, NoAnswer, NoBoard, NoSpace, PortBusy, ProgramFailed
from tools.board.prompt import CHUNK_BYTES, Prompt


def test_prompt_runs_code_when_a_board_is_there(bench):
    with Prompt(bench.path) as prompt:
        assert prompt.run("print(6 * 7)") == "42\n"
        assert prompt.ask("import json\nprint('x')\nprint(json.dumps({'a': 1}))") == {"a": 1}


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_file_comes_back_as_written(bench, flash_dir, size):
    content = os.urandom(size)
    with Prompt(bench.path) as prompt:
        prompt.write("a.bin", content)
        assert prompt.read("a.bin") == content
        assert prompt.read("b.bin") is None
    assert (flash_dir / "a.bin").read_bytes() == content
    assert [path.name for path in flash_dir.iterdir()] == ["a.bin"]


def test_traceback_is_told_when_code_raises(bench):
    with Prompt(bench.path) as prompt, pytest.raises(ProgramFailed, match="divide by zero"):
        prompt.run("1 / 0")


def test_old_file_stays_whole_when_the_flash_is_full(bench, flash_dir):
    (flash_dir / "a.bin").write_bytes(b"old")
    (flash_dir / "a.bin.part").symlink_to("/dev/full")
    with Prompt(bench.path) as prompt, pytest.raises(NoSpace, match="no space left"):
        prompt.write("a.bin", b"new")
    assert (flash_dir / "a.bin").read_bytes() == b"old"


def test_port_is_busy_when_another_program_holds_it(bench):
    with serial.Serial(bench.path, exclusive=True), pytest.raises(PortBusy, match="holds this"):
        Prompt(bench.path)


def test_second_prompt_is_refused_when_one_is_open(bench):
    with Prompt(bench.path), pytest.raises(PortBusy):
        Prompt(bench.path)


@pytest.mark.parametrize("port", ["/dev/ttyNONE", "/etc/hostname", "/dev/null"])
def test_wrong_port_is_named_when_it_is_none(port):
    with pytest.raises(NoBoard, match=port):
        Prompt(port)


def test_port_is_busy_when_who_serves_it_hangs_up_on_a_second():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse():
            line, _ = server.accept()
            with line:
                line.sendall(b"busy")

        threading.Thread(target=refuse, daemon=True).start()
        with pytest.raises(PortBusy, match="another program holds this port"):
            Prompt(f"socket://127.0.0.1:{server.getsockname()[1]}")


def test_wrong_address_is_named_when_nothing_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"socket://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(NoBoard, match="nothing listens"):
        Prompt(address)


def test_no_answer_is_told_when_the_port_is_not_a_board(monkeypatch):
    monkeypatch.setattr("tools.board.prompt.ATTEMPTS", 1)
    monkeypatch.setattr("tools.board.prompt.ENTER_S", 1)
    master, slave = os.openpty()
    try:
        with pytest.raises(NoAnswer, match="no MicroPython prompt answers"):
            Prompt(os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)


def test_cable_is_lost_when_it_is_pulled_in_the_middle(bench):
    with Prompt(bench.path) as prompt:
        bench.pull_cable()
        with pytest.raises(CableLost, match="went away"):
            prompt.run("print(1)")


def test_running_program_is_interrupted_when_a_prompt_is_wanted(bench, flash_dir):
    (flash_dir / "main.py").write_text("import time\nwhile True: time.sleep(1)\n")
    with Prompt(bench.path) as prompt:
        prompt.restart()
    with Prompt(bench.path) as prompt:
        assert prompt.run("print(1)") == "1\n"


def test_board_is_at_its_prompt_again_when_it_was_reset(bench):
    with Prompt(bench.path) as prompt:
        prompt.run("kept = 1")
        prompt.reset()
        with pytest.raises(ProgramFailed, match="kept"):
            prompt.run("print(kept)")
