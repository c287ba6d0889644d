"""What the node has to tell in; numbered, signed records in the outbox out."""

import asyncio

from wire import codec
from wire.records import QUALITY
from wire.topics import topic

from node.version import FIRMWARE

REGISTERED = tuple(  # of each port (member of a reading, register)
    tuple((port + "_" + way + "_uwh", port + "_" + way) for way in ("import", "export"))
    for port in ("bus", "pv", "battery", "load")
)


class Publisher:
    """Builds, numbers and signs records. Nothing here waits for the network."""

    def __init__(self, settings, identity, store, outbox, wall_clock):
        """`identity`: (boot_id, reset cause). `outbox`: Outbox. `wall_clock`: WallClock."""
        self._settings = settings
        self._boot_id, self._reset_cause = identity
        self._store = store
        self._outbox = outbox
        self._wall_clock = wall_clock
        self.read_status = None  # () -> members of a status that change; set when all is built
        self.on_added = None  # () -> None; wakes the link
        self._status_wanted = asyncio.Event()

    def send(self, kind, members, final_id=None, on_sent=None):
        """Queue one record; not while its number might be refused (Store.may_number)."""
        if not self._store.may_number():
            return
        record = self.header(kind)
        record.update(members)
        self.send_record(kind, record, final_id, on_sent)

    def may_send(self):
        """Tell whether records may be numbered now."""
        return self._store.may_number()

    def send_record(self, kind, record, final_id=None, on_sent=None):
        """Queue a record that has its header."""
        payload = self._encoded(kind, record)
        self._outbox.add(kind, payload, final_id, on_sent)
        if self.on_added:
            self.on_added()

    def header(self, kind):
        """Return the members that begin a record of this moment, its number among them."""
        return {
            "boot_id": self._boot_id,
            "seq": self._store.numbering.take(kind),
            "t_ms": self._wall_clock.unix_ms(),
        }

    def sign_kept(self, kind, record):
        """Return the payload of a record that was made before.

        One of this boot, made before the clock was set, gets its time now.
        """
        if record["t_ms"] is None and record["boot_id"] == self._boot_id:
            record["t_ms"] = self._wall_clock.unix_ms_at(record["uptime_ms"])
        return self._encoded(kind, record)

    def _encoded(self, kind, record):
        settings = self._settings
        return codec.encode(topic(settings.node, kind), record, settings.key_up)

    def send_final(self, members):
        """Queue the final of a delivery, once; it stays in flash until the broker has it.

        A broker may ask for one without end: each would take memory, for finals are never dropped.
        """
        delivery_id = members["delivery_id"]
        if self._outbox.has_final(delivery_id):
            return
        acknowledge = self._store.finals.acknowledge
        self.send("delivery", members, delivery_id, lambda: acknowledge(delivery_id))

    def send_event(self, code, reason, delivery_id, value=None, on_sent=None):
        """Queue an event. `on_sent()`: called when the broker has it."""
        members = {"code": code, "reason": reason, "delivery_id": delivery_id, "value": value}
        self.send("event", members, None, on_sent)

    def want_status(self):
        """Something a status tells has changed, or a nonce grows old."""
        self._status_wanted.set()

    def send_wanted_status(self):
        """Queue a status if one is wanted; one that was wanted twice is sent once."""
        if self._status_wanted.is_set():
            self._status_wanted.clear()
            self.send_status()

    async def run(self, turns):
        """Send each wanted status in a turn of its own: it takes a board 15 ms. `turns`: Turns."""
        while True:
            await self._status_wanted.wait()
            await turns.take()
            self.send_wanted_status()

    def send_status(self):
        """Queue the status of this moment, with a fresh nonce."""
        members = {"firmware": FIRMWARE, "reset_cause": self._reset_cause}
        members.update(self.read_status())
        self.send("status", members)


def reading(bus, house, registers, flags):
    """Return the members of a reading. What is not fitted is None.

    `bus`: BusMeter. `house`: HouseMeter. `flags`: quality flags known elsewhere.
    """
    pv, battery, load = house.pv, house.battery, house.load
    sample = bus.sample if bus.failures == 0 else None
    members = {
        "bus_voltage_uv": sample.voltage_uv if sample else None,
        "bus_current_ua": sample.current_ua if sample else None,
        "bus_power_uw": bus.power_uw() if sample else None,
        "pv_voltage_uv": pv.voltage_uv,
        "pv_current_ua": pv.current_ua,
        "pv_power_uw": pv.power_uw,
        "battery_voltage_uv": battery.voltage_uv,
        "battery_current_ua": battery.current_ua,
        "battery_power_uw": battery.power_uw,
        "load_voltage_uv": load.voltage_uv,
        "load_current_ua": load.current_ua,
        "load_power_uw": load.power_uw,
        "load_apparent_uva": load.apparent_uva,
        "load_frequency_uhz": load.frequency_uhz,
    }
    members.update(register_members(bus, house, registers))
    for flag in bus.take_flags():
        flags |= QUALITY[flag]
    members["quality_flags"] = flags | house.take_flags()
    return members


def register_members(bus, house, registers):
    """Return the energy registers as records have them; those of what is not fitted are None."""
    members = {"load_apparent_uvah": registers["load_apparent"]}
    # Real energy of the load needs a voltage channel.
    fitted = (bus.is_fitted, house.pv.is_fitted, house.battery.is_fitted, house.load.is_real)
    for port, names in enumerate(REGISTERED):
        for name, register in names:
            members[name] = registers[register] if fitted[port] else None
    return members
