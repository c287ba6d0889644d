"""A PostgreSQL server of a test session's own: Debian's programs on a fresh cluster."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STARTED_S = 60
PACKAGED = Path("/usr/lib/postgresql")


def why_not() -> str | None:
    """Return why there can be no server here, None when there can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    if _programs() is None:
        return "no PostgreSQL server is installed (Debian: apt install postgresql)"
    if os.geteuid() == 0 and _user() is None:
        return "initdb refuses root, and there is no user postgres to be instead"
    return None


def _programs() -> Path | None:
    found = sorted(PACKAGED.glob("*/bin/initdb")) if PACKAGED.is_dir() else []
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


class Server:
    """A server that runs, and can be stopped and started again."""

    def __init__(self, directory: Path) -> None:
        programs, user = _programs(), _user()
        assert programs is not None
        self._programs = programs
        self._directory = directory
        self._options: dict[str, Any] = {"cwd": directory}
        if os.geteuid() == 0 and user is not None:  # both refuse root
            self._options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(directory, user.pw_uid, user.pw_gid)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [programs / "initdb", "-D", directory / "cluster", "-U", "trueque", "-A", "trust",
             "--no-sync", "--locale=C.UTF-8"],
            check=True, capture_output=True, **self._options,
        )  # fmt: skip

    def start(self) -> None:
        """Start it and return once it answers."""
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._directory / "cluster",
                 "-k", self._directory, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=log, stderr=log, **self._options,
            )  # fmt: skip
        deadline = time.monotonic() + STARTED_S
        ready = [self._programs / "pg_isready", "-q", "-h", self._directory]
        while subprocess.run(ready, check=False).returncode != 0:
            assert self._process.poll() is None, (self._directory / "server.log").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: its clients lose their connections."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def new_url(self) -> str:
        """Return the URL of an empty schema, which is what a store takes for its database."""
        import psycopg

        name = f"site{next(self._numbers)}"
        url = f"postgresql://trueque@/postgres?host={self._directory}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{url}&options=-csearch_path%3D{name}"


@contextmanager
def running() -> Iterator[Server]:
    """Run a server in a directory of its own, and leave nothing."""
    # Not below pytest's own directory: the server's user may not enter that.
    directory = Path(tempfile.mkdtemp(prefix="trueque-postgres-"))
    server = Server(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
