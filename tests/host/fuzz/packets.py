"""Any bytes from a hostile broker: read as MQTT packets by a board's own connection."""

import contextlib

from node import mqtt_packets
from node.mqtt import Connection, MqttError

from tests.host.fuzz import mutate

EXPECTED = (EOFError, OSError, MqttError, mqtt_packets.ProtocolError)
MOST_BYTES = mqtt_packets.MAX_REMAINING_BYTES


class Stream:
    """Bytes that are all there, then the end."""

    def __init__(self, content):
        self._content = content
        self._place = 0
        self.largest = 0

    async def readexactly(self, count):
        """As asyncio's."""
        self.largest = max(self.largest, count)
        found = self._content[self._place : self._place + count]
        self._place += count
        if len(found) < count:
            raise EOFError
        return found


class Writer:
    """Takes everything."""

    def write(self, content):
        """Take bytes."""

    async def drain(self):
        """Never full."""


class Stopped:
    """A clock that stands."""

    def now_ms(self):
        """Return 0."""
        return 0


class Target:
    """Reads until the stream ends or is refused; nothing else leaves it, nothing large is read."""

    def __init__(self, rng):
        self.rng = rng
        self.messages = 0

    def close(self):
        """Nothing to undo."""

    def one(self):
        """Read one stream."""
        stream = Stream(self._content())
        connection = Connection(Stopped(), self._take)
        connection._reader, connection._writer = stream, Writer()
        connection._in_flight = {1: (lambda: None, 0), 2: (lambda: None, 0)}
        with contextlib.suppress(*EXPECTED):
            connection.read().send(None)
        assert stream.largest <= MOST_BYTES

    def _take(self, topic, payload):
        assert isinstance(topic, str) and isinstance(payload, bytes)
        self.messages += 1

    def _content(self):
        rng = self.rng
        if rng.random() < 0.2:
            return mutate.any_bytes(rng, 400)
        content = b"".join(self._packet() for _ in range(rng.randrange(1, 5)))
        return mutate.damaged(rng, content) if rng.random() < 0.7 else content

    def _packet(self):
        rng = self.rng
        kind = rng.randrange(6)
        if kind < 3:
            topic = rng.choice(("trueque/1/house-1/lease", "a", "", "\u00e4" * 9))
            flags = rng.randrange(16) ^ mqtt_packets.QOS1
            payload = rng.randbytes(rng.choice((0, 5, 300)))
            return mqtt_packets.publish(topic, payload, rng.randrange(65_536), flags)
        if kind == 3:
            return mqtt_packets.puback(rng.randrange(4))
        if kind == 4:
            return bytes((mqtt_packets.SUBACK, 4, 0, 1, 1, rng.choice((1, 0x80))))
        return bytes((rng.randrange(256), rng.randrange(4))) + rng.randbytes(rng.randrange(4))
