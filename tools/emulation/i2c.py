"""The board's I2C bus: register reads and writes reach the bench's meters at the bus's speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from rp2040py.peripherals.i2c import I2CMode
from rp2040py.rp2040 import RP2040

BITS_A_BYTE = 9
FUNCTION_I2C = 3
SDA_PIN, SCL_PIN = 4, 5


class Meter(Protocol):
    """A part with 16-bit registers; `is_dead`: it answers nothing."""

    is_dead: bool

    def read(self, register: int, now_s: float) -> int:
        """Return a register."""

    def write(self, register: int, value: int, now_s: float) -> None:
        """Write a register."""


class MeterBus:
    """What hangs on I2C0: 16-bit register parts behind an 8-bit pointer."""

    def __init__(self, mcu: RP2040, meters: Mapping[int, Meter]) -> None:
        self._mcu = mcu
        self._meters = meters
        self._controller = controller = mcu.i2c[0]
        self._meter: Meter | None = None
        self._register = 0
        self._answer: list[int] = []
        self._written: list[int] = []
        self._then: Callable[[], None] = lambda: None
        self._alarm = mcu.clock.create_alarm(lambda: self._then())
        controller.on_connect = self._connect
        controller.on_write_byte = self._write
        controller.on_read_byte = self._read
        controller.on_stop = self._stop

    def reset(self) -> None:
        """Forget a transfer that the controller's reset has ended."""
        self._alarm.cancel()
        self._meter, self._written = None, []

    def _now_s(self) -> float:
        return float(self._mcu.clock.nanos) / 1e9

    def _after_a_byte(self, then: Callable[[], None]) -> None:
        """Call `then` when nine bits have passed."""
        controller = self._controller
        clocks = controller.scl_high_period + controller.scl_low_period + 8
        self._then = then
        self._alarm.schedule(BITS_A_BYTE * clocks * 1e9 / self._mcu.clk_peri)

    def _is_wired(self) -> bool:
        pins = self._mcu.gpio[SDA_PIN], self._mcu.gpio[SCL_PIN]
        return all(pin.function_select == FUNCTION_I2C for pin in pins)

    def _connect(self, address: int, mode: I2CMode) -> None:
        meter = self._meters.get(address)
        if meter is not None and (meter.is_dead or not self._is_wired()):
            meter = None
        self._end_of_write()
        self._meter, self._written = meter, []
        if meter is not None and mode is I2CMode.READ:
            self._answer = list(meter.read(self._register, self._now_s()).to_bytes(2, "big"))
        self._after_a_byte(lambda: self._controller.complete_connect(meter is not None))

    def _write(self, value: int) -> None:
        if not self._written:
            self._register = value
        self._written.append(value)
        self._after_a_byte(lambda: self._controller.complete_write(True))

    def _read(self, is_more_wanted: bool) -> None:
        value = self._answer.pop(0) if self._answer else 0xFF
        self._after_a_byte(lambda: self._controller.complete_read(value))

    def _stop(self) -> None:
        self._end_of_write()
        self._controller.complete_stop()

    def _end_of_write(self) -> None:
        """Apply a register write once both of its bytes are here."""
        if self._meter is not None and len(self._written) == 3:
            value = self._written[1] << 8 | self._written[2]
            self._meter.write(self._register, value, self._now_s())
        self._written = []
