"""The hub's store: everything the site knows, in one SQLite file or on a PostgreSQL server.

Only this package knows SQL.
"""

from __future__ import annotations

from hub.store.alarms import AlarmTables
from hub.store.anchors import AnchorTables
from hub.store.intake import IntakeTables, Verified
from hub.store.journal import JournalTables
from hub.store.live import LiveTables
from hub.store.plugs import PlugTables
from hub.store.pruning import PruningTables
from hub.store.rows import (
    AlarmRow,
    AnchorRow,
    CounterRow,
    DeliveryRow,
    IdentityRow,
    LetterRow,
    NodeRow,
    OrderRow,
    PackageRow,
    PeerRow,
    PlanRow,
    ReportRow,
    SignatureRow,
    StatusRow,
    TradeRow,
    TransactionRow,
    UpdateRow,
    WindowRow,
)
from hub.store.updates import UpdateTables

__all__ = [
    "AlarmRow",
    "AnchorRow",
    "CounterRow",
    "DeliveryRow",
    "IdentityRow",
    "LetterRow",
    "NodeRow",
    "OrderRow",
    "PackageRow",
    "PeerRow",
    "PlanRow",
    "ReportRow",
    "SignatureRow",
    "StatusRow",
    "Store",
    "TradeRow",
    "TransactionRow",
    "UpdateRow",
    "Verified",
    "WindowRow",
]


class Store(
    IntakeTables,
    PruningTables,
    LiveTables,
    JournalTables,
    UpdateTables,
    PlugTables,
    AlarmTables,
    AnchorTables,
):
    """`Store.open(place)`; safe from several threads; every method is one transaction."""
