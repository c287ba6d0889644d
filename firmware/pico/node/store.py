"""What a node keeps in flash: energy registers, delivery reports, sequence numbers."""

from wire.topics import FROM_NODE

from node.finals import Finals
from node.numbering import Numbering
from node.slots import Slots
from node.underway import Underway

SAVE_PERIOD_MS = 300_000  # flash endures some 100,000 erases a sector


class Store:
    """Everything kept, each in two slots of its own under `directory`."""

    def __init__(self, registers, directory="", first_number=1):
        """`registers`: restored from flash here. `directory`: "" or with a "/" at its end.

        `first_number`: of the records of a board that has never numbered any.
        """
        self._registers = registers
        self._register_slots = Slots(directory + "registers")
        self.numbering = Numbering(Slots(directory + "numbering"), FROM_NODE, first_number)
        self.finals = Finals(Slots(directory + "finals"))
        self._underway = Underway(directory)
        self._saved = self._register_slots.load()
        self.has_restored = False
        self._is_ended = False  # what is kept as under way has ended, and only there that is said
        for saved in (self._saved, self._underway.registers):
            self._restore(saved)
        self._is_old = self.has_restored or self._saved is not None or self.finals.has_any()
        self._end_interrupted()

    def _restore(self, saved):
        if not saved:
            return
        try:
            self._registers.restore(saved)
            self.has_restored = True
        except ValueError as problem:
            # Whole but no registers: a board that counts from 0 beats one that never boots, and
            # the hub sees registers go back.
            print("flash:", problem)

    def _end_interrupted(self):
        """Turn the delivery that a reset cut off into a final, once."""
        members = self._underway.members
        if members and not self.finals.is_finished(members["delivery_id"]):
            self.finals.add(members)
            self._is_ended = True
            self.save()

    def may_number(self):
        """Tell whether records may be numbered: not while higher numbers surely were given out.

        The hub would refuse them as stale, a delivery's report among them.
        """
        return not (self.numbering.is_unsure() and self._is_old)

    def save(self):
        """Save what has changed. It may erase sectors: not while a relay is closed."""
        self.save_registers()
        self.finals.save()
        self._end_underway()

    def save_ended(self):
        """As `save`, if a delivery has ended since."""
        for step in self.ended_steps():
            step()

    def ended_steps(self):
        """Return what `save_ended` does, in order, each step for a turn of its own."""
        return (self.save_registers, self.finals.save, self._end_underway) if self._is_ended else ()

    def _end_underway(self):
        """Forget what is kept as under way once another record holds it."""
        if self._is_ended and not self.finals.is_changed:
            self._underway.end()
            self._is_ended = False

    def save_registers(self):
        """Save the registers unless nothing moved."""
        current = self._registers.to_bytes()
        if current != self._saved:
            self._register_slots.save(current)
            self._saved = current

    def begin_delivery(self, members):
        """Save registers and a delivery whose relay is about to close."""
        self.save_ended()
        self.numbering.reserve_ahead()
        self._underway.begin()
        self.keep_running(members)

    def keep_running(self, members):
        """Save registers and a delivery under way: see underway.py on how."""
        self._underway.keep(members, self._registers.to_bytes())

    def keep_final(self, members):
        """Save registers and a delivery that ended, where it was under way: that erases nothing.

        So it can be told and signed at once; `save_ended` puts all in its place.
        """
        self.finals.add(members)
        self._is_ended = True
        if self._underway.is_begun():
            self.keep_running(members)
        else:
            self.save()
