"""Nodes in quarantine: kept in the store, so that neither a restart nor a backup forgets them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Protocol

from hub.config import SiteConfig
from hub.errors import BadInput, StoreError
from hub.site_clock import steady_ms, wall_ms

STATE_NAME = "quarantine"
KEPT = 200  # of those that are over
LOOK_MS = 1_000  # another process may release a node: looked for while one is in quarantine


class Keeper(Protocol):
    """Where it is kept: hub.store.Store."""

    def state(self, name: str, /) -> Any: ...
    def set_state(self, name: str, value: Any, /) -> None: ...


def read(keeper: Keeper) -> list[dict[str, Any]]:
    """Return every quarantine, oldest first: node, reason, since_ms, released_ms (None: not)."""
    return list(keeper.state(STATE_NAME) or [])


def standing(keeper: Keeper) -> dict[str, dict[str, Any]]:
    """Return the nodes in quarantine now."""
    return {one["node"]: one for one in read(keeper) if one["released_ms"] is None}


def release(keeper: Keeper, node: str, now_ms: int) -> dict[str, Any]:
    """Let a node take part again: a person has looked at it. Raises BadInput."""
    rows = read(keeper)
    for row in rows:
        if row["node"] == node and row["released_ms"] is None:
            row["released_ms"] = now_ms
            keeper.set_state(STATE_NAME, rows[-KEPT:])
            return row
    raise BadInput(f"{node} is not in quarantine")


def release_command(node: str, config: SiteConfig) -> str:
    """Return what a person types who has looked at the board."""
    return f"trueque hub node release {node} --data {config.data_dir}"


class Quarantine:
    """Safe from several threads. `on_release` is called with a node that a person released."""

    def __init__(
        self,
        keeper: Keeper,
        on_release: Callable[[str], None],
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._keeper = keeper
        self._on_release = on_release
        self._now_ms = now_ms
        self._lock = threading.RLock()
        self._looked_ms = steady_ms()
        self._nodes = standing(keeper)
        self._unwritten: list[dict[str, Any]] = []  # the store was away when they came

    def has(self, node: str) -> bool:
        """Tell whether nothing this node says of its meters may be believed."""
        return bool(self._nodes) and node in self.nodes()

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Return the nodes in quarantine, each with its record."""
        with self._lock:
            if self._nodes and steady_ms() - self._looked_ms >= LOOK_MS:
                self._looked_ms = steady_ms()
                with contextlib.suppress(StoreError):  # a store that is away releases nobody
                    self._write()
                    before, self._nodes = self._nodes, standing(self._keeper)
                    for node in before.keys() - self._nodes.keys():
                        self._on_release(node)
            return self._nodes

    def put(self, node: str, reason: str) -> bool:
        """Put a node into quarantine; False when it is there already."""
        with self._lock:
            if node in self._nodes:
                return False
            row = {"node": node, "reason": reason, "since_ms": self._now_ms(), "released_ms": None}
            # In memory first: a store that is full must not make a liar honest.
            self._nodes = {**self._nodes, node: row}
            self._unwritten.append(row)
            with contextlib.suppress(StoreError):  # tried again with each look
                self._write()
            return True

    def _write(self) -> None:
        if self._unwritten:
            rows = read(self._keeper)
            rows += [row for row in self._unwritten if row not in rows]
            self._keeper.set_state(STATE_NAME, rows[-KEPT:])
            self._unwritten.clear()
