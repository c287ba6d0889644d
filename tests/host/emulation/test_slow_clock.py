"""Time that goes by more slowly: every way in which our programs look at it or wait for it."""

import json
import subprocess
import sys
import time

import pytest

from tools.emulation.slow_clock import NoCompiler, environment, library

RATE = 0.25
WAIT_S = 0.1
WAITS = """
import asyncio, json, queue, select, sys, threading, time
WAIT_S = float(sys.argv[1])
def from_queue():
    try:
        queue.Queue().get(timeout=WAIT_S)
    except queue.Empty:
        pass
def on_condition():
    condition = threading.Condition()
    with condition:
        condition.wait(WAIT_S)
waits = {
    "sleep": lambda: time.sleep(WAIT_S),
    "task": lambda: asyncio.run(asyncio.sleep(WAIT_S)),
    "event": lambda: threading.Event().wait(WAIT_S),
    "queue": from_queue,
    "condition": on_condition,
    "select": lambda: select.select([], [], [], WAIT_S),
    "poll": lambda: select.poll().poll(WAIT_S * 1000),
    "epoll": lambda: select.epoll().poll(WAIT_S),
}
for name, wait in waits.items():
    before = time.time(), time.monotonic()
    wait()
    after = time.time(), time.monotonic()
    print(json.dumps([name, *(b - a for a, b in zip(before, after))]), flush=True)
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    try:
        return library(tmp_path_factory.mktemp("slow"))
    except NoCompiler as problem:
        pytest.skip(str(problem))


def test_every_wait_lasts_longer_and_seems_as_long_as_it_was_meant(compiled):
    slowed = subprocess.Popen(
        [sys.executable, "-c", WAITS, str(WAIT_S)],
        stdout=subprocess.PIPE, text=True, env=environment(RATE, compiled),
    )  # fmt: skip
    with slowed:
        lines = []
        while line := slowed.stdout.readline():
            lines.append((time.monotonic(), *json.loads(line)))
    assert [name for _, name, *_ in lines] == [
        "sleep", "task", "event", "queue", "condition", "select", "poll", "epoll"
    ]  # fmt: skip
    for (before, *_), (after, name, by_calendar, by_steady) in zip(lines, lines[1:], strict=False):
        # It may be late, as on any machine, but never early: neither for the program nor for us.
        assert by_calendar >= WAIT_S * 0.99 and by_steady >= WAIT_S * 0.99, name
        lasted = after - before
        assert lasted >= by_steady / RATE * 0.9, name


def test_processes_share_one_course_of_time_when_one_starts_the_other(compiled):
    script = (
        "import subprocess, sys, time\n"
        "time.sleep(0.1)\n"
        "read = [sys.executable, '-c', 'import time; print(time.time(), time.monotonic())']\n"
        "before = time.time(), time.monotonic()\n"
        "child = [float(n) for n in subprocess.check_output(read).split()]\n"
        "after = time.time(), time.monotonic()\n"
        "assert all(a <= b <= c for a, b, c in zip(before, child, after)), (before, child, after)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(RATE, compiled), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


def test_command_says_so_when_it_does_not_exist():
    done = subprocess.run(
        [sys.executable, "-m", "tools.emulation.slow_clock", "0.5", "--", "no-such-program"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no-such-program" in done.stderr or "C compiler" in done.stderr
