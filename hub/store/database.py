"""The store's file: opening, versions, transactions, and the hub's own small state."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from hub.errors import ForeignStore, NewerStore, StoreError
from hub.store.rows import IdentityRow

SCHEMA_VERSION = 6
# Told by the chain's events alone.
DERIVED = ("peers", "windows", "orders", "trades", "counters", "accepted_sellers")
BUSY_TIMEOUT_S = 10.0
Row = TypeVar("Row")


class Database:
    """One SQLite file in WAL mode: one writer at a time, any number of reading threads.

    Writes go through one connection under a lock; every thread reads through a connection of its
    own, so it never sees half a transaction and never waits for a writer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._is_closed = False
        try:
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")  # a power cut loses no commit
            self._bring_to_version()
        except sqlite3.DatabaseError as problem:
            self.close()
            raise StoreError(
                f"{path}: {problem}; restore a backup, or move the file away to start anew"
            ) from None
        except StoreError:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Any:
        """Open or create the store. Raises NewerStore or StoreError, saying what to do."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path)

    def close(self) -> None:
        """Close all connections; afterwards the store must not be used."""
        with self._lock:
            self._is_closed = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        self._connections.append(connection)
        return connection

    def _bring_to_version(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise NewerStore(
                f"{self.path}: written by a newer Trueque (store version {version}, this program "
                f"knows {SCHEMA_VERSION}); update the program, or restore an older backup"
            )
        if version == SCHEMA_VERSION:
            return
        schema = resources.files("hub").joinpath("schema.sql").read_text(encoding="utf-8")
        outdated = "".join(f"DROP TABLE IF EXISTS {table};\n" for table in DERIVED)
        self._writer.executescript(
            f"BEGIN;\n{outdated}{schema}\nPRAGMA user_version = {SCHEMA_VERSION};"
        )
        self._rebuild(self._writer)
        self._writer.execute("COMMIT")

    def _rebuild(self, connection: sqlite3.Connection) -> None:
        """Fill the tables of DERIVED anew; by whoever knows what events mean."""

    @property
    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock:
                if self._is_closed:
                    raise StoreError(f"{self.path}: the store is closed")
                connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
        return connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: all of it is stored, or nothing. May be nested."""
        with self._lock:
            if self._is_closed:
                raise StoreError(f"{self.path}: the store is closed")
            if self._depth:
                yield self._writer
                return
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                self._depth = 1
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.Error as problem:
                raise StoreError(f"{self.path}: {problem}") from problem
            finally:
                self._depth = 0
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        try:
            return self._reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as problem:  # closed meanwhile, damaged, or not of this program
            raise StoreError(f"{self.path}: {problem}") from problem

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        rows = self._rows(sql, parameters)
        return rows[0] if rows else None

    # Small state ------------------------------------------------------------------------------

    def state(self, name: str) -> Any:
        """Return a named value of the hub's own state, None when it was never set."""
        row = self._one("SELECT value FROM hub_state WHERE name = ?", (name,))
        return None if row is None else json.loads(row["value"])

    def set_state(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO hub_state VALUES (?, ?)", (name, json.dumps(value))
            )

    # The whole ----------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The version of the store's schema."""
        return SCHEMA_VERSION

    def check_whole(self) -> None:
        """Look at every page of the file. Raises StoreError when it is damaged."""
        try:
            said = self._reader.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as problem:
            said = str(problem)
        if said != "ok":
            raise StoreError(
                f"{self.path} is damaged ({said}); restore a backup into a new directory: "
                "trueque hub restore FILE --data DIR"
            )

    def copy_to(self, path: Path) -> None:
        """Write a copy as of one moment, while others write. Raises StoreError."""
        try:
            target = sqlite3.connect(path)
            try:
                self._reader.backup(target)  # in one step: a writer in between would restart it
            finally:
                target.close()
        except sqlite3.Error as problem:
            raise StoreError(f"{self.path} was not copied: {problem}") from None

    def next_epoch(self) -> int:
        """Begin a new hub epoch: all delivery ids, leases and commands before it are void."""
        with self.transaction() as connection:
            row = connection.execute("SELECT value FROM hub_state WHERE name = 'epoch'").fetchone()
            epoch = 1 if row is None else json.loads(row["value"]) + 1
            self.set_state("epoch", epoch)
            return epoch

    def raise_epoch(self, epoch: int) -> None:
        """Let the next epoch be above this one."""
        with self.transaction():
            if epoch > (self.state("epoch") or 0):
                self.set_state("epoch", epoch)

    def identity(self) -> IdentityRow | None:
        """Return the chain and contract the store belongs to, None before the first."""
        table = self.state("identity")
        return None if table is None else IdentityRow(**table)

    def bind_identity(self, found: IdentityRow) -> None:
        """Tie the store to one chain and contract for good.

        Raises ForeignStore when the store belongs to another.
        """
        known = self.identity()
        if known is None:
            self.set_state("identity", dataclasses.asdict(found))
        elif known != found:
            ours, theirs = dataclasses.asdict(known), dataclasses.asdict(found)
            differing = ", ".join(name for name in ours if ours[name] != theirs[name])
            raise ForeignStore(
                f"{self.path} belongs to another chain or contract ({differing} differ: the store "
                f"knows contract {known.address} on chain {known.chain_id}, found "
                f"{found.address} on chain {found.chain_id}); bring back the chain's own "
                f"directory, or start a new site with: trueque hub init --data <new directory>"
            )
