"""Fake `network`: a station that joins when the test lets it."""


class FakeNetwork:
    """Stands for the module."""

    STA_IF = 0

    def __init__(self):
        self.is_in_reach = True
        self.history = []
        module = self

        class WLAN(_Wlan):
            network = module

        self.WLAN = WLAN


class _Wlan:
    PM_NONE = 0x10
    network = None

    def __init__(self, interface):
        if interface != 0:
            raise ValueError("station only")
        self._is_active = False
        self._has_joined = False

    def active(self, is_active=None):
        """Switch the radio."""
        if is_active is not None:
            self._is_active = is_active
        return self._is_active

    def connect(self, ssid, password):
        """Begin to join; OSError while the radio is off."""
        if not self._is_active:
            raise OSError(1)
        self._has_joined = True
        self.network.history.append(("connect", ssid))

    def isconnected(self):
        """Tell whether there is an address."""
        return self._has_joined and self.network.is_in_reach

    def config(self, **values):
        """Set the power mode."""
        self.network.history.append(("config", values))
