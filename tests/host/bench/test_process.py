"""The bench as a process: it reports, ends everything on SIGTERM, and names bad arguments."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tools.bench.board import Board, BoardFiles

ARGV = [sys.executable, "-m", "tools.bench"]
DEADLINE_S = 60


def wait_for(condition, what):
    deadline_s = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)
    return value


def report_of(state):
    try:
        return json.loads((state / "bench.json").read_text())
    except FileNotFoundError:
        return None


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def firmware(tmp_path):
    directory = tmp_path / "firmware"
    directory.mkdir()
    (directory / "main.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")
    return directory


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_boards_end_with_the_bench_when_it_gets_a_signal(tmp_path, firmware, number):
    state = tmp_path / "state"
    bench = subprocess.Popen(
        [*ARGV, "--state", state, "--houses", "3", "--firmware", firmware], stderr=subprocess.PIPE
    )
    with bench:
        pids = wait_for(
            lambda: (
                (report := report_of(state))
                and all(pids := [each["pid"] for each in report["houses"].values()])
                and pids
            ),
            "three boards",
        )
        os.kill(bench.pid, number)
        _, errors = bench.communicate(timeout=DEADLINE_S)
    assert bench.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "the boards' end")
    assert errors == b""
    assert report_of(state)["violations"]["total"] == 0


def test_board_is_killed_without_complaint_when_it_has_just_ended_by_itself(tmp_path, firmware):
    async def run():
        files = BoardFiles(firmware, tmp_path / "flash", tmp_path / "log")
        board = Board("house-1", files, bench_port=0)
        board.power_on()
        while board.pid is None:
            await asyncio.sleep(0.01)
        pid = board.pid
        os.kill(pid, signal.SIGKILL)
        # Nothing here gives way to the loop, which so cannot learn of the end.
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the process")
        assert board.pid == pid
        board.kill()
        await board.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--houses", "0", "--houses"),
        ("--zone", "Mars/Base", "--zone"),
        ("--start", "noon", "--start"),
        ("--firmware", "/nowhere", "--firmware"),
        ("--speed", "0", "--speed"),
    ],
)
def test_bench_exits_2_and_names_the_option_when_it_is_bad(tmp_path, option, value, named):
    done = subprocess.run(
        [*ARGV, "--state", tmp_path, option, value], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[-1]
