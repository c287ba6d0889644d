"""What the hub tells nodes: commands and leases enter as plain arguments, signed messages leave."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wire import codec, topics

FARTHEST_RAISE = 1_000
MOST_RAISES = 3  # by one node, while a hub runs

EVERY_DELIVERY = "0" * 32


class Dispatch:
    """Signs for each node with its own key, numbered within this hub epoch.

    `keys` may change while it runs; to a node without one nothing is said.

    `newest_nonce` returns the nonce a node offered last; without one nothing can be said to it.
    `on_raised` is told the node and the new epoch when one had to be left behind.
    """

    def __init__(
        self,
        publish: Callable[[str, bytes], None],
        keys: Mapping[str, bytes],
        epoch: int,
        newest_nonce: Callable[[str], str | None],
        on_raised: Callable[[str, int], None] = lambda node, epoch: None,
    ) -> None:
        self._publish = publish
        self._keys = keys
        self._epoch = epoch
        self._newest_nonce = newest_nonce
        self._on_raised = on_raised
        self._raised: collections.Counter[str] = collections.Counter()
        self._begin()

    def _begin(self) -> None:
        """Begin to number in this epoch."""
        self._numbers: dict[tuple[str, str], Iterator[int]] = collections.defaultdict(
            lambda: itertools.count(1)
        )
        self._told: set[str] = set()

    def hear_epoch(self, node: str, epoch: int) -> None:
        """Take in the highest epoch a node has heard of; go above one that is not ours.

        A hub from a backup may begin an epoch that its forerunner had begun too: boards would
        refuse what it numbers from 1. How often and how far is bounded, because boards are in
        other people's hands.
        """
        is_ours = epoch < self._epoch or (epoch == self._epoch and node in self._told)
        is_too_far = epoch - self._epoch > FARTHEST_RAISE or self._raised[node] >= MOST_RAISES
        if is_ours or is_too_far:
            return
        self._raised[node] += 1
        self._epoch = epoch + 1
        self._begin()
        self._on_raised(node, self._epoch)

    def lease(self, node: str, delivery_id: str, counterparty_uwh: int) -> bool:
        """Renew a node's permission; tell how much the other side metered. False: no nonce yet."""
        return self._send(
            node, "lease", {"delivery_id": delivery_id, "counterparty_uwh": counterparty_uwh}
        )

    def close(self, node: str, delivery_id: str, role: str, limits: Mapping[str, int]) -> bool:
        """Command a relay closed. `limits`: energy_uwh, max_power_uw, max_duration_ms,
        exposure_uwh."""
        return self._send(
            node, "command", {"delivery_id": delivery_id, "action": "close", "role": role, **limits}
        )

    def open(self, node: str, delivery_id: str) -> bool:
        """Command both relays open."""
        return self._send(node, "command", _without_limits(delivery_id, "open"))

    def stop(self, node: str) -> bool:
        """Command both relays open whatever delivery it is in: an emergency."""
        return self._send(node, "command", _without_limits(EVERY_DELIVERY, "stop"))

    def clear_fault(self, node: str, delivery_id: str) -> bool:
        """Take a latched fault back, after a person looked."""
        return self._send(node, "command", _without_limits(delivery_id, "clear_fault"))

    def update(self, node: str, what: str, **members: Any) -> bool:
        """Tell a node of new firmware: `what` and members as in the record, others are null."""
        names = ("package_id", "number", "size", "offset", "data")
        return self._send(node, "update", {"what": what, **dict.fromkeys(names), **members})

    def _send(self, node: str, kind: str, members: Mapping[str, Any]) -> bool:
        nonce, key = self._newest_nonce(node), self._keys.get(node)
        if nonce is None or key is None:
            return False
        topic = topics.topic(node, kind)
        seq = next(self._numbers[(node, kind)])
        self._told.add(node)
        record = {"epoch": self._epoch, "seq": seq, "nonce": nonce, **members}
        self._publish(topic, codec.encode(topic, record, key))
        return True


def _without_limits(delivery_id: str, action: str) -> dict[str, Any]:
    limits = ("energy_uwh", "max_power_uw", "max_duration_ms", "exposure_uwh")
    return {
        "delivery_id": delivery_id,
        "action": action,
        "role": None,
        **dict.fromkeys(limits),
    }
