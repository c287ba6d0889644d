"""How several ingest workers share the load: MQTT 5's shared subscriptions.

The broker gives each message of a shared subscription to one of its subscribers, so two messages of
a node may be stored in another order than they were sent. That is only done with kinds for which
the order does not matter to a delivery; the others stay with the hub, in order.
"""

from __future__ import annotations

from wire import topics

SHARED_KINDS = ("reading", "status", "aggregate", "snapshot")
OWN_KINDS = tuple(kind for kind in topics.FROM_NODE if kind not in SHARED_KINDS)
GROUP = "trueque"
# How far behind the newest a reading may be stored when another worker was faster. Within it the
# store itself tells what is new; it keeps readings far longer.
LATE_SEQS = 4_096


def filters(kinds: tuple[str, ...], is_shared: bool) -> list[str]:
    """Return the topic filters of some kinds."""
    group = f"$share/{GROUP}/" if is_shared else ""
    return [f"{group}{topics.PREFIX}/+/{kind}" for kind in kinds]
