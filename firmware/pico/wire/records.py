"""The records of the protocol: names, kinds and limits of their members, in the order sent.

Directions of energy. *Bus*: seen from the house; import is taken from the bus, export given to it.
*PV, battery, load*: seen from the thing itself; PV export is production, battery import is
charging, load import is consumption. Power and current are positive for bus import, PV export,
battery import and load import. A quantity whose sensor is not fitted is null, never estimated.
"""

from wire import units
from wire.digests import REGISTERS
from wire.members import REJECTIONS, Base64, Hex, Integer, Text, Word

# quality_flags of a reading is the sum of these.
QUALITY = {
    "overrange": 1,
    "no_signal": 2,
    "uncalibrated": 4,
    "clock_not_set": 8,
    "sensor_stale": 16,
    "samples_lost": 32,
    "sensor_open": 64,
}

# updating: about to start new firmware; trial: new firmware that the hub has not confirmed yet.
STATES = ("idle", "armed", "closing", "delivering", "opening", "fault", "updating", "trial")
RELAYS = ("open", "in", "out")
ROLES = ("seller", "buyer")
PHASES = ("closed", "progress", "final")
ACTIONS = ("close", "open", "stop", "clear_fault")
RESET_CAUSES = ("power_on", "watchdog", "soft", "other")

# Why a delivery ended. A new one goes to the end: boards keep its place in flash.
ABORTS = (
    "energy_reached",
    "commanded",
    "lease_expired",
    "link_lost",
    "window_over",
    "over_current",
    "over_voltage",
    "under_voltage",
    "reverse_current",
    "sensor_stale",
    "exposure",
    "no_current",
    "welded_contact",
    "voltage_mismatch",
    "rebooted",
    "exception",
    "emergency_stop",
)
# Why a command closed nothing; the bus may refuse too, with the abort it would lead to.
REFUSALS = (
    "no_lease",
    "old_nonce",
    "stale_seq",
    "busy",
    "fault_latched",
    "updating",
)
# Why firmware is not taken, or not kept.
UPDATE_REFUSALS = (
    "no_update_key",
    "bad_package",
    "bad_signature",
    "bad_content",
    "wrong_arch",
    "wrong_mpy",
    "not_newer",
    "too_large",
    "no_space",
    "failed_before",
    "flash_error",
    "did_not_start",
    "kept_resetting",
    "hub_not_reached",
)
UPDATES = ("offer", "chunk", "confirm", "cancel")
EVENT_CODES = (
    "boot",
    "command_refused",
    "tripped",
    "fault",
    "fault_cleared",
    "registers_restored",
    "samples_lost",
    "clock_stepped",
    "update_refused",
    "update_staged",
    "update_on_trial",
    "update_confirmed",
    "update_rolled_back",
    "message_rejected",  # value: how many since the boot, told at each power of two
)


def _voltage(name):
    return Integer(name, -units.MAX_VOLTAGE_UV, units.MAX_VOLTAGE_UV, True)


def _current(name):
    return Integer(name, -units.MAX_CURRENT_UA, units.MAX_CURRENT_UA, True)


def _power(name):
    return Integer(name, -units.MAX_POWER_UW, units.MAX_POWER_UW, True)


def _register(name):
    return Integer(name, 0, units.MAX_ENERGY_UWH, True)


def _energy(name, is_nullable=False):
    return Integer(name, 0, units.MAX_TRADE_UWH, is_nullable)


def _port(name):
    """Members of one metered port: voltage, current, power and both registers."""
    return (
        _voltage(name + "_voltage_uv"),
        _current(name + "_current_ua"),
        _power(name + "_power_uw"),
        _register(name + "_import_uwh"),
        _register(name + "_export_uwh"),
    )


_SEQ = Integer("seq", 1, units.MAX_SEQ)  # grows per sender, node and kind, over reboots too
_FROM_NODE = (
    Integer("boot_id", 0, units.MAX_U32),  # random at every boot
    _SEQ,
    Integer("t_ms", 0, units.MAX_TIME_MS, True),  # Unix time; null until the clock is set
)
_NONCE = Hex("nonce", 32)
_TO_NODE = (
    Integer("epoch", 0, units.MAX_U32),  # grows when a hub is restored or replaced
    _SEQ,
    _NONCE,  # one the node offered within the last NONCE_LIFE_MS
)

# What several kinds of records have is made once: each member takes 0.1 kB of a board's memory.
_DELIVERY_ID = Hex("delivery_id", 32)
_NO_DELIVERY_ID = Hex("delivery_id", 32, True)
_ROLE = Word("role", ROLES)
_ENERGY = _energy("energy_uwh")  # by this node's own meter
_COUNTERPARTY = _energy("counterparty_uwh")  # as the last lease told
_UPTIME = Integer("uptime_ms", 0, units.MAX_TIME_MS)
# secp256k1 by the board's own key, r | vs as in EIP-2098.
_SIGNATURE = Hex("signature", 128)

