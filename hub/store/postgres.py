"""The store on a PostgreSQL server: the store's own SQL enters, PostgreSQL's leaves.

What differs is little: the marks of parameters, three names of types, and two ways of inserting.
Needs psycopg 3 (`pip install trueque[postgres]`).
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hub.errors import DamagedStore, ForeignStore, PartMissing, StoreError
from hub.store.tables import tables, without_comments

try:
    import psycopg
    from psycopg.rows import dict_row
    from psycopg.types.bool import BoolDumper
except ImportError:  # the extra is not installed: `PostgresBackend` says so
    psycopg = None  # type: ignore[assignment]

CONNECT_TIMEOUT_S = 10
FETCHED_AT_ONCE = 2_000
WRITERS, HUBS = 0x7472_7101, 0x7472_7102  # advisory locks
VERSION = "schema_version"
_TYPES = (
    (re.compile(r"\bINTEGER\b"), "BIGINT"),  # SQLite's has 64 bits
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'),  # ordered by bytes, as SQLite does
    (re.compile(r"\)\s*WITHOUT ROWID"), ")"),
)
_INSERT = re.compile(
    r"\s*INSERT OR (?P<how>REPLACE|IGNORE) INTO (?P<table>\w+)(?P<rest>.*)", re.DOTALL
)


def schema(text: str) -> str:
    """Return the schema in PostgreSQL's words."""
    text = without_comments(text)
    for pattern, replacement in _TYPES:
        text = pattern.sub(replacement, text)
    return text


@functools.lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """Return a statement of the store in PostgreSQL's words."""
    match = _INSERT.fullmatch(sql)
    if match is not None:
        sql = f"INSERT INTO {match['table']}{match['rest']} ON CONFLICT "
        table = tables()[match["table"]]
        others = [name for name in table.columns if name not in table.key]
        if match["how"] == "IGNORE" or not others:
            sql += "DO NOTHING"
        else:  # what the statement does not name gets its default, as with SQLite
            changes = ", ".join(f"{name} = excluded.{name}" for name in others)
            sql += f"({', '.join(table.key)}) DO UPDATE SET {changes}"
    return sql.replace("%", "%%").replace("?", "%s")


def _as_number(value: bool) -> bytes:
    return b"1" if value else b"0"


class PostgresConnection:
    """One connection, made again when the server was away; not in a transaction, though."""

    def __init__(self, backend: PostgresBackend, is_reader: bool) -> None:
        self._backend = backend
        self._is_reader = is_reader
        self._raw = backend.open(is_reader)
        self.is_in_transaction = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        text = translated(sql)
        try:
            return self._raw.execute(text, parameters or None)
        except psycopg.OperationalError:
            if self.is_in_transaction or not self._raw.broken:
                raise
            self._raw = self._backend.open_again(self._is_reader)
            return self._raw.execute(text, parameters or None)

    def executemany(self, sql: str, rows: Any) -> None:
        self._raw.cursor().executemany(translated(sql), list(rows))

    def run(self, sql: str) -> None:
        """Run statements as they are."""
        self._raw.execute(sql)

    def close(self) -> None:
        self._raw.close()


