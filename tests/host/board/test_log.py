"""Following a board's console: everything it prints, nothing typed to it."""

import os
import signal
import subprocess
import sys

import pytest

from tests.host.board.conftest import wait_for
from tools.board.errors import NoBoard
from tools.board.line import open_line

COUNTING = (
    "import time\nn = 0\nwhile True:\n    n += 1\n    print('count', n)\n    time.sleep(0.1)\n"
)


def test_log_shows_what_a_board_prints_and_leaves_it_running(flash_dir, bench):
    (flash_dir / "main.py").write_text(COUNTING)
    bench.cut_power()
    wait_for(lambda: "count 2" in bench.said, 60, "counting")
    following = subprocess.Popen(
        [sys.executable, "-m", "tools", "board", "log", "--port", bench.path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = [following.stdout.readline() for _ in range(5)]
    assert any(line.startswith("count ") for line in lines)
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=60)
    assert (following.returncode, errors.strip()) == (0, "(the board keeps running)")
    seen = bench.said.count("count")
    wait_for(lambda: bench.said.count("count") > seen + 2, 60, "counting on")
    # From 1 on only once: it was never interrupted nor reset.
    assert bench.said.count("count 1\n") == 1


def test_log_ends_with_a_sentence_when_the_cable_is_pulled(flash_dir, bench):
    following = subprocess.Popen(
        [sys.executable, "-m", "tools", "board", "log", "--port", bench.path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: _has_open(following.pid, bench.path), 60, "opening")
    bench.pull_cable()
    _, errors = following.communicate(timeout=60)
    assert following.returncode == 1 and "went away" in errors


def _has_open(pid, path):
    directory = f"/proc/{pid}/fd"
    return any(os.path.realpath(f"{directory}/{name}") == path for name in os.listdir(directory))


def test_board_keeps_running_when_nobody_reads_what_it_prints(flash_dir, bench):
    (flash_dir / "main.py").write_text(
        "for n in range(400):\n    print('count', n, 'x' * 100)\nimport time\ntime.sleep(60)\n"
    )
    bench.cut_power()
    wait_for(lambda: "count 399" in bench.said, 60, "printing")


def test_log_names_the_port_when_there_is_none():
    with pytest.raises(NoBoard, match="/dev/ttyNONE"):
        open_line("/dev/ttyNONE")
