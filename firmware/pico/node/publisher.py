"""What the node has to tell in; numbered, signed records in the outbox out."""

from wire import codec
from wire.records import QUALITY
from wire.topics import FROM_NODE, topic

from node.version import FIRMWARE

PORTS = ("bus", "pv", "battery", "load")
REGISTERED = ("import", "export")


class Publisher:
    """Builds, numbers and signs records. Nothing here waits for the network."""

    def __init__(self, settings, identity, store, outbox, wall_clock):
        """`identity`: (boot_id, reset cause). `outbox`: Outbox. `wall_clock`: WallClock."""
        self._settings = settings
        self._boot_id, self._reset_cause = identity
        self._store = store
        self._outbox = outbox
        self._wall_clock = wall_clock
        self._topics = {kind: topic(settings.node, kind) for kind in FROM_NODE}
        self.read_status = None  # () -> members of a status that change; set when all is built
        self.on_added = None  # () -> None; wakes the link

    def send(self, kind, members, is_final=False, on_sent=None):
        """Queue one record."""
        record = {
            "boot_id": self._boot_id,
            "seq": self._store.numbering.take(kind),
            "t_ms": self._wall_clock.unix_ms(),
        }
        record.update(members)
        payload = codec.encode(self._topics[kind], record, self._settings.key_up)
        self._outbox.add(kind, payload, is_final, on_sent)
        if self.on_added:
            self.on_added()

    def send_final(self, members):
        """Queue the final of a delivery; it stays in flash until the broker has it."""
        delivery_id = members["delivery_id"]
        self.send("delivery", members, True, lambda: self._store.finals.acknowledge(delivery_id))

    def send_event(self, code, reason, delivery_id, value=None):
        """Queue an event."""
        members = {"code": code, "reason": reason, "delivery_id": delivery_id, "value": value}
        self.send("event", members)

    def send_status(self):
        """Queue the status of this moment, with a fresh nonce."""
        members = {"firmware": FIRMWARE, "reset_cause": self._reset_cause}
        members.update(self.read_status())
        self.send("status", members)


def reading(bus, house, registers, flags):
    """Return the members of a reading. What is not fitted is None.

    `bus`: BusMeter. `house`: HouseMeter. `flags`: quality flags known elsewhere.
    """
    members = {}
    sample = bus.sample if bus.failures == 0 else None
    members["bus_voltage_uv"] = sample.voltage_uv if sample else None
    members["bus_current_ua"] = sample.current_ua if sample else None
    members["bus_power_uw"] = bus.power_uw() if sample else None
    for port in ("pv", "battery"):
        branch = getattr(house, port)
        members[port + "_voltage_uv"] = branch.voltage_uv
        members[port + "_current_ua"] = branch.current_ua
        members[port + "_power_uw"] = branch.power_uw
    load = house.load
    members["load_voltage_uv"] = load.voltage_uv
    members["load_current_ua"] = load.current_ua
    members["load_power_uw"] = load.power_uw
    members["load_apparent_uva"] = load.apparent_uva
    members["load_frequency_uhz"] = load.frequency_uhz
    fitted = {"bus": bus.is_fitted, "pv": house.pv.is_fitted, "battery": house.battery.is_fitted}
    fitted["load"] = load.is_real  # real energy needs a voltage channel
    for port in PORTS:
        for direction in REGISTERED:
            name = port + "_" + direction
            members[name + "_uwh"] = registers[name] if fitted[port] else None
    members["load_apparent_uvah"] = registers["load_apparent"]
    if bus.failures:
        flags |= QUALITY["sensor_stale"]
    members["quality_flags"] = flags | house.take_flags()
    return members
