"""Where a store is: a file's path or a server's URL enters, its backend leaves."""

from __future__ import annotations

from pathlib import Path

from hub.store.backend import Backend

SCHEMES = ("postgresql://", "postgres://")


class StoreUrl(str):
    """The URL of a database; like a path it can be asked whether something is there."""

    def exists(self) -> bool:
        """Tell whether the database has tables. Raises StoreError when its server is away."""
        backend = backend_of(self)
        connection = backend.connect(is_reader=True)
        try:
            return backend.version(connection) > 0
        finally:
            connection.close()


Place = Path | StoreUrl


def look_at(place: Place) -> int:
    """Look whether a store is whole, without changing it; return its schema's version.

    Raises StoreError.
    """
    backend = backend_of(place)
    backend.check_whole()
    connection = backend.connect(is_reader=True)
    try:
        return backend.version(connection)
    except backend.errors as problem:
        raise backend.trouble(problem) from None
    finally:
        connection.close()


def backend_of(place: Place) -> Backend:
    """Return the backend of a place. Raises PartMissing when its driver is not installed."""
    if isinstance(place, StoreUrl):
        from hub.store.postgres import PostgresBackend  # an optional part

        return PostgresBackend(place)
    from hub.store.sqlite import SqliteBackend

    return SqliteBackend(place)
