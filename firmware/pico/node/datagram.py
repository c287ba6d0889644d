"""One datagram out, the first acceptable answer in. Nothing blocks and nothing received raises."""

import asyncio
import socket

POLL_MS = 5
LONGEST = 512


async def ask(address, question, accept, timeout_ms):
    """Send `question` (bytes) to `address` (IP, port) and return the first answer accepted.

    `accept(answer)` returns what to hand on, or None to wait for a better one. Returns None when
    none came in time. Raises OSError when nothing can be sent.
    """
    # A number needs no name server, so this does not block.
    where = socket.getaddrinfo(address[0], address[1])[0][-1]
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asking.setblocking(False)
        asking.sendto(question, where)
        return await asyncio.wait_for(_wait(asking, accept), timeout_ms / 1000)
    except asyncio.TimeoutError:
        return None
    finally:
        asking.close()


async def _wait(asking, accept):
    while True:
        await asyncio.sleep(POLL_MS / 1000)
        found = _accepted(asking, accept)
        if found is not None:
            return found


def _accepted(asking, accept):
    """Look through what has arrived."""
    while True:
        try:
            answer = asking.recvfrom(LONGEST)[0]
        except OSError:
            return None  # nothing (more), or "port unreachable"
        found = accept(answer)
        if found is not None:
            return found