class PostgresBackend:
    """One database of a server, whose tables stand in the schema that the URL's user sees first."""

    def __init__(self, url: str) -> None:
        if psycopg is None:
            raise PartMissing(
                "a store on PostgreSQL needs psycopg: .venv/bin/pip install 'psycopg[binary]>=3.2'"
            )
        self.errors: tuple[type[Exception], ...] = (psycopg.Error,)
        self._url = url
        self._claim: Any = None
        self._claiming = threading.Lock()
        parts = psycopg.conninfo.conninfo_to_dict(url)
        self.place = f"PostgreSQL {parts.get('host', 'local')}/{parts.get('dbname', '')}"

    def open(self, is_reader: bool) -> Any:
        """Return psycopg's own connection."""
        try:
            raw = psycopg.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                cursor_factory=psycopg.ClientCursor,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="trueque",
            )
        except psycopg.Error as problem:
            raise StoreError(f"{self.place}: {_line(problem)}; is the server up?") from None
        raw.adapters.register_dumper(bool, _BoolAsNumber)
        if is_reader:
            raw.execute("SET default_transaction_read_only = on")
        return raw

    def open_again(self, is_reader: bool) -> Any:
        """Return a connection in place of a broken one.

        Raises StoreError when another hub took the database while the server or the way to it was
        away.
        """
        with self._claiming:
            if self._claim is not None and not _is_alive(self._claim):
                self._claim = self._claimed()
        return self.open(is_reader)

    def connect(self, is_reader: bool) -> PostgresConnection:
        return PostgresConnection(self, is_reader)

    def said(self, problem: Exception) -> str:
        """Return what went wrong and what to do about it."""
        remedy = ""
        if isinstance(problem, psycopg.errors.DiskFull):
            remedy = "; free some space on the server, or shorten store.keep_readings_days"
        elif isinstance(problem, psycopg.errors.ReadOnlySqlTransaction):
            remedy = "; the server is a standby, or its user may not write"
        return f"{self.place}: {_line(problem)}{remedy}"

    def trouble(self, problem: Exception) -> StoreError:
        damage = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)
        kind = DamagedStore if isinstance(problem, damage) else StoreError
        return kind(self.said(problem))

    # Transactions -------------------------------------------------------------------------------

    @staticmethod
    def begin(connection: PostgresConnection) -> None:
        connection.execute("BEGIN")
        connection.is_in_transaction = True
        # One writer at a time, as with SQLite: what reads before it writes need not look twice.
        connection.execute("SELECT pg_advisory_xact_lock(?)", (WRITERS,))

    @staticmethod
    def end(connection: PostgresConnection, is_good: bool) -> None:
        if not connection.is_in_transaction:
            return
        try:
            connection.execute("COMMIT" if is_good else "ROLLBACK")
        finally:
            connection.is_in_transaction = False

    # Versions -----------------------------------------------------------------------------------

    def version(self, connection: PostgresConnection) -> int:
        tables = {
            row["tablename"]
            for row in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        }
        if not tables:
            return 0
        row = None
        if "hub_state" in tables:
            found = connection.execute("SELECT value FROM hub_state WHERE name = ?", (VERSION,))
            row = found.fetchone()
        if row is None:
            raise ForeignStore(
                f"{self.place} holds another program's tables: make a database of its own for the "
                "site (createdb trueque) and name it in store.url"
            )
        return int(row["value"])

    @staticmethod
    def set_version(connection: PostgresConnection, version: int) -> None:
        sql = "INSERT OR REPLACE INTO hub_state (name, value) VALUES (?, ?)"
        connection.execute(sql, (VERSION, str(version)))

    @staticmethod
    def prepare(connection: PostgresConnection) -> None:
        """Nothing."""

    @staticmethod
    def run_script(connection: PostgresConnection, script: str) -> None:
        connection.run(schema(script))

    # The whole ----------------------------------------------------------------------------------

    def each(self, sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
        raw = self.open(is_reader=True)
        try:
            with raw.transaction():
                text = psycopg.ClientCursor(raw).mogrify(translated(sql), parameters)
                with psycopg.ServerCursor(raw, f"each_{uuid.uuid4().hex}") as cursor:
                    cursor.itersize = FETCHED_AT_ONCE
                    cursor.execute(text.encode())
                    yield from cursor
        finally:
            raw.close()

    def check_whole(self) -> None:
        """The server guards its own files (data checksums, its log)."""

    @staticmethod
    def give_back(connection: PostgresConnection, pages: int) -> None:
        """Autovacuum does that."""

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Callable[[str], Iterator[Any]]]:
        raw = self.open(is_reader=True)
        try:
            raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")

            def rows_of(sql: str) -> Iterator[Any]:
                with psycopg.ServerCursor(raw, f"each_{uuid.uuid4().hex}") as cursor:
                    cursor.itersize = FETCHED_AT_ONCE
                    cursor.execute(translated(sql).encode())
                    yield from cursor

            yield rows_of
        finally:
            raw.close()

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the database for one hub; the server lets go when that hub's connection ends."""
        self._claim = self._claimed()
        try:
            yield
        finally:
            with self._claiming:
                held, self._claim = self._claim, None
            held.close()

    def _claimed(self) -> Any:
        raw = self.open(is_reader=False)
        row = raw.execute(f"SELECT pg_try_advisory_lock({HUBS}) AS is_ours").fetchone()
        if not row["is_ours"]:
            raw.close()
            raise StoreError(
                f"{self.place}: another hub uses this database; stop it first, or name another in "
                "store.url"
            )
        return raw


def _is_alive(raw: Any) -> bool:
    try:
        raw.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


if psycopg is not None:

    class _BoolAsNumber(BoolDumper):
        """The schema's flags are numbers, as in SQLite."""

        oid = psycopg.adapters.types["int8"].oid

        def dump(self, obj: bool) -> bytes:
            return _as_number(obj)

        def quote(self, obj: bool) -> bytes:
            return _as_number(obj)


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())
