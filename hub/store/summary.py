"""What a store is of: any version up to this program's enters, a few plain facts leave."""

from __future__ import annotations

import json
from typing import Any

from hub.errors import StoreError
from hub.store.migrations import refuse_newer
from hub.store.place import Place, backend_of

_STATE = "SELECT value FROM hub_state WHERE name = ?"


def summary(place: Place) -> dict[str, Any]:
    """Look whether a store is whole, and tell its version, epoch, identity and last block.

    It is not changed. Raises StoreError, NewerStore, ForeignStore.
    """
    backend = backend_of(place)
    backend.check_whole()
    connection = backend.connect(is_reader=True)
    try:
        version = backend.version(connection)
        refuse_newer(backend, version)
        found = {
            name: None if row is None else json.loads(row["value"])
            for name in ("epoch", "identity")
            for row in [connection.execute(_STATE, (name,)).fetchone()]
        }
        cursor = connection.execute("SELECT block_number FROM chain_cursor").fetchone()
    except backend.errors as problem:
        raise StoreError(backend.said(problem)) from None
    finally:
        connection.close()
    return {
        "version": version,
        **found,
        "block": None if cursor is None else cursor["block_number"],
    }
