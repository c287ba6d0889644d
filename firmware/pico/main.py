"""Builds the node from its settings and runs it."""

import asyncio
import gc
import os

# How much may be allocated between two collections. Collected only when the memory is full, what
# stays lies scattered among what was compiled and dropped, and no block of samples fits any more.
COLLECT_AFTER_BYTES = 32_768


# A technician's tool leaves this file to be alone with the board: the watchdog, once started, would
# end whatever takes the tool longer than 8 s.
MAINTENANCE = "maintenance"
ONCE = "once"  # its content: for this start only; any other content stays until the tool removes it


class Hardware:
    """The modules of this board, passed in wherever they are needed."""

    import machine
    import network
    import rp2


def is_in_maintenance():
    """Tell whether the node must not start. The relays stay as boot.py left them: open."""
    try:
        with open(MAINTENANCE) as file:
            kind = file.read()
    except OSError:
        return False
    if kind == ONCE:
        os.remove(MAINTENANCE)
    return True


def show_no_settings(machine):
    """Blink on while the prompt waits for a technician."""
    from node.led_codes import STEP_MS, StatusLed

    led = StatusLed(machine.Pin("LED", machine.Pin.OUT))
    led.show("no_settings")
    # Kept by the chip: a timer that nothing refers to still runs.
    machine.Timer(period=STEP_MS, mode=machine.Timer.PERIODIC, callback=lambda _: led.step())


def main():
    """Run until the watchdog resets the board; without good settings, say what is wrong."""
    if is_in_maintenance():
        print("maintenance: the node is not started; trueque board flash ends this")
        return
    if hasattr(gc, "threshold"):
        gc.threshold(COLLECT_AFTER_BYTES)
    from node import settings
    from node.app import Node

    try:
        wanted = settings.load()
    except settings.SettingsError as problem:
        for sentence in problem.problems:
            print("settings:", sentence)
        show_no_settings(Hardware.machine)
        return
    node = Node(wanted, Hardware)
    try:
        asyncio.run(node.run())
    finally:
        # Ctrl-C over the cable leaves asyncio.run at once: on a board no task's own ending runs.
        node.relays.open()


if __name__ == "__main__":
    main()
