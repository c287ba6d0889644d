"""A host's name in, its IPv4 address out, without holding up anything else (node/addresses.py).

MicroPython's own look-up blocks for seconds when no server answers: too long for a closed relay.
"""

import os
import struct

from node.datagram import ask

DNS_PORT = 53
MULTICAST_DNS = ("224.0.0.251", 5353)  # RFC 6762: names that end in .local
ATTEMPTS = 3
ANSWER_MS = 1_000
_HEAD = ">HHHHHH"
_HEAD_BYTES = 12
_RECORD = ">HHIH"  # type, class, time to live, length
_RECORD_BYTES = 10
_RECURSIVE = 0x0100
_IS_ANSWER = 0x8000
_FAILURE = 0x000F
_ADDRESS = b"\x00\x01\x00\x01"  # type A, class IN
_FLUSH = 0x8000  # multicast answers set it in the class
_POINTER = 0xC0


async def resolve(host, server):
    """Return the address of `host`. `server`: the name server's IP, or (IP, port).

    Raises OSError with a plain sentence when nobody knows it.
    """
    if host.endswith(".local"):
        where = MULTICAST_DNS
    else:
        where = (server, DNS_PORT) if isinstance(server, str) else server
    for _ in range(ATTEMPTS):
        number = int.from_bytes(os.urandom(2), "big")
        asked = _name(host) + _ADDRESS
        head = struct.pack(_HEAD, number, _RECURSIVE, 1, 0, 0, 0)

        def accept(answer, number=number):
            return _read(answer, number)

        found = await ask(where, head + asked, accept, ANSWER_MS)
        if found:
            return found
        if found == "":
            break
    raise OSError("no address for the name " + host)


def _name(host):
    """Return a name as DNS writes it."""
    return b"".join(bytes((len(part),)) + part.encode() for part in host.split(".")) + b"\x00"


def _read(answer, number):
    """Return the first address in an answer, "" when it has none, None when it is not ours."""
    try:
        return _address(answer, number)
    except IndexError:
        return None  # cut short or bent


def _address(answer, number):
    if len(answer) < _HEAD_BYTES:
        return None
    given, flags, questions, answers, _, _ = struct.unpack(_HEAD, answer[:_HEAD_BYTES])
    # Multicast answers to a port of ours repeat the number too (RFC 6762, 6.7).
    if given != number or not flags & _IS_ANSWER:
        return None
    if flags & _FAILURE:
        return ""
    place = _HEAD_BYTES
    for _ in range(questions):
        place = _after_name(answer, place) + 4
    for _ in range(answers):
        place = _after_name(answer, place)
        if place + _RECORD_BYTES > len(answer):
            return None
        kind, group, _, size = struct.unpack(_RECORD, answer[place : place + _RECORD_BYTES])
        place += _RECORD_BYTES
        if (kind, group & ~_FLUSH, size) == (1, 1, 4) and place + 4 <= len(answer):
            return ".".join(str(part) for part in answer[place : place + 4])
        place += size
    return ""


def _after_name(answer, place):
    """Return where the name that begins at `place` ends."""
    while True:
        size = answer[place]
        if size >= _POINTER:
            return place + 2
        place += 1 + size
        if size == 0:
            return place
