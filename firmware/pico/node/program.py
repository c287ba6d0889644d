"""Builds the node from its settings and runs it: what the launcher starts."""

import asyncio

from node import settings
from node.app import Node


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


def main(boots):
    """Run until the watchdog resets the board; without good settings, say what is wrong.

    `boots`: the launcher's Boots, which tells whether this firmware is on trial.
    """
    try:
        wanted = settings.load()
    except settings.SettingsError as problem:
        for sentence in problem.problems:
            print("settings:", sentence)
        show_no_settings(Hardware.machine)
        return
    node = Node(wanted, Hardware, boots)
    try:
        asyncio.run(node.run())
    finally:
        # Ctrl-C over the cable leaves asyncio.run at once: on a board no task's own ending runs.
        node.relays.open()
