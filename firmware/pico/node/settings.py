"""settings.json in, checked settings out; every bad field is named."""

import json
from binascii import unhexlify

from wire.topics import is_node_name

from node.adc import CHIPS
from node.addresses import is_address
from node.calibration import is_complete
from node.carriers import CARRIERS
from node.fitting import CHANNELS
from node.part_checks import LINE, calibration_problems, fitting_problems
from node.profiles import PROFILES

FILE = "settings.json"
BRANCHES = ("bus", "pv", "battery")

LIMITS = {  # name: (lowest, highest, default)
    "over_current_ua": (1_000, 10_000_000, 1_000_000),
    "over_voltage_uv": (1_000_000, 36_000_000, 15_000_000),
    "under_voltage_uv": (0, 36_000_000, 9_000_000),
    "bus_voltage_uv": (1_000_000, 36_000_000, 12_000_000),  # nominal
    "match_voltage_uv": (10_000, 5_000_000, 1_500_000),  # off nominal, when a relay closes
    "dead_voltage_uv": (10_000, 5_000_000, 1_000_000),  # a bus below this is dead
    "reverse_current_ua": (1_000, 1_000_000, 20_000),
    "welded_current_ua": (1_000, 1_000_000, 20_000),  # with both relays open
    "no_current_ua": (100, 1_000_000, 5_000),
    "no_current_ms": (500, 600_000, 8_000),
    "link_lost_ms": (0, 60_000, 2_000),
    "sensor_stale_ms": (40, 5_000, 200),
    "creep_ua": (0, 100_000, 1_000),  # a bus current below this is 0
}
NUMBERS = {  # name: (lowest, highest, default or None when required)
    "broker_port": (1, 65535, None),
    "broker_keepalive_s": (5, 3_600, 10),  # without a sign of life the broker ends it after 1.5 x
    "ntp_port": (1, 65535, 123),
    "clock_floor_s": (0, 4_102_444_799, 0),  # Unix time when these settings were written
    "mains_voltage_mv": (100_000, 260_000, 230_000),
    "reading_period_ms": (200, 900_000, 1_000),
    "aggregate_period_s": (60, 3_600, 900),  # while the hub is away
    "snapshot_period_ms": (10_000, 900_000, 900_000),
    "sample_rate_hz": (1_000, 8_000, 8_000),  # per channel
    "divider_ratio": (1_000, 20_000, 8_000),  # of both FZ0430, in 1/1000
    "i2c_hz": (10_000, 1_000_000, 400_000),
}
TEXTS = ("broker_host", "broker_user", "broker_password")
WIFI = ("wifi_ssid", "wifi_password")  # only where there is a radio
FLAGS = {"broker_tls": False, "relay_active_low": None, "regulator_pwm": False}
KEYS = ("key_up", "key_down")
INA226_LIMITS = {"address": (0x40, 0x4F), "shunt_uohm": (100, 1_000_000)}
I2C_PARTS = ("ina226", "ina219")
SHUNT_UV = {"ina226": 81_917, "ina219": 80_000}  # full range
LARGEST_BUS_UV = {"ina226": 36_000_000, "ina219": 26_000_000}  # TI SBOS547, SBOS448: section 6.3
OBJECTS = ("limits", "calibration", "ina226", "sensors")
HOSTS = ("broker_host", "broker_name", "ntp_host")  # the last two are the first by default
OPTIONAL = (
    OBJECTS
    + WIFI
    + HOSTS
    + ("board", "broker_ca", "profile", "chip", "spike_correction", "update_key")
)
_HOST_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."


