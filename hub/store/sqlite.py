"""The store as one SQLite file in WAL mode: what a Raspberry Pi needs, and no server."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hub.errors import DamagedStore, ForeignStore, StoreError

BUSY_TIMEOUT_S = 10.0
IS_EFFECTIVE = os.access in os.supports_effective_ids
INCREMENTAL = 2  # PRAGMA auto_vacuum
FREE_PART = 8  # of a file may be free: the readings of the next days go there
WAL_LIMIT_BYTES = 64_000_000
RESTORE = (
    "restore a backup into a new directory (trueque hub restore FILE --data DIR), or move the "
    "file away to start anew"
)
# What to do about what SQLite says, by its result codes (sqlite.org/rescode.html).
_REMEDIES = {
    "SQLITE_FULL": "the disk is full: free some space, or shorten store.keep_readings_days",
    "SQLITE_READONLY": "the file or its directory cannot be written: check owner and mode, and "
    "that the disk is not mounted read-only",
    "SQLITE_CANTOPEN": "the file or its directory cannot be opened: check owner and mode",
    "SQLITE_IOERR": "the disk failed, or is full: look at dmesg and df",
    "SQLITE_CORRUPT": RESTORE,
    "SQLITE_NOTADB": RESTORE,
    "SQLITE_BUSY": "another program holds the file: end it",
}


_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class SqliteBackend:
    """One file. One writer at a time, readers never wait for it."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)

    def connect(self, is_reader: bool) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            if not is_reader:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._refuse_unwritable()
            # A reader must not make the file it looks for.
            mode = "rw" if is_reader else "rwc"
            connection = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.row_factory = sqlite3.Row
            if is_reader:
                connection.execute("PRAGMA query_only = 1")
                return connection
            self._set_up(connection)
            return connection
        except sqlite3.Error as problem:
            if connection is not None:
                connection.close()
            raise self.trouble(problem) from None
        except OSError as problem:
            raise StoreError(f"{self.path}: {problem.strerror}") from None

    def _refuse_unwritable(self) -> None:
        """SQLite itself would only say so at the first write."""
        for path in (self.path.parent, self.path):
            if path.exists() and not os.access(path, os.W_OK, effective_ids=IS_EFFECTIVE):
                raise StoreError(f"{path}: {_REMEDIES['SQLITE_READONLY']}")

    @staticmethod
    def _set_up(connection: sqlite3.Connection) -> None:
        # Before the first table: it cannot be changed afterwards without writing all anew.
        connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        connection.execute("PRAGMA synchronous = FULL")  # a power cut loses no commit

    def said(self, problem: Exception) -> str:
        """Return what went wrong and what to do about it."""
        remedy = _REMEDIES.get(_code(problem))
        return f"{self.path}: {problem}" + (f"; {remedy}" if remedy else "")

    def trouble(self, problem: Exception) -> StoreError:
        kind = DamagedStore if _code(problem) in _DAMAGE else StoreError
        return kind(self.said(problem))

    # Transactions -------------------------------------------------------------------------------

    @staticmethod
    def begin(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")

    @staticmethod
    def end(connection: sqlite3.Connection, is_good: bool) -> None:
        if is_good:
            connection.execute("COMMIT")
        elif connection.in_transaction:
            connection.execute("ROLLBACK")

    # Versions -----------------------------------------------------------------------------------

    def version(self, connection: sqlite3.Connection) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if tables and (version == 0 or "hub_state" not in tables):
            raise ForeignStore(
                f"{self.path} is another program's database: move it away, or choose another --data"
            )
        return version

    @staticmethod
    def set_version(connection: sqlite3.Connection, version: int) -> None:
        connection.execute(f"PRAGMA user_version = {version}")

    @staticmethod
    def run_script(connection: sqlite3.Connection, script: str) -> None:
        for statement in statements(script):
            connection.execute(statement)

    # The whole ----------------------------------------------------------------------------------

    def each(self, sql: str, parameters: Sequence[Any]) -> Iterator[sqlite3.Row]:
        connection = self.connect(is_reader=True)
        try:
            yield from connection.execute(sql, parameters)
        finally:
            connection.close()

    def check_whole(self) -> None:
        connection = self.connect(is_reader=True)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as problem:
            said = str(problem)
        finally:
            connection.close()
        if said != "ok":
            raise DamagedStore(f"{self.path} is damaged ({' '.join(said.split())}); {RESTORE}")

    @staticmethod
    def give_back(connection: sqlite3.Connection, pages: int) -> None:
        """Shrink the file, unless what is free in it will soon be written again."""
        free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
        total: int = connection.execute("PRAGMA page_count").fetchone()[0]
        pages = min(pages, free - total // FREE_PART)
        if pages <= 0:
            return
        # `execute` would take one step of it, which is one page.
        connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make a file of before schema version 6 able to shrink: it is written anew, once."""
        mode = connection.execute("PRAGMA auto_vacuum").fetchone()[0]
        if mode != INCREMENTAL:
            connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            connection.execute("VACUUM")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Callable[[str], Iterator[Any]]]:
        connection = self.connect(is_reader=True)
        try:
            connection.execute("BEGIN")
            yield lambda sql: iter(connection.execute(sql))
        finally:
            connection.close()

    def copy_to(self, path: Path) -> None:
        """Write the file's copy as of one moment."""
        source = self.connect(is_reader=True)
        try:
            with contextlib.closing(sqlite3.connect(path)) as target:
                source.backup(target)  # in one step: a write in between would begin it anew
        except sqlite3.Error as problem:
            raise StoreError(f"{self.path} was not copied: {problem}") from None
        finally:
            source.close()

    @staticmethod
    def claim() -> contextlib.AbstractContextManager[None]:
        """The directory's own lock holds it."""
        return contextlib.nullcontext()


def _code(problem: Exception) -> str:
    """Return SQLite's primary result code by name: SQLITE_IOERR of SQLITE_IOERR_WRITE."""
    return "_".join(str(getattr(problem, "sqlite_errorname", "")).split("_")[:2])


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would end the transaction it is in."""
    text = ""
    for line in script.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip():
        yield text
