"""What a node keeps in flash: energy registers, delivery reports, sequence numbers."""

from wire.topics import FROM_NODE

from node.finals import Finals
from node.numbering import Numbering
from node.slots import Slots

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
        self._saved = self._register_slots.load()
        self.has_restored = False
        if self._saved:
            try:
                registers.restore(self._saved)
                self.has_restored = True
            except ValueError as problem:
                # Whole but no registers: a board that counts from 0 beats one that never boots, and
                # the hub sees registers go back.
                print("flash:", problem)
        self._is_old = self._saved is not None or self.finals.has_any()
        self.finals.end_interrupted()

    def may_number(self):
        """Tell whether records may be numbered: not while higher numbers surely were given out.

        The hub would refuse them as stale, a delivery's report among them.
        """
        return not (self.numbering.is_unsure() and self._is_old)

    def save_registers(self):
        """Save the registers unless nothing moved."""
        current = self._registers.to_bytes()
        if current != self._saved:
            self._register_slots.save(current)
            self._saved = current

    def keep_running(self, members):
        """Save registers and a delivery under way."""
        self.save_registers()
        self.finals.keep_running(members)

    def keep_final(self, members):
        """Save registers and a delivery that ended."""
        self.save_registers()
        self.finals.keep_final(members)
