"""`network` of a Pico W for a virtual board: a station that joins any access point in reach."""

import time

import bench_link
import bench_protocol as protocol

STA_IF = 0
AP_IF = 1
STAT_IDLE = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 3
STAT_CONNECT_FAIL = -1
STAT_NO_AP_FOUND = -2
STAT_WRONG_PASSWORD = -3

_JOIN_MS = 300
_hostname = "PicoW"


def hostname(name=None):
    """Return or set the name the board asks the network for."""
    global _hostname
    if name is not None:
        if not 0 < len(name) <= 32:
            raise ValueError("bad hostname")
        _hostname = name
    return _hostname


def country(code=None):
    """Accept a country code; the loopback has no channels to restrict."""
    return code or "XX"


class WLAN:
    """The station. Joining takes a moment; when the bench cuts the link it is gone at once."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0x10
    PM_PERFORMANCE = 0xA11142
    PM_POWERSAVE = 0x11

    _is_active = False
    _joined_at = None

    def __init__(self, interface_id=STA_IF):
        if interface_id != STA_IF:
            raise ValueError("the bench has no access point mode")

    def active(self, is_active=None):
        """Return or set whether the radio is up; down it forgets the access point."""
        if is_active is not None:
            WLAN._is_active = bool(is_active)
            if not is_active:
                WLAN._joined_at = None
        return WLAN._is_active

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to join. Raises OSError while the radio is down."""
        if not WLAN._is_active:
            raise OSError(1)
        if not ssid:
            raise ValueError("no SSID")
        WLAN._joined_at = time.ticks_add(time.ticks_ms(), _JOIN_MS)

    def disconnect(self):
        """Leave the access point."""
        WLAN._joined_at = None

    def isconnected(self):
        """Return whether an address was got and the access point is in reach."""
        return self.status() == STAT_GOT_IP

    def status(self, param=None):
        """Return the state of joining; with "rssi" the signal in dBm."""
        if param == "rssi":
            return -50
        if param is not None:
            raise ValueError("unknown status param")
        if WLAN._joined_at is None:
            return STAT_IDLE
        in_reach = bytearray(1)
        bench_link.ask_into(in_reach, protocol.WLAN)
        if not in_reach[0]:
            # Joining starts anew when the access point is back.
            WLAN._joined_at = time.ticks_add(time.ticks_ms(), _JOIN_MS)
            return STAT_NO_AP_FOUND
        if time.ticks_diff(WLAN._joined_at, time.ticks_ms()) > 0:
            return STAT_CONNECTING
        return STAT_GOT_IP

    def ifconfig(self, config=None):
        """Return address, mask, gateway and DNS: all of the loopback."""
        if config is not None:
            raise ValueError("the bench gives addresses itself")
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def config(self, name=None, **values):
        """Return one setting by name, or set pm, hostname, ssid..."""
        if name is None:
            unknown = set(values) - {"pm", "hostname", "channel", "txpower"}
            if unknown:
                raise ValueError("unknown config param")
            return None
        if name == "mac":
            return b"\x02" + bench_link.unique_id[-5:]
        if name in ("pm", "channel"):
            return {"pm": self.PM_NONE, "channel": 1}[name]
        raise ValueError("unknown config param")