MEANS = (  # of an aggregate, over the readings of its period
    "bus_voltage_uv",
    "bus_power_uw",
    "pv_voltage_uv",
    "pv_power_uw",
    "battery_voltage_uv",
    "battery_power_uw",
    "load_power_uw",
    "load_apparent_uva",
)
_READING = (
    _port("bus")
    + _port("pv")
    + _port("battery")
    + _port("load")
    + (
        Integer("load_apparent_uva", 0, units.MAX_POWER_UW, True),
        _register("load_apparent_uvah"),
        Integer("load_frequency_uhz", 0, units.MAX_FREQUENCY_UHZ, True),
        Integer("quality_flags", 0, 127),
    )
)


def _of_reading(names):
    return tuple(member for name in names for member in _READING if member.name == name)


_REGISTERS = _of_reading(REGISTERS)

SCHEMAS = {
    "reading": _FROM_NODE + _READING,
    "status": _FROM_NODE
    + (
        _UPTIME,
        _NONCE,
        Word("state", STATES),
        Word("relay", RELAYS),
        _NO_DELIVERY_ID,
        Word("fault", ABORTS, True),
        Text("firmware", 24),
        Word("reset_cause", RESET_CAUSES),
        Integer("free_bytes", 0, units.MAX_U32),
        Integer("epoch", 0, units.MAX_U32),  # the highest of a hub since this boot, 0 for none
    ),
    "delivery": _FROM_NODE
    + (
        _DELIVERY_ID,
        _ROLE,
        Word("phase", PHASES),
        _ENERGY,
        _COUNTERPARTY,
        Integer("elapsed_ms", 0, units.MAX_DURATION_MS),  # since the relay closed
        Integer("register_uwh", 0, units.MAX_ENERGY_UWH),  # the bus register of this role
        Word("reason", ABORTS, True),  # null while it runs
    ),
    "event": _FROM_NODE
    + (
        Word("code", EVENT_CODES),
        Word("reason", REFUSALS + ABORTS + UPDATE_REFUSALS + REJECTIONS, True),
        _NO_DELIVERY_ID,
        Integer("value", -units.MAX_SEQ, units.MAX_SEQ, True),
    ),
    "signature": _FROM_NODE
    + (
        _DELIVERY_ID,
        _ROLE,
        _ENERGY,  # as in the final
        _COUNTERPARTY,
        _SIGNATURE,  # of digests.report_digest
    ),
    "snapshot": _FROM_NODE + (_UPTIME,) + _REGISTERS + (_SIGNATURE,),  # of digests.snapshot_digest
    "fetch": _FROM_NODE
    + (
        Hex("package_id", 32),
        Integer("offset", 0, units.MAX_PACKAGE_BYTES),
        Integer("count", 1, units.MAX_CHUNKS),  # chunks, one record each
    ),
    "aggregate": _FROM_NODE  # as they were when the aggregate was made, but t_ms may come later
    + (
        _UPTIME,  # of that boot, at the end of the period
        Integer("duration_ms", 1, units.MAX_DURATION_MS),
    )
    + _REGISTERS  # at the end of the period
    + _of_reading(MEANS)
    + _of_reading(["quality_flags"]),  # all that were seen
    "lease": _TO_NODE + (_DELIVERY_ID, _COUNTERPARTY),
    "command": _TO_NODE
    + (
        _DELIVERY_ID,
        Word("action", ACTIONS),
        Word("role", ROLES, True),  # this and all below: null unless the action is close
        _energy("energy_uwh", True),
        Integer("max_power_uw", 1, units.MAX_POWER_UW, True),
        Integer("max_duration_ms", 1, units.MAX_DURATION_MS, True),
        _energy("exposure_uwh", True),
    ),
    "update": _TO_NODE
    + (
        Word("what", UPDATES),
        Hex("package_id", 32, True),  # the first half of the digest that the technician signs
        Integer("number", 1, units.MAX_U32, True),  # this and size: in an offer
        Integer("size", 1, units.MAX_PACKAGE_BYTES, True),
        Integer("offset", 0, units.MAX_PACKAGE_BYTES, True),  # this and data: in a chunk
        Base64("data", units.CHUNK_BYTES, True),
    ),
}

_CLOSE_ONLY = ("role", "energy_uwh", "max_power_uw", "max_duration_ms", "exposure_uwh")


def check(kind, record):
    """Return "" when `record` (dict) is a whole and valid record of `kind`, else a reason."""
    members = SCHEMAS[kind]
    for member in members:
        if member.name not in record:
            return "missing_member"
    if len(record) != len(members):
        return "extra_member"
    for member in members:
        reason = member.check(record[member.name])
        if reason:
            return reason
    if kind == "command":
        return _check_command(record)
    return _check_update(record) if kind == "update" else ""


def _check_command(record):
    """A close states its role and limits, any other action states none of them."""
    is_close = record["action"] == "close"
    for name in _CLOSE_ONLY:
        if (record[name] is None) == is_close:
            return "bad_type"
    if is_close and record["energy_uwh"] == 0:
        return "out_of_range"
    return ""


_UPDATE_MEMBERS = {
    "offer": ("package_id", "number", "size"),
    "chunk": ("package_id", "offset", "data"),
    "confirm": (),
    "cancel": ("package_id",),
}


def _check_update(record):
    """Each kind of update states what belongs to it and nothing else."""
    stated = _UPDATE_MEMBERS[record["what"]]
    for name in ("package_id", "number", "size", "offset", "data"):
        if (record[name] is None) == (name in stated):
            return "bad_type"
    return ""
