"""A rollout in the store and the nodes' own words enter; offers, chunks and confirmations leave.

Where a node stands is read from the events it sent, which the ingest has stored: a hub that was
killed goes on as if nothing had been.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from wire import units

from hub.mqtt.ingest import Stored
from hub.mqtt.node_watch import NodeWatch
from hub.rounds import Rounds
from hub.site_clock import wall_ms
from hub.store import PackageRow, Store, UpdateRow

MOVING = ("event", "fetch", "status")  # a node that comes back says a status first
LEAST_SLEEP_MS, LONGEST_SLEEP_MS = 500, 60_000
OFFER_AGAIN_MS = 15_000
"""A node that restarted has forgotten the offer, not what it has of the package."""
GIVE_UP_MS = {"offered": 1_800_000, "sending": 1_800_000, "staged": 900_000, "trial": 900_000}
"""Without a word. A node in a delivery waits with its questions; a trial is at most 3 x 2 min."""
STATE_AFTER = {
    "update_refused": "failed",
    "update_staged": "staged",
    "update_on_trial": "trial",
    "update_confirmed": "done",
    "update_rolled_back": "failed",
}


class Speaks(Protocol):
    """What of Dispatch is needed here."""

    def update(self, node: str, what: str, **members: Any) -> bool: ...


class Rollouts:
    """Fed with every stored record; `run` is a task of the hub."""

    def __init__(
        self,
        store: Store,
        dispatch: Speaks,
        watch: NodeWatch,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._watch = watch
        self._say = say
        self._now_ms = now_ms
        self._offered_at_ms: dict[str, int] = {}
        self._rounds = Rounds()

    def hear(self, batch: Iterable[Stored]) -> None:
        """Answer what asks for an answer at once; look at the rollout when it may have moved."""
        for stored in batch:
            if stored.kind in MOVING:
                self._rounds.wake()
            if stored.kind == "fetch":
                self._send_chunks(stored.node, stored.record)
            elif stored.kind == "status" and stored.record["state"] == "trial":
                # Whatever this hub knows of that update: what it hears, and whose nonce it echoes,
                # works.
                self._dispatch.update(stored.node, "confirm")

    def wake(self) -> None:
        """Look at once: somebody began a rollout."""
        self._rounds.wake()

    async def run(self) -> None:
        """Look after the last rollout for ever."""
        await self._rounds.repeat(self._round)

    async def _round(self) -> float:
        self.step()
        now_ms = self._now_ms()
        due_ms = [due for row in self._store.rollout() for due in self._due_ms(row, now_ms)]
        return max(min([*due_ms, LONGEST_SLEEP_MS]), LEAST_SLEEP_MS) / 1000

    def _due_ms(self, row: UpdateRow, now_ms: int) -> list[int]:
        """Return in how long a node under way is offered the package again, and given up."""
        if row.state not in GIVE_UP_MS:
            return []
        heard_ms = row.heard_at_ms or row.began_at_ms or 0
        offered_ms = max(heard_ms, self._offered_at_ms.get(row.node, 0))
        is_offered = row.state in ("offered", "sending")
        return [
            heard_ms + GIVE_UP_MS[row.state] - now_ms,
            *([offered_ms + OFFER_AGAIN_MS - now_ms] if is_offered else []),
        ]

    def step(self) -> None:
        """Look once."""
        rows = [self._follow(row) for row in self._store.rollout()]
        if any(row.state == "failed" for row in rows):
            for row in rows:
                if row.state == "waiting":
                    self._move(row, state="stopped")
            rows = [row for row in rows if row.state != "waiting"]
        under_way = [row for row in rows if row.state in GIVE_UP_MS]
        for row in under_way:
            self._keep_going(row)
        spare = rows[0].at_once - len(under_way) if rows else 0
        for row in [row for row in rows if row.state == "waiting"][: max(0, spare)]:
            self._begin(row)

    def _follow(self, row: UpdateRow) -> UpdateRow:
        """Bring a node's state to what it said since it was offered the package."""
        if row.state not in GIVE_UP_MS or row.began_at_ms is None:
            return row
        package = self._store.package(row.package_id)
        told = [
            event
            for event in self._store.update_events(row.node, row.began_at_ms)
            if package is not None and event["value"] == package.number
        ]
        if not told:
            return row
        state, reason = STATE_AFTER[told[-1]["code"]], told[-1]["reason"]
        if (state, reason) == (row.state, row.reason):
            return row
        heard_ms = max(told[-1]["received_at_ms"], row.heard_at_ms or 0)
        return self._move(row, state=state, reason=reason, heard_at_ms=heard_ms)

    def _keep_going(self, row: UpdateRow) -> None:
        silent_ms = self._now_ms() - (row.heard_at_ms or row.began_at_ms or 0)
        if silent_ms >= GIVE_UP_MS[row.state]:
            self._move(row, state="failed", reason="no_answer")
            return
        offered_ms = self._now_ms() - self._offered_at_ms.get(row.node, 0)
        is_due = min(silent_ms, offered_ms) >= OFFER_AGAIN_MS
        if row.state in ("offered", "sending") and is_due:
            self._offer(row)

    def _begin(self, row: UpdateRow) -> None:
        """Offer the package to a node that is there; others wait until they are."""
        if not self._watch.is_alive(row.node):
            return
        now_ms = self._now_ms()
        row = self._move(row, state="offered", began_at_ms=now_ms, heard_at_ms=now_ms)
        self._offer(row)

    def _offer(self, row: UpdateRow) -> None:
        package = self._store.package(row.package_id)
        if package is None or not self._watch.is_alive(row.node):
            return
        self._offered_at_ms[row.node] = self._now_ms()
        members = {"package_id": package.package_id, "number": package.number}
        self._dispatch.update(row.node, "offer", size=package.size, **members)

    def _send_chunks(self, node: str, fetch: Mapping[str, Any]) -> None:
        package_id, offset = fetch["package_id"], fetch["offset"]
        rows = [row for row in self._store.rollout() if row.node == node]
        if not rows or rows[0].package_id != package_id or rows[0].state not in GIVE_UP_MS:
            self._dispatch.update(node, "cancel", package_id=package_id)
            return
        wanted = fetch["count"] * units.CHUNK_BYTES
        part = self._store.package_part(package_id, offset, wanted)
        for start in range(0, len(part), units.CHUNK_BYTES):
            text = base64.b64encode(part[start : start + units.CHUNK_BYTES]).decode()
            self._dispatch.update(
                node, "chunk", package_id=package_id, offset=offset + start, data=text
            )
        state = "sending" if rows[0].state == "offered" else rows[0].state
        sent = {"sent_bytes": offset + len(part), "heard_at_ms": self._now_ms()}
        self._store.move_update(rows[0], state=state, **sent)

    def _move(self, row: UpdateRow, **changes: Any) -> UpdateRow:
        self._store.move_update(row, **changes)
        state = changes["state"]
        if state != row.state:
            reason = f" ({changes['reason']})" if changes.get("reason") else ""
            self._say(f"firmware for {row.node}: {state}{reason}")
        return UpdateRow(**{**row.__dict__, **changes})


def describe(row: UpdateRow, package: PackageRow) -> str:
    """Say in a few words where a node stands."""
    if row.state == "sending":
        return f"sending, {100 * row.sent_bytes // package.size} %"
    return f"{row.state}: {row.reason}" if row.reason else row.state
