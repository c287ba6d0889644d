"""The delivery under way, kept in flash so that no save erases a sector while its relay is closed.

An erase holds up all of a board for 45 ms and more, and a limit passed meanwhile is seen that much
later. littlefs keeps so small a record in its directory's own sector, where a save appends a page
(0.4 ms). The directory is made anew before the relay closes: 12 more saves fit, an hour of them,
before littlefs erases a sector to begin again. Files are written in place for the same reason:
littlefs shows what was there until the new content is whole; where that fails, there is the other.
"""

import binascii
import os
import struct

from node.finals import as_report
from node.slots import Slots

_LAYOUT = ">16sBQQIQ"  # id, role, energy, counterparty's, elapsed, register; then all registers
_LAYOUT_BYTES = 45
ROLES = ("buyer", "seller")


class Underway:
    """One record in two files, in a directory that exists while a delivery runs."""

    def __init__(self, directory=""):
        """`directory`: "" or with a "/" at its end."""
        self._directory = directory + "underway"
        self._slots = None
        self.members = None  # of a delivery record without header, as found here at the boot
        self.registers = None  # bytes, as of Registers.to_bytes, saved with them
        found = _Pages(self._directory + "/delivery").load()
        if found and len(found) > _LAYOUT_BYTES and found[16] < len(ROLES):
            self.members = as_report(_members(found))
            self.registers = found[_LAYOUT_BYTES:]

    def begin(self):
        """Make room; before a relay closes. Raises OSError when the flash does not."""
        self.end()
        os.mkdir(self._directory)
        self._slots = _Pages(self._directory + "/delivery")

    def keep(self, members, registers):
        """Save what a delivery has metered. `registers`: of Registers.to_bytes."""
        head = struct.pack(
            _LAYOUT,
            binascii.unhexlify(members["delivery_id"]),
            ROLES.index(members["role"]),
            members["energy_uwh"],
            members["counterparty_uwh"],
            members["elapsed_ms"],
            members["register_uwh"],
        )
        self._slots.save(head + registers)

    def end(self):
        """Forget it: another record holds what became of the delivery."""
        self.members = self.registers = self._slots = None
        try:
            for name in os.listdir(self._directory):
                os.remove(self._directory + "/" + name)
            os.rmdir(self._directory)
        except OSError:
            pass  # there is none; one that can't be removed is told by `begin`


class _Pages(Slots):
    """As Slots, overwritten in place."""

    def _replace(self, path, content):
        self._write(path, content)


def _members(found):
    values = struct.unpack(_LAYOUT, found[:_LAYOUT_BYTES])
    return {
        "delivery_id": binascii.hexlify(values[0]).decode(),
        "role": ROLES[values[1]],
        "phase": "final",
        "energy_uwh": values[2],
        "counterparty_uwh": values[3],
        "elapsed_ms": values[4],
        "register_uwh": values[5],
        "reason": "rebooted",
    }
