"""Wired Ethernet by a W5500: pins in, a network interface that is up or down out."""

import asyncio

POLL_MS = 100
JOIN_MS = 20_000
SPI_HZ = 20_000_000
NO_CABLE = 0  # of status()


class Ethernet:
    """Has the methods of `wifi.Wifi`. Making it takes 0.4 s, for the chip's reset."""

    def __init__(self, network, machine, carrier, hostname):
        """`network`, `machine`: the modules. `carrier`: from carriers, with the chip's pins."""
        network.hostname(hostname)  # before the interface asks for an address
        spi = machine.SPI(
            carrier.SPI,
            SPI_HZ,
            sck=machine.Pin(carrier.SCK),
            mosi=machine.Pin(carrier.MOSI),
            miso=machine.Pin(carrier.MISO),
        )
        self._nic = network.WIZNET5K(spi, machine.Pin(carrier.CS), machine.Pin(carrier.RESET))
        self._nic.active(True)

    def restart(self):
        """Reset the chip, which takes 0.4 s; nothing else runs meanwhile."""
        self._nic.active(False)
        self._nic.active(True)

    def is_up(self):
        """Tell whether the cable is live and the board has an address."""
        return self._nic.isconnected()

    def name_server(self):
        """Return the IP address of the network's DNS server."""
        return self._nic.ifconfig()[3]

    async def join(self):
        """Wait for cable and address. Raises OSError with a plain sentence after JOIN_MS."""
        if self.is_up():
            return
        # Asked anew each time: an old lease may be of another network. Unlike ifconfig("dhcp"),
        # which blocks for up to 10 s, this returns at once.
        self._nic.ipconfig(dhcp4=True)
        for _ in range(JOIN_MS // POLL_MS):
            if self.is_up():
                return
            await asyncio.sleep(POLL_MS / 1000)
        if self._nic.status() == NO_CABLE:
            raise OSError("ethernet: no cable, or nothing at its other end")
        raise OSError("ethernet: the network gives no address (DHCP)")
