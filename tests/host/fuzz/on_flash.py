"""What all targets over a board's files share: the files in memory, and damage done to them."""

import pytest
from node import slots

from tests.host.fuzz import mutate
from tests.host.fuzz.memory_flash import Flash


class OnFlash:
    """A target over files in memory, its own or, among several, those of another target."""

    MODULES = (slots,)  # those of the firmware that open files

    def __init__(self, rng, flash=None):
        """`flash`: of a target that has its modules use it; None: it patches MODULES itself."""
        self.rng = rng
        self._patch = pytest.MonkeyPatch()
        self._flash = flash or Flash()
        if flash is None:
            self._flash.patch(self._patch, *self.MODULES)
            self._quicken()

    def _quicken(self):
        """Replace what would take longer than all else, by `self._patch`."""

    def close(self):
        """Give back the real files."""
        self._patch.undo()

    def _save(self, name, record):
        """Save a record as the board does, and now and then damage one file."""
        kept = slots.Slots(name)
        kept._number = self.rng.randrange(3)
        kept.save(record)
        if self.rng.random() < 0.4:
            path = self.rng.choice(list(self._flash.content))
            self._flash.content[path] = mutate.damaged(self.rng, self._flash.content[path])
