"""A small MQTT 3.1.1 client on asyncio: QoS 1 both ways, last will, keepalive, bounded input.

Written here because no kept client comes from the package registries; it does what this node needs
and no more. One object is one connection: `link` makes a new one after each failure.
"""

import asyncio

from node import mqtt_packets as packets

TCP_LEVEL = 6  # IPPROTO_TCP; MicroPython's socket module does not name it
TCP_NODELAY = 1
ANSWER_MS = 5_000  # for CONNACK, SUBACK and PUBACK
HANDSHAKE_MS = 15_000
WINDOW = 4  # publishes in flight
REFUSALS = {  # return codes of CONNACK (3.2.2.3)
    2: "the broker refuses this client id",
    3: "the broker is not ready",
    4: "the broker does not know this user and password",
    5: "the broker does not know this user and password",
}


class MqttError(Exception):
    """The connection can't be used (any more): refused, silent or broken."""


class Connection:
    """One connection to the broker."""

    def __init__(self, clock, on_message):
        """`on_message(topic, payload)`: must not raise; called before the PUBACK is sent."""
        self._clock = clock
        self._on_message = on_message
        self._reader = self._writer = None
        self._sending = asyncio.Lock()  # a stream takes one writer at a time
        self._packet_id = 0
        self._in_flight = {}  # packet id: (on_ack, sent_at_ms)
        self._last_out_ms = self._last_in_ms = clock.now_ms()
        self._keepalive_ms = 0

    async def open(self, address, tls, name, hello):
        """Connect and log in. `address`: (IP, port). `tls`: SSLContext or None.

        `name`: whose certificate it must be. `hello`: the CONNECT packet and its keepalive in s.
        Raises MqttError or OSError.
        """
        options = {} if tls is None else {"ssl": tls, "server_hostname": name}
        opening = asyncio.open_connection(*address, **options)
        self._reader, self._writer = await asyncio.wait_for(opening, ANSWER_MS / 1000)
        _send_at_once(self._writer)
        try:
            # With TLS this is also the handshake.
            await asyncio.wait_for(self._send(hello[0]), HANDSHAKE_MS / 1000)
        except ValueError as problem:  # so MicroPython says that a certificate does not hold
            raise MqttError("certificate refused: %s" % str(problem).strip())
        first, body = await asyncio.wait_for(packets.read_packet(self._reader), ANSWER_MS / 1000)
        if first != packets.CONNACK or len(body) != 2:
            raise MqttError("no MQTT broker answers there")
        if body[1] != 0:
            raise MqttError(REFUSALS.get(body[1], "broker refused with code %d" % body[1]))
        self._keepalive_ms = hello[1] * 1000
        self._last_in_ms = self._clock.now_ms()

    async def subscribe(self, topics):
        """Subscribe with QoS 1; the answer is read by `read`."""
        await self._send(packets.subscribe(topics, self._next_id()))

    def has_room(self):
        """Tell whether another publish may be sent now."""
        return len(self._in_flight) < WINDOW

    async def publish(self, topic, payload, flags, on_ack):
        """Send with QoS 1; `on_ack()` is called when the broker has it."""
        packet_id = self._next_id()
        self._in_flight[packet_id] = (on_ack, self._clock.now_ms())
        await self._send(packets.publish(topic, payload, packet_id, flags))

    async def read(self):
        """Read for ever. Raises MqttError, OSError or EOFError when the connection ends."""
        while True:
            first, body = await packets.read_packet(self._reader)
            self._last_in_ms = self._clock.now_ms()
            kind = first & 0xF0
            if kind == packets.PUBLISH:
                topic, payload, packet_id = packets.split_publish(first, body)
                self._on_message(topic, payload)
                if packet_id is not None:
                    await self._send(packets.puback(packet_id))
            elif kind == packets.PUBACK and len(body) == 2:
                waiting = self._in_flight.pop(body[0] << 8 | body[1], None)
                if waiting:
                    waiting[0]()
            elif kind == packets.SUBACK and 0x80 in body[2:]:
                raise MqttError("subscription refused")

    async def keep_alive(self):
        """Ping when idle. Raises MqttError when the broker does not answer any more."""
        now_ms = self._clock.now_ms()
        if now_ms - self._last_in_ms > self._keepalive_ms * 3 // 2:
            raise MqttError("broker is silent")
        for _, sent_at_ms in self._in_flight.values():
            if now_ms - sent_at_ms > ANSWER_MS:
                raise MqttError("publish not acknowledged")
        idle_ms = now_ms - min(self._last_in_ms, self._last_out_ms)
        if idle_ms > self._keepalive_ms // 2:
            await self._send(packets.PINGREQ_PACKET)

    async def close(self):
        """Close the socket. The broker then publishes the last will."""
        if self._writer is not None:
            self._writer.close()
            try:
                await self._writer.wait_closed()
            except OSError:
                pass  # it is gone either way

    def _next_id(self):
        self._packet_id = self._packet_id % 65535 + 1
        return self._packet_id

    async def _send(self, packet):
        async with self._sending:
            self._last_out_ms = self._clock.now_ms()
            self._writer.write(packet)
            await self._writer.drain()


def _send_at_once(writer):
    """Switch Nagle's algorithm off where the port can: it delays each second small packet 40 ms."""
    try:
        # MicroPython's stream keeps its socket as `s`, CPython's tells it on request.
        connection = writer.s if hasattr(writer, "s") else writer.get_extra_info("socket")
        connection.setsockopt(TCP_LEVEL, TCP_NODELAY, 1)
    except (AttributeError, OSError):
        pass  # slower, not wrong
