"""The panel by gpiozero: pins in, the emergency stop and the contactors' permit out.

STOP breaks the contactors in hardware; here it is heard, latched and passed on, so that every board
opens too. The permit is on only while the hub runs and nothing is stopped. Methods belong to the
event loop's thread; other threads (gpiozero's, the page's) only drop the permit, note that STOP was
heard, and call the loop. What was heard latches, however short it was: the loop may look late.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any

from gpiozero import LED, DigitalInputDevice, DigitalOutputDevice, Factory, GPIOZeroError
from gpiozero.pins.mock import MockFactory

from hub.errors import PartMissing, TruequeError
from hub.panel import pins
from hub.panel.bus_box import KEYS, BusBox
from hub.panel.latch import StopLatch

BLINK_S = 0.5
REASONS = {"button": "STOP was pressed", "page": "STOP on the page was pressed"}


class PanelRefused(TruequeError):
    """The panel does not do that now; the sentence says why and what helps."""


class Panel:
    """`kind`: "gpio", or "page" for mock pins with keys on the page.

    `on_stop` is called at a stop, `on_change` when deliveries may go on or the contactors moved.
    """

    def __init__(self, kind: str, latch: StopLatch, loop: asyncio.AbstractEventLoop) -> None:
        """Take the pins. Raises PartMissing when there are none."""
        self.kind = kind
        self._latch = latch
        self._loop = loop
        self.on_stop: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self._has_fault = False
        self._box: BusBox | None = None
        self._lamps: dict[str, str] = {}
        self._is_running = False
        self._lock = threading.RLock()  # over the permit and the two below
        self._stops = 0  # how often STOP was heard
        self._heard: str | None = None  # why, until the loop has latched it
        factory: Factory | None = None
        if kind == "page":
            factory = MockFactory()
            self._box = BusBox(factory)
        try:
            self._take_pins(factory)
        except (GPIOZeroError, OSError) as problem:
            raise PartMissing(
                f"the panel's pins cannot be used ({problem}); on a Raspberry Pi install the "
                'package lgpio, elsewhere set panel.kind to "page"'
            ) from None

    def _take_pins(self, factory: Factory | None) -> None:
        def sense(pin: int, *, is_high_active: bool) -> DigitalInputDevice:
            # The board's own resistors pull: none of the Pi's.
            return DigitalInputDevice(
                pin, pull_up=None, active_state=is_high_active, pin_factory=factory
            )

        self._permit = DigitalOutputDevice(pins.CONTACTOR_PERMIT, pin_factory=factory)
        self._estop = sense(pins.ESTOP_SENSE, is_high_active=True)
        self._contactor = sense(pins.CONTACTOR_SENSE, is_high_active=False)
        self._button = sense(pins.ACKNOWLEDGE_BUTTON, is_high_active=False)
        self._leds = {
            "market": LED(pins.MARKET_LED, pin_factory=factory),
            "delivery": LED(pins.DELIVERY_LED, pin_factory=factory),
            "fault": LED(pins.FAULT_LED, pin_factory=factory),
        }
        self._estop.when_activated = self._hear_stop
        self._estop.when_deactivated = self._hear_release
        self._contactor.when_activated = self._hear_change
        self._contactor.when_deactivated = self._hear_change
        self._button.when_activated = self._hear_button

    # From any thread -----------------------------------------------------------------------------

    def hear_page_stop(self) -> None:
        """Take STOP of the page: the permit goes before the loop has time for it."""
        self._hear_stop("page" if self._box is None else "button")

    def _hear_stop(self, reason: str = "button") -> None:
        with self._lock:
            if self._permit.closed:
                return
            self._permit.off()  # here and now: the loop may be busy
            self._stops += 1
            self._heard = self._heard or reason
        self._tell(self.look)

    def _hear_release(self) -> None:
        self._hear_stop()  # who lets go has pressed, even where that was not heard
        self._hear_change()

    def _hear_change(self) -> None:
        self._tell(self._changed)

    def _hear_button(self) -> None:
        # Here, not when the loop gets to it: STOP may have sprung out by then.
        if not self.is_pressed:
            self._tell(functools.partial(self._acknowledge_quietly, self._stops))

    def _tell(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the hub
            self._loop.call_soon_threadsafe(work)

    # State ---------------------------------------------------------------------------------------

    @property
    def is_stopped(self) -> bool:
        return self._latch.is_set

    @property
    def is_pressed(self) -> bool:
        """STOP is pressed, or its wire is open."""
        return bool(self._estop.is_active)

    def may_deliver(self) -> bool:
        """Nothing is stopped and every contactor is closed."""
        is_stopping = self.is_stopped or self.is_pressed or self._heard is not None
        return not is_stopping and bool(self._contactor.is_active)

    def record(self) -> dict[str, Any]:
        """Return what the page shows, ready for JSON; safe from any thread."""
        reason = self._latch.reason
        return {
            "kind": self.kind,
            "is_stopped": self.is_stopped,
            "reason": REASONS.get(reason, reason) if reason else None,
            "since_ms": self._latch.since_ms,
            "is_pressed": self.is_pressed,
            "has_permit": bool(self._permit.value),
            "is_contactor_closed": bool(self._contactor.is_active),
            "lamps": {name: self._lamps.get(name, "off") for name in self._leds},
            "keys": self._keys(),
        }

    def _keys(self) -> list[str]:
        """Return the page's keys that do something now."""
        if self._box is None:
            return [] if self.is_stopped else ["stop"]
        useful = {
            "stop": not self.is_pressed,
            "release": self.is_pressed,
            "acknowledge": self.is_stopped and not self.is_pressed,
            "start": bool(self._permit.value) and not self._contactor.is_active,
        }
        return [key for key in KEYS if useful[key]]

    # What happens --------------------------------------------------------------------------------

    def start(self) -> None:
        """Permit the contactors unless something is stopped; a bench on the page presses START."""
        self._is_running = True
        self.look()
        self._set_permit()
        if self._box is not None:
            self._box.press("start")

    def close(self) -> None:
        """Let the contactors drop and give the pins back; twice does nothing."""
        if self._permit.closed:
            return
        self._is_running = False
        with self._lock:
            self._permit.off()
        self._follow()
        for device in (self._button, self._contactor, self._estop, *self._leds.values()):
            device.close()
        with self._lock:
            self._permit.close()
        if self._heard is not None:  # the loop had no time for it; the next start shall know
            self._latch.set(self._heard)

    def look(self) -> None:
        """Latch what was heard, and read STOP itself: an edge may be missed, a level is not."""
        if self._estop.closed:
            return
        reason = self._heard or ("button" if self.is_pressed else None)
        if reason is not None:
            self.stop(reason)

    def stop(self, reason: str) -> None:
        """Take the permit, order every relay open, and stay so until a person resets it."""
        is_new = not self.is_stopped
        with self._lock:
            self._permit.off()
            self._heard = None
        self._follow()
        if is_new:
            try:
                self._latch.set(reason)
            finally:  # a full disk must not keep a relay closed
                self.on_stop()
        self._show_fault()

    def acknowledge(self) -> None:
        """Reset a stop. Raises PanelRefused while STOP is still pressed."""
        if self.is_pressed:
            raise PanelRefused("STOP is still pressed: turn it until it springs out.")
        self.look()  # what was heard before is what the person resets
        self._latch.reset()
        self._set_permit()
        self._changed()

    def press(self, key: str) -> None:
        """Press a key of the page. Raises PanelRefused for one that does nothing now."""
        if key == "stop" and self._box is None:
            self.stop("page")  # never refused: once more does no harm
            return
        if self._box is None or key not in self._keys():
            if self._box is None and key in KEYS[1:]:
                raise PanelRefused("Only a person at the panel can do that.")
            raise PanelRefused(f"The key {key!r} does nothing now.")
        self._box.press(key)
        # Its edges come back through the loop; the answer to this press shall show them already.
        self.look()
        if key == "acknowledge":
            self._acknowledge_quietly(self._stops)

    def show(self, *, is_market_open: bool, is_delivering: bool, has_fault: bool) -> None:
        """Light the lamps: orders may be placed; a turn is on; something needs a person."""
        self._light("market", "on" if is_market_open else "off")
        self._light("delivery", "on" if is_delivering else "off")
        self._has_fault = has_fault
        self._show_fault()

    def _show_fault(self) -> None:
        steady = "on" if self._has_fault or not self._contactor.is_active else "off"
        self._light("fault", "blinking" if self.is_stopped else steady)

    def _light(self, name: str, how: str) -> None:
        if self._lamps.get(name) == how:
            return
        self._lamps[name] = how
        lamp = self._leds[name]
        if how == "blinking":
            lamp.blink(BLINK_S, BLINK_S)
        elif how == "on":
            lamp.on()
        else:
            lamp.off()

    def _set_permit(self) -> None:
        """Give the permit, or stop: it is never kept back without a stop to acknowledge."""
        with self._lock:  # what is heard from here on takes it again
            is_stopping = self.is_pressed or self._heard is not None
            self._permit.value = self._is_running and not self.is_stopped and not is_stopping
        self._follow()
        if is_stopping:
            self.stop(self._heard or "button")

    def _follow(self) -> None:
        if self._box is not None:
            self._box.follow(has_permit=bool(self._permit.value))

    def _acknowledge_quietly(self, stops: int) -> None:
        """Reset, unless STOP was heard again after the `stops` of when a person pressed."""
        is_last_word = stops == self._stops and not self.is_pressed
        if self._is_running and is_last_word and self.is_stopped:
            self.acknowledge()

    def _changed(self) -> None:
        if self._is_running:
            self.look()
            self._show_fault()
            self.on_change()
