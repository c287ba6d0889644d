"""The bus box of a bench without wires: a person's keys on the page move gpiozero's mock pins.

It obeys what the real one does: STOP latches like a mushroom button, the contactors close by START
only, hold only with the permit and drop with STOP.
"""

from __future__ import annotations

from gpiozero.pins.mock import MockFactory

from hub.panel import pins

KEYS = ("stop", "release", "acknowledge", "start")


class BusBox:
    """`factory` goes to the panel; `press` is a person, `follow` the coil circuit."""

    def __init__(self, factory: MockFactory) -> None:
        self._estop = factory.pin(pins.ESTOP_SENSE)
        self._contactor = factory.pin(pins.CONTACTOR_SENSE)
        self._button = factory.pin(pins.ACKNOWLEDGE_BUTTON)
        self._is_pressed = False
        self._has_permit = False
        self._estop.drive_low()
        self._contactor.drive_high()
        self._button.drive_high()

    @property
    def is_closed(self) -> bool:
        """The contactors are closed."""
        return not self._contactor.state

    def press(self, key: str) -> None:
        """Do what a person does at the bench; `key` is one of KEYS."""
        if key == "stop":
            self._is_pressed = True
            self._estop.drive_high()
            self._contactor.drive_high()
        elif key == "release":
            self._is_pressed = False
            self._estop.drive_low()
        elif key == "start" and self._has_permit and not self._is_pressed:
            self._contactor.drive_low()
        elif key == "acknowledge":
            self._button.drive_low()
            self._button.drive_high()

    def follow(self, *, has_permit: bool) -> None:
        """Take the hub's permit in: without it the coils lose their supply."""
        self._has_permit = has_permit
        if not has_permit and self.is_closed:
            self._contactor.drive_high()
