"""The delivery under way, kept in flash so that no save erases a sector while its relay is closed.

Its end is kept here, too, before anybody is told of it.

An erase holds up all of a board for 45 ms and more, and a limit passed meanwhile is seen that much
later. littlefs keeps so small a record in its directory's own sector, where a save appends a page
(0.4 ms). The directory is made anew before the relay closes: 12 more saves fit, an hour of them,
before littlefs erases a sector to begin again. Files are written in place for the same reason:
littlefs shows what was there until the new content is whole; where that fails, there is the other.
"""

import os

from node import kept_report
from node.slots import Slots


class Underway:
    """One record in two files, in a directory that exists while a delivery runs."""

    def __init__(self, directory=""):
        """`directory`: "" or with a "/" at its end."""
        self._directory = directory + "underway"
        self._slots = None
        self.members = None  # of a final without header, as found here at the boot
        self.registers = None  # bytes, as of Registers.to_bytes, saved with them
        found = _Pages(self._directory + "/delivery").load()
        if found and len(found) > kept_report.BYTES:
            self.members = kept_report.from_bytes(found[: kept_report.BYTES])
            self.registers = found[kept_report.BYTES :]
        if self.members and self.members["reason"] is None:
            self.members["reason"] = "rebooted"

    def begin(self):
        """Make room; before a relay closes. Raises OSError when the flash does not."""
        self.end()
        os.mkdir(self._directory)
        self._slots = _Pages(self._directory + "/delivery")

    def is_begun(self):
        """Tell whether there is room for what `keep` saves."""
        return self._slots is not None

    def keep(self, members, registers):
        """Save what a delivery has metered, and why it ended. `registers`: of Registers.to_bytes.

        Where no reason is kept a reset came first: it is the reason.
        """
        self._slots.save(kept_report.to_bytes(members) + registers)

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

    def _replace(self, path, parts):
        self._write(path, parts)
