"""What peers and agents may do: validated requests in, orders and trades on the chain out.

The page and the agents know nothing but this: no SQL, no web3, no MQTT. Amounts are integers here;
hub/amounts.py reads what people type. Every refusal is a TruequeError with one sentence.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.config import SiteConfig
from hub.coordinator.groups import first_of, group_of
from hub.coordinator.kinds import INSIDE
from hub.honesty import quarantine
from hub.keys import Keys
from hub.services import snapshot, window_records
from hub.services.acting import Contract
from hub.services.aged import Aged
from hub.services.bargaining import Bargaining
from hub.services.ordering import Ordering
from hub.site_clock import SiteClock, wall_ms
from hub.store import OrderRow, Store, TradeRow, WindowRow

HISTORY_S = 300
HISTORY_POINTS = 60
HISTORY_AGE_S = 5.0
SNAPSHOT_AGE_S = 0.4  # several tabs share one
SHOWN_TRADES = 60
SHOWN_REVIEWS = 20
# What no configuration can change yet, said on every page.
KEYS_NOTICE = "Test site: the hub holds every house's key, so anyone at this computer can trade."
QUARANTINE_NOTICE = (
    "{node} is in quarantine: {reason}. It gets no turns and its figures are not taken. "
    "Look at it, then: {then}"
)
ORACLE_NOTICE = "Settled on the hub's word, for want of a key of their boards: {houses}."


class MarketService(Bargaining, Ordering):
    """The market of one site, seen and used by its peers; safe from several threads."""

    def __init__(
        self,
        store: Store,
        client: Contract,
        keys: Keys,
        config: SiteConfig,
        *,
        clock: SiteClock | None = None,
        notices: Iterable[str] = (),
    ) -> None:
        super().__init__(store, client, keys, config)
        self._clock, self._notices = clock, (KEYS_NOTICE, *notices)
        self._closed: dict[TradeRow, dict[str, Any]] = {}
        shown = {None, *(group_of(config, house) for house in config.houses)}
        self._snapshots = {
            one: Aged(functools.partial(self._take_snapshot, one), SNAPSHOT_AGE_S) for one in shown
        }
        self._history = Aged(self._read_history, HISTORY_AGE_S)

    # What is there --------------------------------------------------------------------------

    def overview(self, peer_name: str | None = None) -> dict[str, Any]:
        """Return everything the page shows as one record ready for JSON (docs/page.md), with the
        window and the book that a peer trades in when it is named."""
        house = next((one for one in self.config.houses if one.name == peer_name), None)
        return self._snapshots[group_of(self.config, house) if house else None].get()

    def history(self) -> dict[str, Any]:
        """Return the powers of the last minutes per house: at_ms, pv_uw, load_uw, ..."""
        return self._history.get()

    def trades(self, peer_name: str | None = None) -> list[dict[str, Any]]:
        """Return trades, newest first, all or one peer's. Raises Refused for a stranger."""
        peer = None if peer_name is None else self._account(peer_name).address
        rows = self._store.trades(peer)
        return self._trade_records(rows[::-1])

    def peer_names(self) -> list[str]:
        """Return the houses whose keys the hub holds, in the order of the configuration."""
        return [house.name for house in self.config.houses if house.name in self._keys.peers]

    def open_orders(self, window_id: int, peer_name: str) -> list[tuple[str, OrderRow]]:
        """Return the open orders of a window that a bus segment joins with a peer and that do not
        name others, its own among them, each with the name of its peer.

        Raises Refused for a stranger.
        """
        address = self._account(peer_name).address
        names, segment = self._names(), self._segment_of(address)
        return [
            (names.get(order.peer, order.peer), order)
            for order in self._store.open_orders(window_id)
            if self._segment_of(order.peer) == segment and self._is_open_to(order, address)
        ]

    def trades_in(self, peer_name: str, window_id: int) -> list[TradeRow]:
        """Return a peer's trades of a window, and of others with the same delivery.

        Raises Refused for a stranger.
        """
        peer, window = self._account(peer_name).address, self._store.window(window_id)
        if window is None:
            return []
        same = self._store.windows_delivered_from(window.delivery_start_s)
        found = [one for other in same for one in self._store.trades(peer, other.window_id)]
        return sorted(found, key=lambda trade: trade.trade_id)

    def recent_readings(self, node: str, span_s: int) -> list[dict[str, Any]]:
        """Return a node's readings of the last `span_s` seconds, oldest first."""
        now_ms = wall_ms()
        return self._store.readings_between(now_ms - span_s * 1_000, now_ms + 1, node)

    # ----------------------------------------------------------------------------------------

    def _forget(self) -> None:
        for one in self._snapshots.values():
            one.forget()

    def _read_history(self) -> dict[str, Any]:
        now_ms = wall_ms()
        readings = self._store.readings_between(now_ms - HISTORY_S * 1_000, now_ms + 1)
        return snapshot.history_records(readings, HISTORY_POINTS)

    def _trade_records(self, rows: Sequence[TradeRow]) -> list[dict[str, Any]]:
        names = self._names()
        return [self._closed.get(row) or self._trade_record(row, names) for row in rows]

    def _trade_record(self, row: TradeRow, names: Mapping[str, str]) -> dict[str, Any]:
        attempts = self._store.deliveries(row.trade_id)
        delivery = attempts[-1] if attempts else None
        reports = [
            report
            for attempt in attempts
            for report in self._store.delivery_reports(attempt.delivery_id)
        ]
        record = snapshot.trade_record(row, names, delivery, reports)
        if row.state in snapshot.CLOSED_STATES:
            self._closed[row] = record  # by the row itself: a replaced block makes another one
        return record

    def _take_snapshot(self, group: str | None) -> dict[str, Any]:
        now_ms, names = wall_ms(), self._names()
        nodes = self._store.nodes()
        statuses, readings = self._store.latest_statuses(), self._store.latest_readings()
        houses = [
            snapshot.house_record(one, statuses.get(one.node), readings.get(one.node), now_ms)
            for one in nodes
        ]
        trades = self._trade_records(self._store.newest_trades(SHOWN_TRADES))
        window = self.window_now(first_of(self.config, group))
        orders = self._store.open_orders(window.window_id) if window else []
        counters = self._store.counters()
        answered = self._store.orders_by_id(one.order_id for one in counters)
        balances = snapshot.balance_records(
            *(self._store.peers(), self._store.locked_bids(), self._store.open_trades()),
            *(names, counters),
        )
        return {
            "now_ms": now_ms,
            "site": self._site_record(now_ms),
            "notices": [*self._notices, *self._unsigned_notice(), *self._quarantine_notices()],
            "houses": houses,
            "bus": snapshot.bus_records(nodes, trades, houses),
            "window": self._window_record(window, now_ms),
            "book": snapshot.book_record(orders, names),
            "counters": snapshot.counter_records(counters, answered.values(), names),
            "reviews": self._review_record(names),
            "trades": trades,
            "balances": balances,
        }

    def _window_record(self, window: WindowRow | None, now_ms: int) -> dict[str, Any] | None:
        if window is None:
            return None
        record = window_records.window_record(window, now_ms / 1_000, self._clock)
        plan = window_records.plan_record(window, self._store.plan(window.window_id))
        # As hub/coordinator/kinds.py opens them.
        has_grid = self.config.grid is not None and plan["stage"] != INSIDE
        plan["meets_grid"] = has_grid and plan["kind"] in ("community", "bilateral")
        return record | plan

    def _review_record(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return what waits for the coordinator, and what it rejected of the newest orders."""
        shown = self._store.newest_orders(SHOWN_REVIEWS)
        reasons = {order.order_id: self.rejection(order.order_id) for order in shown}
        return {
            "is_manual": self.config.market.approval == "manual",
            "pending": [snapshot.order_record(one, names) for one in self.pending_orders()],
            "rejected": [
                snapshot.order_record(order, names) | {"reason": reasons[order.order_id]}
                for order in shown
                if reasons[order.order_id] is not None
            ],
        }

    def _unsigned_notice(self) -> list[str]:
        """Name the approved houses whose boards cannot sign."""
        peers = self._store.peers()
        found = [one.node for one in peers if one.node and one.state == "approved"
                 and one.node_key is None]  # fmt: skip
        return [ORACLE_NOTICE.format(houses=", ".join(sorted(found)))] if found else []

    def _quarantine_notices(self) -> list[str]:
        return [
            QUARANTINE_NOTICE.format(
                **row, then=quarantine.release_command(row["node"], self.config)
            )
            for row in quarantine.standing(self._store).values()
        ]

    def _site_record(self, now_ms: int) -> Mapping[str, Any]:
        config, clock = self.config, self._clock
        return {
            "name": config.site.name,
            "kind": config.site.kind,
            "model_scale": config.site.model_scale,
            "time_local": clock.at(now_ms).isoformat(timespec="milliseconds") if clock else None,
            "zone": config.clock.zone,
            "speed": clock.speed if clock else 1,
            "retail_gwei_per_kwh": config.market.retail_gwei_per_kwh,
            "feed_in_gwei_per_kwh": config.market.feed_in_gwei_per_kwh,
            "min_energy_uwh": config.market.min_energy_uwh,
            "market": config.market.kind,
            "bids_local": list(config.schedule.bids) if config.schedule.mode == "daily" else [],
            "peers": self.peer_names(),
        }
