"""The Mosquitto of a house's own machine: what makes it pass a board's topics on to the hub's."""

from __future__ import annotations

from pathlib import Path

from wire import topics


def bridge_conf(node: str, password: str, hub: tuple[str, int], authority: Path | None) -> str:
    """Return a file for Mosquitto's conf.d (mosquitto.conf(5), bridges).

    `hub`: address and port of the hub's broker; `authority`: the site's certificate on the house's
    machine, None where the hub speaks without TLS. The bridge is the board to the hub: the board's
    own account, and its topics only.
    """
    out = [f"topic {topics.topic(node, kind)} out 1" for kind in topics.FROM_NODE]
    back = [f"topic {topics.topic(node, kind)} in 1" for kind in topics.TO_NODE]
    lines = [
        f"connection trueque-{node}",
        f"address {hub[0]}:{hub[1]}",
        *([f"bridge_cafile {authority}"] if authority else []),
        f"remote_username {node}",
        f"remote_password {password}",
        f"remote_clientid {node}",
        # What waits for a hub that is away is sent when it is back; a lease is old by then.
        "cleansession false",
        "restart_timeout 1 30",
        "keepalive_interval 10",
        "try_private false",
        "notifications false",
        "bridge_attempt_unsubscribe false",
        *out,
        *back,
    ]
    return "\n".join(lines) + "\n"
