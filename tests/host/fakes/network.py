"""Fake `network` of an RP2040: a station that joins, and a W5500, as the test lets them."""


class FakeNetwork:
    """Stands for the module. What a test sets: `is_in_reach`, `status`, `has_cable`, `has_dhcp`."""

    STA_IF = 0
    STAT_IDLE = 0
    STAT_CONNECTING = 1
    STAT_GOT_IP = 3
    STAT_CONNECT_FAIL = -1
    STAT_NO_AP_FOUND = -2
    STAT_WRONG_PASSWORD = -3

    def __init__(self):
        self.is_in_reach = True
        self.answer = self.STAT_GOT_IP  # what joining ends in, while in reach
        self.has_cable = True
        self.has_dhcp = True
        self.history = []
        self._is_made = False
        module = self

        class WLAN(_Wlan):
            network = module

        class WIZNET5K(_Wiznet5k):
            network = module

        self.WLAN = WLAN
        self.WIZNET5K = WIZNET5K

    def hostname(self, name):
        """Set the name the board asks for; only before an interface asks with it."""
        if not 0 < len(name) <= 32:
            raise ValueError("bad hostname")
        if self._is_made:
            raise RuntimeError("too late for a hostname")
        self.history.append(("hostname", name))


class _Wlan:
    PM_NONE = 0x10
    network = None

    def __init__(self, interface):
        if interface != 0:
            raise ValueError("station only")
        self.network._is_made = True
        self._is_active = False
        self._is_joining = False

    def active(self, is_active=None):
        """Switch the radio."""
        if is_active is not None:
            self._is_active = is_active
            self._is_joining = self._is_joining and is_active
            self.network.history.append(("active", is_active))
        return self._is_active

    def connect(self, ssid, password):
        """Begin to join; OSError while the radio is off."""
        if not self._is_active:
            raise OSError(1)
        self._is_joining = True
        self.network.history.append(("connect", ssid))

    def status(self):
        """Return how joining goes; a failure ends it, until the next `connect`."""
        if not self._is_joining:
            return self.network.STAT_IDLE
        return self.network.answer if self.network.is_in_reach else self.network.STAT_NO_AP_FOUND

    def isconnected(self):
        """Tell whether there is an address."""
        return self.status() == self.network.STAT_GOT_IP

    def ifconfig(self):
        """Return address, mask, gateway and name server."""
        return ("192.0.2.9", "255.255.255.0", "192.0.2.1", "192.0.2.53")

    def config(self, **values):
        """Set the power mode."""
        self.network.history.append(("config", values))


class _Wiznet5k:
    network = None

    def __init__(self, spi, cs, reset):
        if (spi.pins, cs.number, reset.number) != ((16, 18, 19), 17, 20):
            raise ValueError("no W5500 there")
        self.network._is_made = True
        self._is_active = self._wants_address = False

    def active(self, is_active=None):
        """Reset and set up the chip."""
        if is_active is not None:
            self._is_active = is_active
            self.network.history.append(("active", is_active))
        return self._is_active

    def ipconfig(self, *, dhcp4):
        """Ask for an address; returns at once."""
        if not self._is_active:
            raise OSError(1)
        self._wants_address = dhcp4
        self.network.history.append(("dhcp4", dhcp4))

    def status(self):
        """Return 0 without a live cable, 1 with one, 2 when active too."""
        return (2 if self._is_active else 1) if self.network.has_cable else 0

    def isconnected(self):
        """Tell whether cable and address are there."""
        return self.status() == 2 and self._wants_address and self.network.has_dhcp

    def ifconfig(self):
        """Return address, mask, gateway and name server."""
        return ("192.0.2.9", "255.255.255.0", "192.0.2.1", "192.0.2.53")
