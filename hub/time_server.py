"""SNTP for the boards: their questions enter by UDP, the hub's time leaves.

Boards have no battery behind their clocks, and certificates have dates, so a board asks for the
time before anything else. On a Raspberry Pi `chrony` may serve instead (`ntp.serve = false`).
"""

from __future__ import annotations

import asyncio
import ctypes
import struct
import sys
import time
from collections.abc import Callable

UNIX_S = 2_208_988_800  # from 1900 to 1970
QUESTION_BYTES = 48
CLIENT, SERVER = 3, 4
UNSYNCHRONISED = 3  # leap indicator
STRATUM = 3
NO_STRATUM = 16
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # struct timex is 208 bytes on 64 bit
REFERENCE = b"LOCL"


def is_host_synchronised() -> bool:
    """Tell whether the kernel's clock follows a time server; True where that cannot be known."""
    if sys.platform != "linux":
        return True
    timex = ctypes.create_string_buffer(TIMEX_BYTES)  # all zero: change nothing, only tell
    return int(ctypes.CDLL(None, use_errno=True).adjtimex(timex)) not in (TIME_ERROR, -1)


def ntp_time(unix_s: float) -> bytes:
    """Return a time stamp of NTP: seconds since 1900 modulo an era, and 32 bit of fraction."""
    whole = int(unix_s)
    return struct.pack(">II", (whole + UNIX_S) % (1 << 32), int((unix_s - whole) * (1 << 32)))


def answer(question: bytes, received_s: float, is_synchronised: bool) -> bytes | None:
    """Return the reply to a client's question, None to anything else.

    Never longer than the question, so that a forged sender gains nothing.
    """
    if len(question) < QUESTION_BYTES or question[0] & 0x07 != CLIENT:
        return None
    version = question[0] >> 3 & 0x07
    if not 1 <= version <= 4:
        return None
    leap, stratum = (0, STRATUM) if is_synchronised else (UNSYNCHRONISED, NO_STRATUM)
    head = struct.pack(">BBbb4x4x4s", leap << 6 | version << 3 | SERVER, stratum, 6, -20, REFERENCE)
    stamps = ntp_time(received_s), question[40:48], ntp_time(received_s), ntp_time(time.time())
    return head + b"".join(stamps)


class TimeServer(asyncio.DatagramProtocol):
    """Answers boards on one UDP port; `port` is the one it got when 0 was asked for.

    `is_synchronised` is asked for each answer: without time of its own the hub gives none.
    """

    def __init__(self, host: str, port: int, is_synchronised: Callable[[], bool]) -> None:
        self.host = host
        self.port = port
        self._is_synchronised = is_synchronised
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken or needs more rights."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = answer(data, time.time(), self._is_synchronised())
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)
