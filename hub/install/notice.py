"""What a service tells systemd: ready, alive, ending (sd_notify(3)). Nothing where none listens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

ALIVE_PARTS = 3
"""A sign of life each third of the time after which silence counts as hanging."""


class ServiceManager:
    """Taken out of the environment at once: the broker would tell in the hub's name."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        period_us = os.environ.pop("WATCHDOG_USEC", "0")
        is_ours = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._period_s = int(period_us) / 1e6 if is_ours and period_us.isdigit() else 0.0

    def tell(self, state: str) -> None:
        """Send a state such as `READY=1`; nothing happens where nobody listens."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # Linux's abstract names
            address = "\0" + address[1:]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(state.encode(), address)

    async def stay_alive(self) -> None:
        """Tell for ever that the event loop runs, as often as the watchdog wants it."""
        while self._period_s > 0:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._period_s / ALIVE_PARTS)
