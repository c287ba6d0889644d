"""Builds the node from its settings and runs it: what the launcher starts."""

import asyncio
import gc
import sys

WATCHDOG_MS = 8_000  # as the launcher's; at most 8,388 on an RP2040


class Hardware:
    """The modules of this board, passed in wherever they are needed."""

    import machine
    import network
    import rp2


def show_no_settings(machine):
    """Blink on while the prompt waits for a technician."""
    from node.led_codes import STEP_MS, StatusLed

    led = StatusLed(machine.Pin("LED", machine.Pin.OUT))
    led.show("no_settings")
    # Kept by the chip: a timer that nothing refers to still runs.
    machine.Timer(period=STEP_MS, mode=machine.Timer.PERIODIC, callback=lambda _: led.step())


class Wanted:
    """Settings that were checked: the members of settings.Settings without its code."""


def checked_settings():
    """Return the settings, None after saying what is wrong with them.

    The checks take 12 kB that nobody needs afterwards.
    """
    from node import settings

    try:
        checked = settings.load()
    except settings.SettingsError as problem:
        for sentence in problem.problems:
            print("settings:", sentence)
        return None
    wanted = Wanted()
    for name, value in checked.__dict__.items():
        setattr(wanted, name, value)
    forget("settings")
    forget("part_checks")
    return wanted


def forget(name):
    """Let a module of `node` go that has done its work, if it was loaded."""
    if sys.modules.pop("node." + name, None):
        delattr(sys.modules["node"], name)
    gc.collect()


def run_from_flash(boots, feed=lambda: None):
    """Free the memory that the bytecode imported so far takes; a board that can't do without.

    `boots`: the launcher's Boots. `feed()`: feeds the watchdog that runs already.
    """
    if not hasattr(Hardware.rp2, "Flash"):
        return  # a virtual board
    modules = dict(sys.modules)
    try:
        from node import in_place

        # Of this module functions are running.
        parts = in_place.parts_of(modules, __name__)
        flash, mem32 = Hardware.rp2.Flash(), Hardware.machine.mem32
        in_place.run_from_flash(parts, flash, mem32, boots.locate, feed)
    except Exception as problem:  # whatever an unknown MicroPython may lack
        print("firmware stays in memory:", repr(problem))
    for name in ("in_place", "compiled", "whereabouts"):
        forget(name)


def main(boots):
    """Run until the watchdog resets the board; without good settings, say what is wrong.

    `boots`: the launcher's Boots, which tells whether this firmware is on trial.
    """
    wanted = checked_settings()
    if wanted is None:
        show_no_settings(Hardware.machine)
        return
    # From here on whatever hangs or raises ends in another start. Not sooner: a watchdog can't be
    # stopped, and a board without good settings stays at the prompt for its technician.
    watchdog = Hardware.machine.WDT(timeout=WATCHDOG_MS)
    from node.app import Node  # only now: what checked the settings has left its memory

    run_from_flash(boots, watchdog.feed)
    node = Node(wanted, Hardware, boots, watchdog)
    # Built into the meters; of a board that was calibrated they take 3 kB.
    wanted.sensors = wanted.calibration = wanted.ina226 = None
    try:
        asyncio.run(node.run())
    finally:
        # Ctrl-C over the cable leaves asyncio.run at once: on a board no task's own ending runs.
        node.relays.open()
