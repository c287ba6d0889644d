"""What bridges may see of the hub: read-only views of the store, and each bridge's own place in it.

A bridge is given these and nothing else: no oracle, no dispatch, no link to the boards, no chain
and no keys of peers. So none can command a relay or settle energy (tests/host/bridges).
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.services import snapshot, window_records
from hub.services.events import EVENTS
from hub.services.promises import promise_of
from hub.site_clock import SiteClock, wall_ms
from hub.store import NodeRow, StatusRow, Store

Record = dict[str, Any]
SHOWN_WINDOWS = 8
SHOWN_TRADES = 100
METER_AGE_MS = 60_000  # a plug's reading that is older says nothing of now


class Views:
    """Readings, boards, windows, book and trades of one site; safe from several threads."""

    def __init__(self, store: Store, clock: SiteClock | None, names: Mapping[str, str]) -> None:
        """`names`: chain address to the name of a peer."""
        self._store = store
        self._clock = clock
        self._names = names

    # Boards -------------------------------------------------------------------------------------

    def nodes(self) -> list[NodeRow]:
        return self._store.nodes()

    def latest_readings(self) -> dict[str, Record]:
        """Return the newest reading of every node that sent one."""
        return self._store.latest_readings()

    def latest_statuses(self) -> dict[str, StatusRow]:
        return self._store.latest_statuses()

    def readings_after(self, node: str, seq: int, limit: int) -> list[Record]:
        """Return up to `limit` readings of a node with a higher seq, in their order.

        Each has what its house's plug, if it meters the house, told last before it.
        """
        rows = self._store.readings_after(node, seq, limit)
        if not rows:
            return rows
        times = [row["received_at_ms"] for row in rows]
        start_ms, end_ms = min(times) - METER_AGE_MS, max(times) + 1
        meter = self._store.house_meter_between(node, start_ms, end_ms)
        for row in rows:
            row.update(_house_meter(meter, row["received_at_ms"]))
        return rows

    def readings_since(self, node: str, since_ms: int) -> list[Record]:
        """Return a node's readings from a time on, oldest first."""
        return self._store.readings_between(since_ms, wall_ms() + 1, node)

    def last_reading_seq(self, node: str) -> int:
        """Return the seq of a node's newest reading, 0 before the first."""
        return self._store.last_reading_seq(node)

    def highest_registers(self, node: str) -> Mapping[str, int | None]:
        """Return the highest value of each register of a node: they never fall back here."""
        return self._store.registers_at(node, wall_ms() + 1)

    def message_counts(self) -> dict[str, Any]:
        return self._store.message_counts()

    def latest_plugs(self) -> list[Record]:
        """Return the newest reading of every smart plug."""
        return self._store.latest_plugs()

    # Market -------------------------------------------------------------------------------------

    def windows(self) -> list[Record]:
        """Return the newest windows with their phase, and whose they are; newest first."""
        now_s = wall_ms() / 1_000
        return [
            window_records.window_record(row, now_s, self._clock)
            | window_records.plan_record(row, self._store.plan(row.window_id))
            for row in self._store.newest_windows(SHOWN_WINDOWS)
        ]

    def open_orders(self, window_id: int) -> list[Record]:
        """Return what is left of a window's orders, each with the name of its peer."""
        orders = self._store.open_orders(window_id)
        return [snapshot.order_record(order, self._names) for order in orders]

    def trades(self) -> list[Record]:
        """Return the newest trades, newest first."""
        rows = self._store.newest_trades(SHOWN_TRADES)
        records = []
        for row in rows:
            record = snapshot.trade_record(row, self._names, None, ())
            # The meters' figures of a trade that is not settled are the page's to follow.
            records.append({key: record[key] for key in _TRADE_MEMBERS})
        return records

    def events(self) -> list[Record]:
        """Return the demand-response events, oldest first."""
        kept = self._store.state(EVENTS)
        return kept if isinstance(kept, list) else []

    def promise(self, house: str) -> Record | None:
        """Return the event for which a house keeps its flexible appliances off now, or None."""
        return promise_of(self.events(), house, wall_ms())

    def trade_states(self) -> dict[str, int]:
        """Return how many trades are in each state."""
        return self._store.trade_states()


def _house_meter(meter: list[Record], at_ms: int) -> Record:
    """Return what a house's meter, oldest reading first, had told last at a time."""
    place = bisect.bisect_right(meter, at_ms, key=lambda one: one["at_ms"])
    if not place or meter[place - 1]["at_ms"] < at_ms - METER_AGE_MS:
        return {}
    found = meter[place - 1]
    return {"house_meter_uw": found["power_uw"], "house_meter_uwh": found["energy_uwh"]}


_TRADE_MEMBERS = (
    "trade_id",
    "order_id",
    "window_id",
    "seller",
    "buyer",
    "energy_uwh",
    "price_gwei_per_kwh",
    "fee_gwei_per_kwh",
    "cost_wei",
    "state",
    "matched_at_ms",
    "settled_uwh",
    "paid_wei",
    "refunded_wei",
    "signed_by",
)


class Place:
    """How far one bridge has come: kept in the store, so that what was not sent waits there."""

    def __init__(self, store: Store, bridge: str) -> None:
        self._store = store
        self._name = f"bridge {bridge}"

    def get(self) -> Record:
        """Return what was kept, an empty record before the first."""
        kept = self._store.state(self._name)
        return kept if isinstance(kept, dict) else {}

    def keep(self, place: Record) -> None:
        self._store.set_state(self._name, place)


@dataclass(frozen=True)
class PlugRow:
    """One reading of a smart plug, with its own register that never falls back.

    `device_uwh`: the device's own counter, None where it has none and power was integrated.
    """

    plug: str
    at_ms: int
    house: str
    is_house_meter: bool
    is_on: bool | None
    power_uw: int | None
    voltage_uv: int | None
    current_ua: int | None
    energy_uwh: int
    device_uwh: int | None


class PlugLog:
    """Where plugs' readings are stored; the only table that a bridge writes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, plug: str) -> PlugRow | None:
        """Return the newest reading of a plug."""
        found = next((one for one in self._store.latest_plugs() if one["plug"] == plug), None)
        if found is None:
            return None
        is_on = None if found["is_on"] is None else bool(found["is_on"])
        is_house_meter = bool(found["is_house_meter"])
        return PlugRow(**{**found, "is_on": is_on, "is_house_meter": is_house_meter})

    def keep(self, row: PlugRow) -> None:
        self._store.store_plug(vars(row))

    def thin(self, before_ms: int) -> None:
        """Keep of what is older only the last reading of each quarter of an hour."""
        self._store.thin_plugs(before_ms)
