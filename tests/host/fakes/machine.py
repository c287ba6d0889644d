"""Fake `machine` of an RP2040: pins, I2C, ADC registers, watchdog. One object is one board."""

import datetime

ADC_BASE = 0x4004C000
CS, FCS, FIFO, DIV = (ADC_BASE + offset for offset in (0x00, 0x08, 0x0C, 0x10))
LONGEST_WATCHDOG_MS = 8388


class FakeMachine:
    """Stands for the module. `history`: (at_us, what, where, value) in order."""

    PWRON_RESET = 1
    WDT_RESET = 3

    def __init__(self, ticks):
        self.ticks = ticks
        self.history = []
        self.levels = {}  # pin: level driven
        self.parts = {}  # I2C address: {register: 16 bit value}
        self.absent = set()  # I2C addresses that do not answer for now
        self.cause = self.PWRON_RESET
        self.watchdog_ms = None
        self.fed_at_us = None
        board = self

        class Pin(_Pin):
            machine = board

        class I2C(_I2C):
            machine = board

        class ADC(_Adc):
            machine = board

        class WDT(_Watchdog):
            machine = board

        class RTC(_Rtc):
            machine = board

        class SPI(_Spi):
            machine = board

        self.Pin, self.I2C, self.ADC, self.WDT = Pin, I2C, ADC, WDT
        self.RTC, self.SPI = RTC, SPI

        class Timer(_Timer):
            machine = board

        self.Timer = Timer
        self.timers = []
        self.resets = 0
        self.pads = set()
        self.mem32 = _Registers(self)

    def note(self, what, where, value):
        """Append to the history."""
        self.history.append((self.ticks.now_us, what, where, value))

    def edges(self, *pins):
        """Return (at_us, pin, level) of every change of these pins."""
        return [
            (at_us, pin, level)
            for at_us, what, pin, level in self.history
            if what == "pin" and pin in pins
        ]

    def reset(self):
        """Note that the board would start anew here."""
        self.resets += 1

    def unique_id(self):
        return b"\xe6\x60\x58\x38\x83\x1a\x2b\x2c"

    def reset_cause(self):
        """Return why the board started."""
        return self.cause

    def has_starved(self):
        """Tell whether the watchdog would have reset the board by now."""
        if self.watchdog_ms is None:
            return False
        return self.ticks.now_us - self.fed_at_us > self.watchdog_ms * 1000


class _Timer:
    ONE_SHOT, PERIODIC = 0, 1
    machine = None

    def __init__(self, number=-1, *, mode, period, callback):
        self.period_ms = period
        self.callback = callback
        self.machine.timers.append(self)

    def deinit(self):
        self.machine.timers.remove(self)


class _Pin:
    IN, OUT = 0, 1
    machine = None

    def __init__(self, number, mode=None, pull=None, value=None):
        is_edge = number in range(29) and number not in (23, 24, 25)
        if not is_edge and number not in ("LED", "WL_GPIO1"):
            raise ValueError(f"Pin {number} is not on a Pico W's edge")
        self.number = number
        self._mode = mode
        if mode == self.OUT:
            self._drive(0 if value is None else value)

    def value(self, level=None):
        """Return the level, or drive it. A pin without direction can't be driven."""
        if level is None:
            return self.machine.levels.get(self.number, 0)
        if self._mode != self.OUT:
            raise RuntimeError(f"Pin {self.number} is not an output")
        self._drive(level)
        return None

    def on(self):
        """Drive it high."""
        self.value(1)

    def off(self):
        """Drive it low."""
        self.value(0)

    def _drive(self, level):
        if level not in (0, 1):
            raise ValueError(f"level {level!r}")
        if self.machine.levels.get(self.number) != level:
            self.machine.levels[self.number] = level
            self.machine.note("pin", self.number, level)