class SettingsError(ValueError):
    """The settings can't be used; `problems` names each bad field."""

    def __init__(self, problems):
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings:
    """Checked settings; members as in settings.json, keys as bytes, limits all filled in."""

    def __init__(self, members):
        problems = _problems(members)
        if problems:
            raise SettingsError(problems)
        self.node = members["node"]
        self.profile = members.get("profile", "thesis")
        self.board = members.get("board", "pico_w")
        for name in TEXTS + WIFI:
            setattr(self, name, members.get(name))
        for name, (_, _, default) in NUMBERS.items():
            setattr(self, name, members.get(name, default))
        for name, default in FLAGS.items():
            setattr(self, name, members.get(name, default))
        self.key_up = unhexlify(members["key_up"])
        self.key_down = unhexlify(members["key_down"])
        key = members.get("update_key")
        self.update_key = unhexlify(key) if key else None  # None: no firmware over the air
        self.broker_ca = members.get("broker_ca")
        self.broker_name = members.get("broker_name", self.broker_host)
        self.ntp_host = members.get("ntp_host", self.broker_host)
        given = members.get("limits", {})
        self.limits = {name: given.get(name, LIMITS[name][2]) for name in LIMITS}
        self.calibration = members.get("calibration", {})
        self.ina226 = members.get("ina226", {})
        self.sensors = _fitted(members)  # {channel: {"part", "measures", options}}
        self.chip = members.get("chip")  # None: found by the name of the machine
        self.spike_correction = members.get("spike_correction")  # None: as the chip needs it
        measuring = CHANNELS + tuple(self.ina226)
        self.is_calibrated = is_complete(self.calibration, measuring)


def load(path=FILE):
    """Return the Settings in `path`. Raises SettingsError, also when it is absent or not JSON."""
    try:
        with open(path) as file:
            members = json.load(file)
    except OSError:
        raise SettingsError([path + " is missing"])
    except ValueError:
        raise SettingsError([path + " is not JSON"])
    return Settings(members)


def _problems(members):
    if not isinstance(members, dict):
        return ["the settings must be an object"]
    found = []
    for name in members:
        if not _is_known(name):
            found.append(str(name) + " is not known")
    if not is_node_name(members.get("node")):
        found.append("node must be 1 to 31 of a-z, 0-9 and '-', not beginning with '-'")
    if not _is_profile(members.get("profile", "thesis")):
        found.append("profile must be one of " + ", ".join(sorted(PROFILES)))
    if members.get("chip") is not None and not (
        isinstance(members["chip"], str) and members["chip"] in CHIPS
    ):
        found.append("chip must be one of " + ", ".join(sorted(CHIPS)))
    if members.get("spike_correction") not in (None, True, False):
        found.append("spike_correction must be true or false")
    found += _network_problems(members)
    for name, (low, high, default) in NUMBERS.items():
        found += _number_problems(members.get(name, default), name, low, high)
    for name, default in FLAGS.items():
        if not isinstance(members.get(name, default), bool):
            found.append(name + " must be true or false")
    if members.get("update_key") is not None and not _is_key(members["update_key"], 64):
        found.append("update_key must be 128 hex digits")
    for name in KEYS:
        if not _is_key(members.get(name)):
            found.append(name + " must be 64 hex digits")
    authority = members.get("broker_ca")
    is_named = isinstance(authority, str) and authority
    if not is_named and (authority is not None or members.get("broker_tls") is True):
        found.append("broker_ca must name a file: the CA that broker_tls trusts, in DER")
    return found + _nested_problems(members)


def _network_problems(members):
    found = []
    board = members.get("board", "pico_w")
    if not isinstance(board, str) or board not in CARRIERS:
        return ["board must be one of " + ", ".join(sorted(CARRIERS))]
    texts = TEXTS if CARRIERS[board].IS_WIRED else TEXTS + WIFI
    if CARRIERS[board].IS_WIRED and members.get("regulator_pwm") is True:
        found.append("regulator_pwm must be false: on this board nothing switches the regulator")
    for name in TEXTS + WIFI + ("broker_name", "ntp_host"):
        if not isinstance(members.get(name, None if name in texts else ""), str):
            found.append(name + " must be a text")
    for name in HOSTS:
        host = members.get(name)
        if isinstance(host, str) and not is_host(host):
            found.append(name + " must be an IPv4 address or a host's name")
    return found


def is_host(text):
    """Tell whether `text` can be a host's name or an IPv4 address."""
    parts = text.split(".")
    return (
        len(text) <= 253
        and all(1 <= len(part) <= 63 for part in parts)
        and all(character in _HOST_CHARACTERS for character in text)
        # A name's last part is not a number, so what ends in one must be a whole address.
        and (not parts[-1].isdigit() or is_address(text))
    )


