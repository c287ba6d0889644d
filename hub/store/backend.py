"""What the store needs of a database: SQLite's file or PostgreSQL's server, behind one interface.

The store's SQL is SQLite's; `hub/store/postgres.py` puts it into PostgreSQL's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hub.errors import StoreError


class Cursor(Protocol):
    """What a statement left."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """One connection; rows are mappings by column name. Raises the backend's `errors`."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...
    def executemany(self, sql: str, rows: Any, /) -> Any: ...
    def close(self) -> None: ...


class Backend(Protocol):
    """One database. `place` names it in sentences, without a password."""

    place: str
    errors: tuple[type[Exception], ...]

    def said(self, problem: Exception) -> str:
        """Return what went wrong, with the place and what to do about it."""

    def trouble(self, problem: Exception) -> StoreError:
        """Return what to raise for one of `errors`; DamagedStore when no waiting helps."""

    def connect(self, is_reader: bool) -> Any:
        """Return a connection of its own. Raises StoreError when there is none to be had."""

    def begin(self, connection: Any) -> None:
        """Begin a transaction that writes: no other one of this store until it ends."""

    def end(self, connection: Any, is_good: bool) -> None:
        """Commit, or undo what is left of a transaction."""

    def version(self, connection: Any) -> int:
        """Return the schema's version, 0 of an empty database. Raises StoreError if foreign."""

    def set_version(self, connection: Any, version: int) -> None: ...

    def prepare(self, connection: Any) -> None:
        """Do what the newest version needs done outside any transaction."""

    def run_script(self, connection: Any, script: str) -> None:
        """Run statements inside the transaction that was begun."""

    def each(self, sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
        """Yield rows one by one, as of one moment, without holding all."""

    def check_whole(self) -> None:
        """Look for damage. Raises StoreError."""

    def give_back(self, connection: Any, pages: int) -> None:
        """Give some of the space that deleted rows left back to the file system."""

    def snapshot(self) -> AbstractContextManager[Callable[[str], Iterator[Any]]]:
        """Give the rows of statements, all as of one moment."""

    def claim(self) -> AbstractContextManager[None]:
        """Hold the store for one hub. Raises StoreError when another has it."""
