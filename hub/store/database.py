"""The store's database: opening, versions, transactions, and the hub's own small state."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from hub.errors import ForeignStore, StoreError
from hub.store import migrations
from hub.store.backend import Backend, Connection
from hub.store.place import Place, backend_of
from hub.store.rows import IdentityRow


class Database:
    """One database: one writer at a time, any number of reading threads.

    Writes go through one connection under a lock; every thread reads through a connection of its
    own, so it never sees half a transaction and never waits for a writer.
    """

    def __init__(self, place: Place, backend: Backend | None = None) -> None:
        self.place = place
        self._backend = backend or backend_of(place)
        self._lock = threading.RLock()
        self._depth = 0
        self._local = threading.local()
        self._connections: list[Any] = []
        self._is_closed = False
        try:
            self._writer = self._connect(is_reader=False)
            self._bring_to_version()
            self._backend.prepare(self._writer)
        except self._backend.errors as problem:
            self.close()
            raise self._backend.trouble(problem) from None
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, place: Place) -> Any:
        """Open or create the store, and bring it to this version: for its hub, or when none runs.

        Raises NewerStore or StoreError, saying what to do.
        """
        return cls(place)

    @classmethod
    def open_for_hub(cls, place: Place, closers: contextlib.AsyncExitStack) -> Any:
        """Open or create the store for the one hub that may have it, until `closers` close.

        It is held before anything in it is changed: another hub may run on it. Raises NewerStore
        or StoreError, saying what to do.
        """
        backend = backend_of(place)
        try:
            closers.enter_context(backend.claim())
        except backend.errors as problem:
            raise backend.trouble(problem) from None
        store = cls(place, backend)
        closers.callback(store.close)
        return store

    @classmethod
    def join(cls, place: Place) -> Any:
        """Open a store that a hub may be using: it is neither made nor brought to this version.

        Raises StoreError, OlderStore or NewerStore, saying what to do.
        """
        backend = backend_of(place)
        connection = backend.connect(is_reader=True)
        try:
            migrations.refuse_other_version(backend, connection)
        except backend.errors as problem:
            raise StoreError(backend.said(problem)) from None
        finally:
            connection.close()
        return cls(place)

    def close(self) -> None:
        """Close all connections; afterwards the store must not be used."""
        with self._lock:
            self._is_closed = True
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connect(self, is_reader: bool) -> Any:
        connection = self._backend.connect(is_reader)
        self._connections.append(connection)
        return connection

    def _bring_to_version(self) -> None:
        self._backend.begin(self._writer)
        try:
            if migrations.bring_to_version(self._backend, self._writer):
                self._rebuild(self._writer)
            self._backend.end(self._writer, is_good=True)
        except BaseException:
            with contextlib.suppress(*self._backend.errors):
                self._backend.end(self._writer, is_good=False)
            raise

    def _rebuild(self, connection: Connection) -> None:
        """Fill the tables of DERIVED anew; by whoever knows what events mean."""

    @property
    def _reader(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock:
                if self._is_closed:
                    raise StoreError(f"{self._backend.place}: the store is closed")
                connection = self._connect(is_reader=True)
            self._local.connection = connection
        return connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """Run the block as one transaction: all of it is stored, or nothing. May be nested."""
        with self._lock:
            if self._is_closed:
                raise StoreError(f"{self._backend.place}: the store is closed")
            if self._depth:
                yield self._writer
                return
            is_good = False
            try:
                self._backend.begin(self._writer)
                self._depth = 1
                yield self._writer
                self._backend.end(self._writer, is_good=True)
                is_good = True
            except self._backend.errors as problem:
                raise self._backend.trouble(problem) from problem
            finally:
                self._depth = 0
                if not is_good:
                    with contextlib.suppress(*self._backend.errors):
                        self._backend.end(self._writer, is_good=False)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        try:
            rows: list[Any] = self._reader.execute(sql, parameters).fetchall()
            return rows
        except self._backend.errors as problem:  # closed meanwhile, damaged, not of this program
            raise self._backend.trouble(problem) from problem

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        rows = self._rows(sql, parameters)
        return rows[0] if rows else None

    def _each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[dict[str, Any]]:
        """Yield rows as of one moment, without holding all."""
        try:
            for row in self._backend.each(sql, parameters):
                yield dict(row)
        except self._backend.errors as problem:
            raise self._backend.trouble(problem) from problem

    # The whole ----------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The version of the store's schema."""
        return migrations.SCHEMA_VERSION

    def check_whole(self) -> None:
        """Look at all of it. Raises StoreError when it is damaged."""
        self._backend.check_whole()

    @property
    def backend(self) -> Backend:
        """The database itself."""
        return self._backend

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
                f"{self._backend.place} belongs to another chain or contract ({differing} "
                f"differ: the store knows contract {known.address} on chain {known.chain_id}, "
                f"found {found.address} on chain {found.chain_id}); bring back the chain's own "
                f"directory, or start a new site with: trueque hub init --data <new directory>"
            )
