"""A whole store, as of one moment, enters; a fresh one on any database leaves with all its rows."""

from __future__ import annotations

import itertools

from hub.store.database import Database
from hub.store.tables import tables

ROWS_AT_ONCE = 1_000
VERSION = "schema_version"  # a database's own, where it has no other place for it


def copy_rows(source: Database, target: Database) -> int:
    """Copy every row in one transaction; return how many. `target` must be fresh.

    Raises StoreError, and then the target has no row more than before.
    """
    count = 0
    source_backend, target_backend = source.backend, target.backend
    try:
        with source_backend.snapshot() as rows_of, target.transaction() as connection:
            for name, table in tables().items():
                columns = ", ".join(table.columns)
                marks = ", ".join("?" * len(table.columns))
                rows = rows_of(f"SELECT {columns} FROM {name}")
                while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
                    values = [
                        [row[column] for column in table.columns]
                        for row in batch
                        if name != "hub_state" or row["name"] != VERSION
                    ]
                    connection.executemany(
                        f"INSERT INTO {name} ({columns}) VALUES ({marks})", values
                    )
                    count += len(values)
    except source_backend.errors as problem:
        raise source_backend.trouble(problem) from None
    except target_backend.errors as problem:
        raise target_backend.trouble(problem) from None
    return count
