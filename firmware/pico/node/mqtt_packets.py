"""MQTT 3.1.1 packets: values in, bytes out, and back. Section numbers are the OASIS standard's."""

CONNACK = 0x20
PUBLISH = 0x30
PUBACK = 0x40
SUBACK = 0x90
PINGRESP = 0xD0
QOS1 = 0x02  # flags of PUBLISH
RETAIN = 0x01
# Clean session, will with QoS 1 and retained, user, password (3.1.2.3).
CONNECT_FLAGS = 0x02 | 0x04 | 0x08 | 0x20 | 0x80 | 0x40
PINGREQ_PACKET = b"\xc0\x00"

MAX_REMAINING_BYTES = 2_048  # an inbound packet: topic and one record fit easily


class ProtocolError(Exception):
    """The broker sent what this client can't take."""


def connect(client_id, login, will, keepalive_s):
    """Return CONNECT (3.1) with a clean session. `login`: (user, password); `will`: see below.

    `will`: (topic, payload), QoS 1 and retained.
    """
    body = _text("MQTT") + bytes((4, CONNECT_FLAGS)) + _u16(keepalive_s) + _text(client_id)
    body += _text(will[0]) + _u16(len(will[1])) + will[1]
    body += _text(login[0]) + _text(login[1])
    return b"\x10" + _remaining(len(body)) + body


def publish(topic, payload, packet_id, flags):
    """Return PUBLISH (3.3) with QoS 1. `flags`: 0 or RETAIN.

    DUPLICATE is never set: sessions are clean, so what is sent again is new to the broker, and
    receivers know it by its sequence number.
    """
    body = _text(topic) + _u16(packet_id) + payload
    return bytes((PUBLISH | QOS1 | flags,)) + _remaining(len(body)) + body


def subscribe(topics, packet_id):
    """Return SUBSCRIBE (3.8) with QoS 1 for each topic."""
    body = _u16(packet_id)
    for topic in topics:
        body += _text(topic) + b"\x01"
    return b"\x82" + _remaining(len(body)) + body


def puback(packet_id):
    """Return PUBACK (3.4)."""
    return bytes((PUBACK, 2)) + _u16(packet_id)


def split_publish(first, body):
    """Return (topic, payload, packet_id) of an inbound PUBLISH; packet_id None for QoS 0.

    Raises ProtocolError when the packet is cut short or of QoS 2, which is never asked for.
    """
    qos = first >> 1 & 3
    if len(body) < 2:
        raise ProtocolError("short publish")
    start = 2 + (body[0] << 8 | body[1])
    end = start + (2 if qos else 0)
    if qos > 1 or len(body) < end:
        raise ProtocolError("publish")
    try:
        topic = bytes(body[2:start]).decode()
    except UnicodeError:
        raise ProtocolError("topic")
    packet_id = body[start] << 8 | body[start + 1] if qos else None
    return topic, bytes(body[end:]), packet_id


async def read_packet(reader):
    """Return (first byte, body) of the next packet.

    Raises EOFError or OSError when the connection ends, ProtocolError for a packet too large.
    """
    first = (await reader.readexactly(1))[0]
    size = 0
    for place in range(4):
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            break
    if size > MAX_REMAINING_BYTES:
        raise ProtocolError("packet of %d bytes" % size)
    return first, await reader.readexactly(size) if size else b""


def _u16(number):
    return bytes((number >> 8 & 0xFF, number & 0xFF))


def _text(text):
    encoded = text.encode()
    return _u16(len(encoded)) + encoded


def _remaining(size):
    """Encode a remaining length (2.2.3)."""
    encoded = bytearray()
    while True:
        byte = size & 0x7F
        size >>= 7
        encoded.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(encoded)
