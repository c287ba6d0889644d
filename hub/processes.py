"""Child processes of the hub: started in a group of their own, logged, and never outliving it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)


def free_port() -> int:
    """Return a TCP port that is free on loopback right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_open(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something accepts TCP connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def is_udp_port_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a UDP port cannot be had there."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


async def wait_until(
    predicate: Callable[[], bool], timeout_s: float, what: str, period_s: float = 0.05
) -> None:
    """Wait for a condition; raise TimeoutError naming it when it does not come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not predicate():
        if loop.time() >= deadline:
            raise TimeoutError(f"{what} did not happen within {timeout_s:g} s")
        await asyncio.sleep(period_s)


def die_with_parent(parent_pid: int) -> Callable[[], None]:
    """Make the kernel end the child when its parent dies, even by SIGKILL (Linux only)."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def before_exec() -> None:
        os.setsid()
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent_pid:  # the parent died before prctl
                os._exit(1)

    return before_exec


class Child:
    """One supervised process.

    Its output is appended to `log_path`. `stdin_text` is written to its standard input, which is
    then closed: the way to hand over secrets that must not stand in an argument list.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | os.PathLike[str]],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin_text: str | None = None,
    ) -> None:
        self.name = name
        self._argv = [os.fspath(part) for part in argv]
        self.log_path = log_path
        self._env = None if env is None else {**os.environ, **env}
        self._cwd = cwd
        self._stdin_text = stdin_text
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, or None while it runs or was never started."""
        return None if self._process is None else self._process.returncode

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process. Raises FileNotFoundError when the program does not exist."""
        if self.is_running:
            raise RuntimeError(f"{self.name} already runs")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.PIPE
                if self._stdin_text is not None
                else asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                preexec_fn=die_with_parent(os.getpid()),
            )
        if self._stdin_text is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._process.stdin.write(self._stdin_text.encode())
                await self._process.stdin.drain()
            self._process.stdin.close()

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return await self._process.wait()

    async def stop(self, timeout_s: float = 5.0) -> None:
        """End it: SIGTERM to its group, SIGKILL when it has not gone after `timeout_s`."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), timeout_s)
        self._signal(signal.SIGKILL)  # whatever of its group is left
        await self._process.wait()

    def hang_up(self) -> None:
        """Send SIGHUP: to read its files again."""
        self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log, for error messages."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
