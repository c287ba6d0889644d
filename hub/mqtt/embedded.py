"""The embedded broker's files: a listener and accounts enter, rumqttd's configuration leaves.

It checks accounts and bounds packets and connections. It has no access list, keeps nothing over a
restart, and reads its accounts only when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping

import tomli_w

from hub.mqtt.mosquitto import MESSAGE_LIMIT_BYTES, Listener

# Runs in the child: the native broker has no way to stop, so it needs a process of its own.
PROGRAM = (
    "import sys; from iotcore import IotCoreBroker; "
    "IotCoreBroker(config_path=sys.argv[1]).run_forever()"
)


def embedded_conf(listener: Listener, passwords: Mapping[str, str]) -> str:
    """Return rumqttd's configuration: accounts, no anonymous access."""
    connections = {
        "connection_timeout_ms": 10_000,
        "max_payload_size": MESSAGE_LIMIT_BYTES,
        "max_inflight_count": 500,
        "dynamic_filters": False,
        "auth": dict(passwords),
    }
    router = {
        "id": 0,
        "max_connections": listener.max_connections,
        "max_outgoing_packet_count": 200,
        "max_segment_size": 1_048_576,
        "max_segment_count": 10,
    }
    server: dict[str, object] = {
        "name": "boards",
        "listen": f"{listener.host}:{listener.port}",
        "next_connection_delay_ms": 1,
        "connections": connections,
    }
    tls = listener.tls
    if tls is not None:
        server["tls"] = {"certpath": str(tls.server), "keypath": str(tls.server_key)}
    return tomli_w.dumps({"id": 0, "router": router, "v4": {"1": server}})
