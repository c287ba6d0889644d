"""The hub's connection to the broker: messages of nodes enter, signed commands and leases leave."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from wire import topics

from hub.mqtt import sharing
from hub.mqtt.mosquitto import ECHO_TOPIC, HUB_USER
from hub.site_clock import wall_ms

KEEPALIVE_S = 10  # a broker that hangs is given up after twice as long
INFLIGHT = 500
SESSION_S = 7 * 86_400
UNUSED_PORT = 1883  # a socket has none, but the client asks for one


@dataclass(frozen=True)
class Arrival:
    """One message as it arrived, not yet verified."""

    topic: str
    payload: bytes
    received_at_ms: int
    is_retained: bool
    message_id: int
    qos: int


class Link:
    """An MQTT session that outlives connections: QoS 1, nothing acknowledged before it is stored.

    `on_arrival` is called in the client's thread and must only queue. Call `acknowledge` when the
    message is safe.
    """

    def __init__(
        self,
        address: tuple[str, int] | Path,
        password: str,
        on_arrival: Callable[[Arrival], None],
        *,
        authority: Path | None = None,
        user: str = HUB_USER,
        client_id: str | None = None,
        kinds: tuple[str, ...] = topics.FROM_NODE,
        is_shared: bool = False,
        on_drained: Callable[[bool], None] = lambda is_drained: None,
    ) -> None:
        """`address`: (host, port), or the path of the broker's socket on this machine.

        `authority`: PEM of who must have signed for the broker; None for a connection without TLS,
        which a socket never needs. `kinds` are heard, shared with others of the group or alone.
        `on_drained` is told, in the client's thread, when `is_drained` changes.
        """
        is_local = isinstance(address, Path)
        self._address = (str(address), UNUSED_PORT) if isinstance(address, Path) else address
        self._on_arrival = on_arrival
        self._on_drained = on_drained
        self._connected = threading.Event()
        self._drained = threading.Event()
        self._echo = b""
        self._kinds = kinds
        self._is_shared = is_shared
        # Shared subscriptions are of MQTT 5; there a session has to be told how long to stay.
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"trueque-{user}",
            clean_session=None if is_shared else False,
            protocol=mqtt.MQTTv5 if is_shared else mqtt.MQTTv311,
            manual_ack=True,
            transport="unix" if is_local else "tcp",
        )
        self._client.username_pw_set(user, password)
        if authority is not None and not is_local:
            self._client.tls_set(ca_certs=str(authority))  # checks dates and the host's name too
        self._client.max_inflight_messages_set(INFLIGHT)
        self._client.reconnect_delay_set(min_delay=1, max_delay=8)
        self._client.on_connect = self._subscribe
        self._client.on_disconnect = self._lost
        self._client.on_message = self._arrived

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    @property
    def is_drained(self) -> bool:
        """What had waited at the broker since the last connection has arrived."""
        return self._drained.is_set()

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait for that in another thread; return whether it came."""
        return self._drained.wait(timeout_s)

    def start(self) -> None:
        """Connect in the background and keep reconnecting."""
        options: dict[str, Any] = {}
        if self._is_shared:
            options = {"clean_start": False, "properties": _kept(SESSION_S)}
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_S, **options)
        self._client.loop_start()

    def stop(self, for_good: bool = False) -> None:
        """Disconnect; `for_good` ends the session, and what would wait for it, too."""
        if for_good and self._is_shared:
            self._client.disconnect(properties=_kept(0))
        else:
            self._client.disconnect()
        with contextlib.suppress(AttributeError):  # paho's thread ends between its look and join
            self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1, never retained; queued while the broker is away."""
        self._client.publish(topic, payload, qos=1, retain=False)

    def acknowledge(self, arrival: Arrival) -> None:
        """Tell the broker that it may forget the message."""
        if arrival.qos:
            self._client.ack(arrival.message_id, arrival.qos)

    def _subscribe(self, client: mqtt.Client, userdata: Any, flags: Any, code: Any, _: Any) -> None:
        if code.is_failure:
            return
        unwanted = tuple(kind for kind in topics.FROM_NODE if kind not in self._kinds)
        if unwanted:  # a kept session may still have it
            client.unsubscribe(sharing.filters(unwanted, self._is_shared))
        wanted = [ECHO_TOPIC, *sharing.filters(self._kinds, self._is_shared)]
        client.subscribe([(topic, 1) for topic in wanted])
        # A broker keeps the order of a session's messages: this comes after all that waited.
        self._echo = secrets.token_hex(8).encode()
        client.publish(ECHO_TOPIC, self._echo, qos=1)
        self._connected.set()

    def _lost(self, client: mqtt.Client, userdata: Any, flags: Any, code: Any, _: Any) -> None:
        self._connected.clear()
        if self._drained.is_set():
            self._drained.clear()
            self._on_drained(False)

    def _arrived(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # decodes to "unknown topic" and is counted as such
        if topic == ECHO_TOPIC:
            client.ack(message.mid, message.qos)
            if message.payload == self._echo:
                self._drained.set()
                self._on_drained(True)
            return
        arrival = Arrival(
            topic, bytes(message.payload), wall_ms(), message.retain, message.mid, message.qos
        )
        self._on_arrival(arrival)


def _kept(seconds: int) -> Properties:
    """Return the property that says how long a session outlives its connection."""
    kind = PacketTypes.CONNECT if seconds else PacketTypes.DISCONNECT
    found = Properties(kind)
    found.SessionExpiryInterval = seconds
    return found
