"""A bridge's connection to the hub's own broker, as an account that reaches its topics only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hub.bridges.errors import BridgeDown
from hub.bridges.parts import Parts

CONNECT_S = 10.0
LAST_WORD_S = 1.0
KEEPALIVE_S = 30
MOST_WAITING = 1_000
UNUSED_PORT = 1
Message = tuple[str, bytes]


class Mqtt:
    """One connection: `async with`, then `publish` and `messages`; when it is lost they raise.

    It does not connect again: the supervisor starts the bridge again. `will`: (topic, payload)
    that the broker publishes, retained, when the connection is lost.
    """

    def __init__(
        self,
        parts: Parts,
        user: str,
        subscriptions: Sequence[str] = (),
        will: Message | None = None,
    ) -> None:
        if parts.broker is None:
            raise BridgeDown("the hub has no broker")
        self._broker = parts.broker
        self._subscriptions = list(subscriptions)
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue()
        self._problem: str | None = None
        own = self._broker.socket
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"trueque-{user}",
            transport="unix" if own else "tcp",
        )
        self._client.username_pw_set(user, parts.passwords.get(user))
        if self._broker.authority is not None and own is None:
            self._client.tls_set(ca_certs=str(self._broker.authority))
        self._will = will
        if will is not None:
            self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    async def __aenter__(self) -> Mqtt:
        broker = self._broker
        place = (str(broker.socket), UNUSED_PORT) if broker.socket else (broker.host, broker.port)
        self._client.connect_async(*place, keepalive=KEEPALIVE_S)
        self._client.loop_start()  # connects, too: so whatever ends this ends that
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._connected
        except TimeoutError:
            await self.__aexit__()
            raise BridgeDown("the hub's broker does not take the connection") from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        """Say the last word, for a broker keeps the will of who leaves in peace to itself."""
        client = self._client
        if self._will is not None and client.is_connected():
            with contextlib.suppress(RuntimeError, ValueError):
                client.publish(*self._will, qos=1, retain=True).wait_for_publish(LAST_WORD_S)
        client.disconnect()
        client.loop_stop()
        # It and this object hold each other; apart, its sockets are closed now.
        client.on_connect = client.on_connect_fail = client.on_disconnect = None
        client.on_message = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send with QoS 1. Raises BridgeDown when the connection is lost."""
        self.check()
        self._client.publish(topic, payload, qos=1, retain=retain)

    def check(self) -> None:
        """Raise BridgeDown when the connection is lost."""
        if self._problem is not None:
            raise BridgeDown(self._problem)

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what arrives; of more than the bridge can take the oldest is dropped."""
        while True:
            message = await self._waiting.get()
            if message is None:
                self.check()
                return
            yield message

    # In the client's own thread -----------------------------------------------------------------

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, code: Any, _: Any) -> None:
        if code.is_failure:
            self._tell(self._refused, f"the hub's broker refuses the account: {code}")
            return
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        self._tell(self._accepted)

    def _on_connect_fail(self, client: mqtt.Client, data: Any) -> None:
        self._tell(self._refused, "the hub's broker does not answer")

    def _on_disconnect(self, client: mqtt.Client, data: Any, flags: Any, code: Any, _: Any) -> None:
        self._tell(self._refused, "the connection to the hub's broker was lost")

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._tell(self._take, (topic, bytes(message.payload)))

    def _tell(self, what: Any, *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so have the bridges
            self._loop.call_soon_threadsafe(what, *arguments)

    # In the bridges' loop -----------------------------------------------------------------------

    def _accepted(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    def _refused(self, problem: str) -> None:
        self._problem = self._problem or problem
        if not self._connected.done():
            self._connected.set_exception(BridgeDown(self._problem))
        self._waiting.put_nowait(None)

    def _take(self, message: Message) -> None:
        if self._waiting.qsize() >= MOST_WAITING:
            self._waiting.get_nowait()
        self._waiting.put_nowait(message)
