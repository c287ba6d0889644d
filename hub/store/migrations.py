"""From one version of the schema to the next: an open transaction enters, today's tables leave.

`hub/schema.sql` makes the tables that a store lacks, and what the chain's events tell is dropped
and told anew. Only a change of a table that outlives both needs words here.
"""

from __future__ import annotations

from typing import Any

from hub.errors import NewerStore, OlderStore
from hub.store.backend import Backend
from hub.store.tables import schema

SCHEMA_VERSION = 8
# Told by the chain's events alone.
DERIVED = ("peers", "windows", "orders", "trades", "counters", "accepted_sellers")
# Version -> what to change in lasting tables of the version before; tables that only came need
# nothing here: 3 brought aggregates of boards that were away, 4 the windows' plans, 5 rollouts,
# 6 readings of smart plugs, 7 alarms and letters, 8 periods of metered energy and anchors.
LASTING: dict[int, str] = {
    2: """
        ALTER TABLE delivery_reports RENAME TO reports_of_version_1;
        CREATE TABLE delivery_reports (
            delivery_id TEXT NOT NULL,
            node TEXT NOT NULL,
            role TEXT NOT NULL,
            phase TEXT NOT NULL,
            received_at_ms INTEGER NOT NULL,
            energy_uwh INTEGER NOT NULL,
            counterparty_uwh INTEGER NOT NULL,
            elapsed_ms INTEGER NOT NULL,
            register_uwh INTEGER NOT NULL,
            reason TEXT,
            PRIMARY KEY (delivery_id, node, role, phase)  -- nobody's report replaces another's
        ) WITHOUT ROWID;
        INSERT INTO delivery_reports SELECT delivery_id, node, role, phase, received_at_ms,
            energy_uwh, counterparty_uwh, elapsed_ms, register_uwh, reason
          FROM reports_of_version_1;
        DROP TABLE reports_of_version_1;
    """,
}


def bring_to_version(backend: Backend, connection: Any) -> bool:
    """Make the schema today's; True when it was changed, and `DERIVED` is to be filled.

    Within a transaction: a power cut in the middle leaves the store as it was.
    Raises NewerStore, ForeignStore.
    """
    version = backend.version(connection)
    refuse_newer(backend, version)
    if version == SCHEMA_VERSION:
        return False
    for step in range(version + 1, SCHEMA_VERSION + 1):
        if version and step in LASTING:
            backend.run_script(connection, LASTING[step])
    for table in DERIVED:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    backend.run_script(connection, schema())
    backend.set_version(connection, SCHEMA_VERSION)
    return True


def refuse_other_version(backend: Backend, connection: Any) -> None:
    """Raises NewerStore, OlderStore, ForeignStore."""
    version = backend.version(connection)
    refuse_newer(backend, version)
    if version < SCHEMA_VERSION:
        raise OlderStore(
            f"{backend.place}: of an older Trueque (store version {version}, this program knows "
            f"{SCHEMA_VERSION}); restart the hub: it brings the store up to date as it starts"
        )


def refuse_newer(backend: Backend, version: int) -> None:
    """Raises NewerStore."""
    if version > SCHEMA_VERSION:
        raise NewerStore(
            f"{backend.place}: written by a newer Trueque (store version {version}, this program "
            f"knows {SCHEMA_VERSION}); update the program, or restore an older backup"
        )
