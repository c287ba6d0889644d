"""Flash in, the firmware to run out: what the cable wrote, or a package that came over the air.

Nothing here and no other file beside it is ever replaced over the air. A package is a file,
`firmware-a.trq` or `firmware-b.trq`, mounted as it is. A new one is on trial: it must reach the
hub within TRIAL_MS and TRIAL_BOOTS, else the one before it runs again.
"""

import gc
import json
import os
import sys

from node.slots import Slots

FILE = "boots"
CABLE = ""
SLOTS = ("a", "b")
MOUNT = "/firmware"
TRIAL_BOOTS = 3
TRIAL_MS = 120_000
WATCHDOG_MS = 8_000
ENDS = ("did_not_start", "kept_resetting", "hub_not_reached")  # of a trial; wire/records.py, too
# How much may be allocated between two collections. Collected only when the memory is full, what
# stays lies scattered among what was compiled and dropped, and no block of samples fits any more.
COLLECT_AFTER_BYTES = 32_768
_MODULES = ("node", "wire")
# For node.in_place: functions that run as long as the node does, and what is of another file.
RUNNING = ("launch", "_launch", "_start")
TAKEN_IN = (("node/slots.mpy", {"Slots": Slots}),)


class Boots:
    """Which firmware runs and which is on trial; every change is one record in flash."""

    def __init__(self, directory=""):
        """`directory`: "" or with a "/" at its end."""
        self._directory = directory
        self._slots = Slots(directory + FILE)
        self.active = CABLE
        self.highest = 0  # number of the newest release that ever was confirmed
        self.trial = None  # [slot, number, boots so far]
        self.failed = None  # [number, reason, how often, has the hub been told]
        self.package = None  # mounted.Package that runs
        self._load()

    def _load(self):
        saved = self._slots.load()
        if saved is None:
            return
        try:
            kept = json.loads(saved)
            _check(kept)
            self.active, self.highest = kept["active"], kept["highest"]
            self.trial, self.failed = kept["trial"], kept["failed"]
        except (ValueError, KeyError, TypeError, RuntimeError):  # the last: nested beyond measure
            pass  # whole by its CRC and yet not ours: the cable's firmware needs none of it

    def _save(self):
        kept = {"active": self.active, "highest": self.highest}
        kept.update(trial=self.trial, failed=self.failed)
        self._slots.save(json.dumps(kept).encode())

    def path_of(self, slot):
        """Return the file of a package; `slot`: one of SLOTS."""
        return self._directory + "firmware-" + slot + ".trq"

    def locate(self, path):
        """Return (file in flash, start in it) of a file imported: it may be in a package."""
        if not path.startswith(MOUNT + "/"):
            return path, 0
        return self.package.path, self.package.where(path[len(MOUNT) :])

    def free_slot(self):
        """Return the slot that nothing runs from."""
        return SLOTS[1] if self.active == SLOTS[0] else SLOTS[0]

    def begin_trial(self, slot, number):
        """From the next boot on the package in `slot` is on trial."""
        self.trial = [slot, number, 0]
        self._save()

    def confirm(self):
        """The firmware on trial has reached the hub: it stays."""
        self.active, self.highest = self.trial[0], self.trial[1]
        self.trial = self.failed = None
        self._save()

    def roll_back(self, reason):
        """The firmware on trial has failed: the one before it runs from the next boot on."""
        number = self.trial[1]
        times = self.failed[2] if self.failed and self.failed[0] == number else 0
        self.failed = [number, reason, times + 1, False]
        self.trial = None
        self._save()

    def told(self):
        """The hub knows of the last failure."""
        if self.failed and not self.failed[3]:
            self.failed[3] = True
            self._save()

    def next_slot(self):
        """Return what runs now. A boot of the firmware on trial is counted before it begins."""
        if self.trial is None:
            return self.active
        if self.trial[2] >= TRIAL_BOOTS:
            self.roll_back("kept_resetting")
            return self.active
        self.trial[2] += 1
        self._save()
        return self.trial[0]


def _check(kept):
    """Raise ValueError unless these are the members of a Boots' record."""
    trial, failed = kept["trial"], kept["failed"]
    numbers = [kept["highest"]]
    if trial is not None:
        slot, number, boots = trial
        numbers += [number, boots]
    else:
        slot = CABLE
    if failed is not None:
        number, reason, times, is_told = failed
        numbers += [number, times]
        if reason not in ENDS or not isinstance(is_told, bool):
            raise ValueError
    is_good = kept["active"] in (CABLE,) + SLOTS and (trial is None or slot in SLOTS)
    if not is_good or not all(type(each) is int and 0 <= each < 1 << 32 for each in numbers):
        raise ValueError


def enter(path):
    """Let imports find the firmware in a package; return it. Raises OSError or PackageError."""
    import vfs  # MicroPython only

    # Only where a package runs: it takes 6 kB.
    from mounted import Package

    firmware = Package(path)
    _forget()
    vfs.mount(firmware, MOUNT, readonly=True)
    sys.path.insert(0, MOUNT)
    return firmware


def leave():
    """Let imports find the cable's firmware again."""
    import vfs

    _forget()
    if MOUNT in sys.path:
        sys.path.remove(MOUNT)
        vfs.umount(MOUNT)


def _forget():
    """Drop the modules imported so far: the other firmware has its own of these names."""
    for name in list(sys.modules):
        if name.split(".")[0] in _MODULES:
            del sys.modules[name]


def select():
    """Let imports find the firmware that runs, without starting it: for a tool at the prompt."""
    boots = Boots()
    slot = boots.active
    if slot != CABLE:
        try:
            enter(boots.path_of(slot))
        except Exception:  # whatever a damaged flash may do
            leave()
            return CABLE
    return slot


def launch():
    """Start what is to run; what is on trial and fails is rolled back.

    What raises ends at the prompt, and there the watchdog bites: the next start may go better.
    """
    import machine

    try:
        _launch(machine)
    except Exception:
        if _has_settings():
            machine.WDT(timeout=WATCHDOG_MS)  # the node's, if it had come to that
        raise


def _has_settings():
    """Tell whether somebody has made this board a node; one that is none waits at its prompt."""
    try:
        os.stat("settings.json")
    except OSError:
        return False
    return True


def _launch(machine):
    if hasattr(gc, "threshold"):
        gc.threshold(COLLECT_AFTER_BYTES)
    boots = Boots()
    slot = boots.next_slot()
    if boots.trial is None:
        _start(slot, boots)
        return
    machine.WDT(timeout=WATCHDOG_MS)  # the node's own begins only when its settings are good

    def end(_):
        if boots.trial is not None:
            _give_up(boots, "hub_not_reached", machine)

    # Held by this frame: a timer that nobody holds would be collected and never fire.
    limit = machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=TRIAL_MS, callback=end)
    try:
        _program(slot, boots).main(boots)
    except Exception as problem:
        print("launcher:", repr(problem))
    if boots.trial is not None:
        _give_up(boots, "did_not_start", machine)
    limit.deinit()


def _give_up(boots, reason, machine):
    print("launcher: firmware", boots.trial[1], reason)
    boots.roll_back(reason)
    machine.reset()


def _start(slot, boots):
    try:
        program = _program(slot, boots)
    except Exception as problem:
        if slot == CABLE:
            raise
        # Confirmed once and yet it does not load: its flash is damaged. An old firmware that a
        # technician can reach is better than none.
        print("launcher: firmware in slot", slot, repr(problem))
        leave()
        program = _program(CABLE, boots)
    program.main(boots)


def _program(slot, boots):
    if slot != CABLE:
        boots.package = enter(boots.path_of(slot))
    from node import program

    return program
