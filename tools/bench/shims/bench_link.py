"""The virtual board's line to the bench: one synchronous connection, shared by all shims."""

import socket
import struct

import bench_protocol as protocol

_IPPROTO_TCP = 6
_TCP_NODELAY = 1

_header = bytearray(protocol.HEADER_BYTES)
_line = None
reset_cause = 0
unique_id = b""


def connect(port, node):
    """Attach to the bench as `node`. Raises SystemExit when the bench does not know it."""
    global _line, reset_cause, unique_id
    _line = socket.socket()
    _line.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    _line.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    name = node.encode()
    _line.write(struct.pack(protocol.HEADER, protocol.HELLO, 0, len(name), 0) + name)
    answer = _line.read(16)
    if len(answer) != 16:
        raise SystemExit("the bench does not know this board")
    reset_cause, unique_id = answer[0], answer[8:16]


def tell(op, a=0, b=0, c=0):
    """Send a request that has no reply."""
    struct.pack_into(protocol.HEADER, _header, 0, op, a, b, c)
    try:
        _line.write(_header)
    except OSError:
        power_lost()


def tell_bytes(op, a, body, c):
    """Send a request with a body and no reply yet."""
    try:
        _line.write(struct.pack(protocol.HEADER, op, a, len(body), c) + body)
    except OSError:
        power_lost()


def ask_into(buffer, op, a=0, b=0, c=0):
    """Send a request and fill `buffer` with its reply."""
    tell(op, a, b, c)
    receive_into(buffer)


def receive_into(buffer):
    """Fill `buffer` with a reply."""
    try:
        length = _line.readinto(buffer)
    except OSError:
        length = 0
    if length != len(buffer):
        power_lost()


def power_lost():
    """End the process: without the bench there is no hardware."""
    raise SystemExit("the bench is gone")


def await_end():
    """Wait for the bench to end this process: a reset is not an exception that code can catch."""
    while True:
        try:
            if not _line.read(1):
                break
        except OSError:
            break
    power_lost()