class _Rtc:
    machine = None

    def datetime(self, parts):
        """Set the calendar: year, month, day, weekday (0 is Monday), h, m, s, fraction."""
        year, month, day, weekday, hour, minute, second, fraction = parts
        if datetime.datetime(year, month, day, hour, minute, second).weekday() != weekday:
            raise ValueError("another day of the week")
        self.machine.note("rtc", fraction, tuple(parts[:7]))


class _Spi:
    PINS = {0: ({0, 4, 16, 20}, {2, 6, 18, 22}, {3, 7, 19, 23})}  # miso, sck, mosi of SPI0
    machine = None

    def __init__(self, number, baudrate, *, sck, mosi, miso):
        allowed = self.PINS[number]
        for pin, pins in zip((miso, sck, mosi), allowed, strict=True):
            if pin.number not in pins:
                raise ValueError("bad pin")
        self.pins = (miso.number, sck.number, mosi.number)
        self.baudrate = baudrate


class _I2C:
    machine = None

    def __init__(self, number, *, sda, scl, freq=400_000):
        if (number, sda.number, scl.number) != (0, 4, 5):
            raise ValueError("no I2C there")
        if not 0 < freq <= 1_000_000:
            raise ValueError("bad frequency")

    def readfrom_mem_into(self, address, register, buffer):
        """Read a 16 bit register; an absent address is OSError 5."""
        value = self._part(address).get(register, 0) & 0xFFFF
        if len(buffer) != 2:
            raise ValueError("registers here have 16 bits")
        buffer[0], buffer[1] = value >> 8, value & 0xFF

    def writeto_mem(self, address, register, content):
        """Write a 16 bit register."""
        if len(content) != 2:
            raise ValueError("registers here have 16 bits")
        value = content[0] << 8 | content[1]
        self._part(address)[register] = value
        self.machine.note("i2c", address, (register, value))

    def _part(self, address):
        if address not in self.machine.parts or address in self.machine.absent:
            raise OSError(5)
        return self.machine.parts[address]


class _Adc:
    machine = None

    def __init__(self, pin):
        if not hasattr(pin, "number"):
            raise ValueError("a bare channel number leaves the pad's pull-down on")
        if pin.number not in (26, 27, 28):
            raise ValueError("Pin doesn't have ADC capabilities")
        self.machine.pads.add(pin.number)

    def read_u16(self):
        """Refuse: it takes samples out of the free-running FIFO."""
        raise AssertionError("read_u16 while the ADC runs free")


class _Watchdog:
    machine = None

    def __init__(self, id=0, timeout=5000):
        if not 1 <= timeout <= LONGEST_WATCHDOG_MS:
            raise ValueError(f"timeout exceeds {LONGEST_WATCHDOG_MS}")
        self.machine.watchdog_ms = timeout
        self.feed()

    def feed(self):
        """Start its time anew."""
        self.machine.fed_at_us = self.machine.ticks.now_us


class _Registers:
    """`mem32`: the ADC block only; anything else is a bus fault."""

    def __init__(self, machine):
        self._machine = machine
        self._values = {CS: 0, FCS: 0, DIV: 0}
        self.waiting = 0  # codes in the FIFO

    def __getitem__(self, address):
        if address == FIFO:
            self.waiting = max(0, self.waiting - 1)
            return 0
        if address == FCS:
            return self._values[FCS] | self.waiting << 16
        return self._values[self._checked(address)]

    def __setitem__(self, address, value):
        self._checked(address)
        if address == CS and value >> 16 & 0x08:
            raise ValueError("ADC channel 3 is the radio's clock on a Pico W")
        if address == DIV and self.is_running():
            raise RuntimeError("DIV is set before the ADC runs free")
        self._values[address] = value & 0x00FFFFFF if address == DIV else value
        self._machine.note("adc", address, value)

    def is_running(self):
        """Tell whether the ADC converts on its own."""
        return self._values[CS] & 0b1001 == 0b1001

    def _checked(self, address):
        if address not in self._values:
            raise RuntimeError(f"bus fault at {address:#x}")
        return address