def _is_profile(name):
    return isinstance(name, str) and name in PROFILES


def _is_known(name):
    return (
        name == "node"
        or name in TEXTS
        or name in NUMBERS
        or name in FLAGS
        or name in KEYS
        or name in OPTIONAL
    )


def _number_problems(value, name, low, high):
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        return ["%s must be an integer from %d to %d" % (name, low, high)]
    return []


def _is_key(value, size=32):
    try:
        return isinstance(value, str) and len(value) == 2 * size and len(unhexlify(value)) == size
    except ValueError:
        return False


def _nested_problems(members):
    found = []
    for name in OBJECTS:
        if not isinstance(members.get(name, {}), dict):
            found.append(name + " must be an object")
    if found:
        return found
    for name, value in members.get("limits", {}).items():
        if name not in LIMITS:
            found.append("limits." + str(name) + " is not known")
        else:
            found += _number_problems(value, "limits." + name, LIMITS[name][0], LIMITS[name][1])
    for channel, corrections in members.get("calibration", {}).items():
        where = "calibration." + str(channel)
        if channel in BRANCHES:
            found += calibration_problems(corrections, where, LINE)
        elif channel in CHANNELS:
            found += calibration_problems(corrections, where)
        else:
            found.append(where + " is not known")
    for branch, part in members.get("ina226", {}).items():
        found += _ina226_problems(branch, part)
    if not found:
        found += _bus_shunt_problems(members) + _voltage_problems(members)
    if _is_profile(members.get("profile", "thesis")):
        found += fitting_problems(_fitted(members), members.get("ina226", {}))
    return found


def _bus_shunt_problems(members):
    """Over-current must be within what the bus part can show, or nothing would ever trip."""
    part = members.get("ina226", {}).get("bus")
    if part is None:
        return []
    # The rest is for the calibration's gain.
    largest_ua = SHUNT_UV[part.get("part", "ina226")] * 850_000 // part["shunt_uohm"]
    given = members.get("limits", {}).get("over_current_ua", LIMITS["over_current_ua"][2])
    if given < largest_ua:
        return []
    where = "limits.over_current_ua must be below %d, the most that ina226.bus can show"
    return [where % largest_ua]


def _voltage_problems(members):
    """Limits that contradict each other, or the bus part, would always trip or never."""
    given = members.get("limits", {})
    names = ("under_voltage_uv", "bus_voltage_uv", "over_voltage_uv")
    under, nominal, over = [given.get(name, LIMITS[name][2]) for name in names]
    found = []
    if under >= nominal:
        found.append("limits.under_voltage_uv must be below bus_voltage_uv, %d" % nominal)
    if over <= nominal:
        found.append("limits.over_voltage_uv must be above bus_voltage_uv, %d" % nominal)
    part = members.get("ina226", {}).get("bus", {}).get("part", "ina226")
    if over > LARGEST_BUS_UV[part]:
        where = "limits.over_voltage_uv must be at most %d, what ina226.bus can measure"
        found.append(where % LARGEST_BUS_UV[part])
    return found


def _fitted(members):
    """Return what the profile fits on each channel, changed by the setting `sensors`."""
    fitted = dict(PROFILES[members.get("profile", "thesis")].FITTED)
    fitted.update(members.get("sensors", {}))
    return fitted


def _ina226_problems(branch, part):
    where = "ina226." + str(branch)
    if branch not in BRANCHES:
        return [where + " is not known"]
    if not isinstance(part, dict):
        return [where + " must be an object"]
    found = [
        where + "." + str(name) + " is not known"
        for name in part
        if name not in INA226_LIMITS and name != "part"
    ]
    if part.get("part", "ina226") not in I2C_PARTS:
        found.append(where + ".part must be one of " + ", ".join(I2C_PARTS))
    for name, (low, high) in INA226_LIMITS.items():
        found += _number_problems(part.get(name), where + "." + name, low, high)
    return found
