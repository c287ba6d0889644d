"""The board's WiFi: credentials in, a network interface that is up or down out."""

import asyncio

POLL_MS = 100
JOIN_MS = 20_000


class Wifi:
    """Station mode, power saving off: with it on, a lost association can go unnoticed."""

    def __init__(self, network, credentials):
        """`network`: the module. `credentials`: (ssid, password)."""
        self._credentials = credentials
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        self._wlan.config(pm=getattr(network.WLAN, "PM_NONE", 0xA11140))

    def is_up(self):
        """Tell whether the board is associated and has an address."""
        return self._wlan.isconnected()

    async def join(self):
        """Join the network. Raises OSError when that takes longer than JOIN_MS."""
        if self.is_up():
            return
        self._wlan.connect(*self._credentials)
        for _ in range(JOIN_MS // POLL_MS):
            if self.is_up():
                return
            await asyncio.sleep(POLL_MS / 1000)
        raise OSError("wifi: not joined")
