"""The board's WiFi: credentials in, a network interface that is up or down out."""

import asyncio
import random

POLL_MS = 100
JOIN_MS = 20_000
AGAIN_MS = 2_000  # the radio gives up by itself; then it must be asked anew
NO_ADDRESS = 2  # a status without a name in `network`: associated, DHCP has not answered


class Wifi:
    """Station mode, power saving off: with it on, a lost association can go unnoticed."""

    def __init__(self, network, credentials, hostname):
        """`network`: the module. `credentials`: (ssid, password)."""
        self._network = network
        self._credentials = credentials
        network.hostname(hostname)  # before the interface asks for an address
        self._wlan = network.WLAN(network.STA_IF)
        self._switch_on()

    def _switch_on(self):
        self._wlan.active(True)
        self._wlan.config(pm=getattr(self._network.WLAN, "PM_NONE", 0xA11140))

    def restart(self):
        """Switch the radio off and on; nothing else runs meanwhile."""
        self._wlan.active(False)
        self._switch_on()

    def is_up(self):
        """Tell whether the board is associated and has an address."""
        return self._wlan.isconnected()

    def name_server(self):
        """Return the IP address of the network's DNS server."""
        return self._wlan.ifconfig()[3]

    async def join(self):
        """Join the network. Raises OSError with a plain sentence when that takes too long."""
        waited_ms = again_ms = 0
        while not self.is_up():
            status = self._wlan.status()
            if waited_ms >= again_ms and (waited_ms == 0 or status < 0):
                self._wlan.connect(*self._credentials)
                again_ms = waited_ms + AGAIN_MS + random.getrandbits(9)
            elif status == self._network.STAT_WRONG_PASSWORD or waited_ms > JOIN_MS:
                raise OSError(self._problem(status))
            await asyncio.sleep(POLL_MS / 1000)
            waited_ms += POLL_MS

    def _problem(self, status):
        ssid = self._credentials[0]
        if status == self._network.STAT_WRONG_PASSWORD:
            return "wifi: wrong password for " + ssid
        if status == self._network.STAT_NO_AP_FOUND:
            return "wifi: no access point called %s in reach" % ssid
        if status == NO_ADDRESS:
            return "wifi: %s gives no address (DHCP)" % ssid
        return "wifi: %s does not let the board in" % ssid
