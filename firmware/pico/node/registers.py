"""Power and time in, 64 bit energy registers out: integers with the remainder carried.

A register only grows. Import and export are never netted.
"""

import struct

from wire.units import MAX_ENERGY_UWH

PICO_PER_MICRO_HOUR = 3_600_000_000  # uW * us in one uWh
NAMES = (  # a new one goes to the end, so that a record saved before it still fits
    "bus_import",
    "bus_export",
    "pv_import",
    "pv_export",
    "battery_import",
    "battery_export",
    "load_import",
    "load_export",
    "load_apparent",
)
_LAYOUT = ">%dQ" % (2 * len(NAMES))
_EACH_BYTES = 16  # a register with its remainder


class Registers:
    """The energy registers of a node, in uWh (uVAh for the apparent one)."""

    def __init__(self):
        self._whole_uwh = {name: 0 for name in NAMES}
        self._rest = {name: 0 for name in NAMES}  # uW * us not yet a whole uWh

    def __getitem__(self, name):
        """Return the register `name` in uWh."""
        return self._whole_uwh[name]

    def add(self, name, power_uw, duration_us):
        """Add `power_uw` >= 0 over `duration_us` >= 0."""
        if power_uw <= 0 or duration_us <= 0:
            return
        rest = self._rest[name] + power_uw * duration_us
        if rest >= PICO_PER_MICRO_HOUR:
            self._whole_uwh[name] += rest // PICO_PER_MICRO_HOUR
            rest %= PICO_PER_MICRO_HOUR
        self._rest[name] = rest

    def add_signed(self, port, power_uw, duration_us):
        """Add to the import register of `port` when power is positive, else to its export."""
        if power_uw >= 0:
            self.add(port + "_import", power_uw, duration_us)
        else:
            self.add(port + "_export", -power_uw, duration_us)

    def to_bytes(self):
        """Return all registers, then their remainders."""
        values = [self._whole_uwh[name] for name in NAMES]
        return struct.pack(_LAYOUT, *(values + [self._rest[name] for name in NAMES]))

    def restore(self, saved):
        """Take what `to_bytes` returned, also of a firmware that had fewer registers.

        No register goes back by it. Raises ValueError for anything else.
        """
        count = len(saved) // _EACH_BYTES
        if len(saved) % _EACH_BYTES or not 0 < count <= len(NAMES):
            raise ValueError("registers: %d bytes" % len(saved))
        values = struct.unpack(">%dQ" % (2 * count), saved)
        if max(values[:count]) > MAX_ENERGY_UWH or max(values[count:]) >= PICO_PER_MICRO_HOUR:
            raise ValueError("registers: beyond any energy")
        for place, name in enumerate(NAMES[:count]):
            found = values[place], values[count + place]
            if found > (self._whole_uwh[name], self._rest[name]):
                self._whole_uwh[name], self._rest[name] = found
