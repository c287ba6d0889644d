"""A broker in a few lines: reads packets, acknowledges when told to, misbehaves on request."""

import asyncio
import contextlib


class Broker:
    """Use as an async context manager. `packets`: (first byte, body) as received, in order."""

    def __init__(self):
        self.packets = []
        self.is_acknowledging = True
        self.refusal = 0  # return code of CONNACK
        self.connections = 0
        self._writers = []
        self._arrived = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.drop()
        self._server.close()
        await self._server.wait_closed()

    def drop(self):
        """Cut all connections."""
        for writer in self._writers:
            writer.close()
        self._writers = []

    def send(self, content):
        """Send bytes to the newest client."""
        self._writers[-1].write(content)

    def publish(self, topic, payload, packet_id=7):
        """Publish with QoS 1 to the newest client."""
        body = len(topic).to_bytes(2, "big") + topic.encode()
        body += packet_id.to_bytes(2, "big") + payload
        self.send(b"\x32" + remaining(len(body)) + body)

    def of_kind(self, kind):
        """Return the packets of one kind (high nibble)."""
        return [packet for packet in self.packets if packet[0] & 0xF0 == kind]

    async def until(self, condition, timeout_s=60):
        """Wait until `condition()` holds, looking after each packet and every 10 ms."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._arrived.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), 0.01)

    async def _serve(self, reader, writer):
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first = (await reader.readexactly(1))[0]
                body = await reader.readexactly(await read_length(reader))
                self.packets.append((first, body))
                self._arrived.set()
                self._answer(writer, first, body)
        writer.close()

    def _answer(self, writer, first, body):
        kind = first & 0xF0
        if kind == 0x10:
            writer.write(bytes((0x20, 2, 0, self.refusal)))
        elif kind == 0x80:
            writer.write(b"\x90\x04" + body[:2] + b"\x01\x01")
        elif kind == 0x30 and self.is_acknowledging:
            start = 2 + int.from_bytes(body[:2], "big")
            writer.write(b"\x40\x02" + body[start : start + 2])
        elif kind == 0xC0:
            writer.write(b"\xd0\x00")


async def read_length(reader):
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size


def remaining(size):
    encoded = b""
    while True:
        size, digit = divmod(size, 128)
        encoded += bytes([digit | (0x80 if size else 0)])
        if not size:
            return encoded


def text_fields(body, place):
    """Return the length-prefixed fields of `body` from `place` on."""
    fields = []
    while place < len(body):
        size = int.from_bytes(body[place : place + 2], "big")
        fields.append(body[place + 2 : place + 2 + size])
        place += 2 + size
    return fields
