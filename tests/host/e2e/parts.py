"""What tests of a whole site share: processes that end with the test, a hub, virtual boards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w

from hub import config as configuration
from hub import running
from tools import demo_site

ROOT = Path(__file__).parents[3]
READY_S = 300


def trueque(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tools", *map(str, arguments)]


class Running:
    """Processes of a test; what is left of them ends with it."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        with (self._log_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, process_group=0)
        self._processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self._log_dir / f"{name}.log").read_text(errors="replace")[-4000:]

    def end(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def wait_for(condition: Callable[[], bool], seconds: float, said: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)


def start_hub(parts: Running, name: str, site: Path, *options: str) -> subprocess.Popen[bytes]:
    hub = parts.start(name, trueque("hub", "up", "--data", site, *options))

    def is_ready() -> bool:
        assert hub.poll() is None, parts.log(name)
        state = running.announced(site)
        return state is not None and state["pid"] == hub.pid

    wait_for(is_ready, READY_S, lambda: parts.log(name))
    return hub


def start_boards(parts: Running, site: Path) -> None:
    state = running.announced(site)
    assert state is not None
    clock = state["clock"]
    argv = [sys.executable, "-m", "tools.bench", "--state", state["boards_dir"], "--houses", "2",
            "--speed", str(clock["speed"]), "--start", clock["start_local"],
            "--started-at-ms", str(clock["started_at_ms"]), "--zone", clock["zone"]]  # fmt: skip
    parts.start("boards", argv)


def make_site(data: Path, **tables: dict[str, Any]) -> None:
    """Make a site of two houses for one window, with boards that have keys."""
    import tomllib

    made = subprocess.run(
        trueque("hub", "init", "--data", data, "--houses", "2", "--once"), cwd=ROOT, check=False
    )
    assert made.returncode == 0
    path = data / configuration.FILE_NAME
    found = tomllib.loads(path.read_text())
    for name, table in {"schedule": {"once_bids_s": 20}, **tables}.items():
        found[name].update(table)
    path.write_text(tomli_w.dumps(found))
    demo_site.learn_board_keys(data)
