"""What the hub tells nodes: commands and leases enter as plain arguments, signed messages leave."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from wire import codec, topics


class Dispatch:
    """Signs for each node with its own key, numbered within this hub epoch.

    `newest_nonce` returns the nonce a node offered last; without one nothing can be said to it.
    """

    def __init__(
        self,
        publish: Callable[[str, bytes], None],
        keys: Mapping[str, bytes],
        epoch: int,
        newest_nonce: Callable[[str], str | None],
    ) -> None:
        self._publish = publish
        self._keys = keys
        self._epoch = epoch
        self._newest_nonce = newest_nonce
        self._numbers = {
            (node, kind): itertools.count(1) for node in keys for kind in topics.TO_NODE
        }

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

    def clear_fault(self, node: str, delivery_id: str) -> bool:
        """Take a latched fault back, after a person looked."""
        return self._send(node, "command", _without_limits(delivery_id, "clear_fault"))

    def _send(self, node: str, kind: str, members: Mapping[str, Any]) -> bool:
        nonce = self._newest_nonce(node)
        if nonce is None:
            return False
        topic = topics.topic(node, kind)
        seq = next(self._numbers[(node, kind)])
        record = {"epoch": self._epoch, "seq": seq, "nonce": nonce, **members}
        self._publish(topic, codec.encode(topic, record, self._keys[node]))
        return True


def _without_limits(delivery_id: str, action: str) -> dict[str, Any]:
    limits = ("energy_uwh", "max_power_uw", "max_duration_ms", "exposure_uwh")
    return {
        "delivery_id": delivery_id,
        "action": action,
        "role": None,
        **dict.fromkeys(limits),
    }
