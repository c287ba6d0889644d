"""Runs before everything else on the board: both relays to their inactive level.

Which level that is stands in settings.json, read here as plain text because nothing may be imported
first. Without settings the pins stay inputs: the resistors on the relay board hold them inactive.
"""

from machine import Pin

RELAY_PINS = (14, 15)


def _inactive_level():
    """Return the level that opens a relay, or None when the settings don't tell."""
    try:
        with open("settings.json") as file:
            text = "".join(file.read().split())
    except (OSError, ValueError):  # the second: not UTF-8
        return None
    if '"relay_active_low":true' in text:
        return 1
    return 0 if '"relay_active_low":false' in text else None


level = _inactive_level()
for number in RELAY_PINS:
    if level is None:
        Pin(number, Pin.IN)
    else:
        Pin(number, Pin.OUT, value=level)
