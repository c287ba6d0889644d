"""RP2040 `machine` for a virtual board: pins, I2C, ADC registers, watchdog, reset."""

import asyncio
import time

import bench_adc
import bench_link
import bench_protocol as protocol

PWRON_RESET = protocol.PWRON_RESET
WDT_RESET = protocol.WDT_RESET

mem32 = bench_adc.Registers()


def unique_id():
    """Return the 8 bytes that name this board's flash chip."""
    return bench_link.unique_id


def reset_cause():
    """Return PWRON_RESET or WDT_RESET; as on the hardware `reset()` itself counts as the latter."""
    return bench_link.reset_cause


def reset():
    """Reset the board. Does not return and runs no `finally`."""
    bench_link.tell(protocol.RESET)
    bench_link.await_end()


def idle():
    """Let the host's other processes run."""
    time.sleep_ms(1)


class Pin:
    """A GPIO. The radio's pins (23, 24, 25, 29) are refused, as using them breaks WiFi."""

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    _radio = (23, 24, 25, 29)
    _board_names = ("LED", "WL_GPIO0", "WL_GPIO1", "WL_GPIO2")
    _latches = {}

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        if isinstance(id, Pin):
            id = id._id
        if isinstance(id, str) and id.startswith("GP"):
            id = int(id[2:])
        is_known = id in self._board_names or (isinstance(id, int) and 0 <= id <= 29)
        if not is_known or id in self._radio:
            raise ValueError("invalid pin")
        self._id = id
        self._mode = -1
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        """Set level first, then direction, as the hardware does: no glitch between them."""
        if value is not None:
            self._latches[self._id] = 1 if value else 0
        if mode not in (-1, self.IN, self.OUT):
            raise ValueError("this pin mode is not on the bench")
        if mode != -1:
            self._mode = mode
        if mode == self.IN:
            self._send(protocol.FLOATING)
        elif mode == self.OUT or (value is not None and self._mode == self.OUT):
            self._send(self._latches.get(self._id, 0))

    def value(self, level=None):
        """Return the level, or set it."""
        if level is not None:
            self._latches[self._id] = 1 if level else 0
            if self._mode == self.OUT:
                self._send(self._latches[self._id])
            return None
        if self._mode == self.OUT or isinstance(self._id, str):
            return self._latches.get(self._id, 0)
        level = bytearray(1)
        bench_link.ask_into(level, protocol.PIN_READ, self._id)
        return level[0]

    __call__ = value

    def on(self):
        """Drive it high."""
        self.value(1)

    def off(self):
        """Drive it low."""
        self.value(0)

    high = on
    low = off

    def toggle(self):
        """Drive the other level."""
        self.value(1 - self._latches.get(self._id, 0))

    def __repr__(self):
        return "Pin({})".format(self._id)

    def _send(self, level):
        if isinstance(self._id, int):
            bench_link.tell(protocol.PIN_WRITE, self._id, level)


class RTC:
    """The calendar. The bench's boards share the host's, which their TLS reads: it is not moved."""

    _set_to = (2021, 1, 1, 4, 0, 0, 0, 0)

    def datetime(self, parts=None):
        """Return what was set last, or set it: year, month, day, weekday, h, m, s, fraction."""
        if parts is None:
            return RTC._set_to
        if len(parts) != 8 or not 2000 <= parts[0] < 4096:
            raise ValueError("invalid date")
        RTC._set_to = tuple(parts)
        return None


class Timer:
    """A timer. One shot is a task of asyncio, it needs a loop that runs; periodic callbacks never
    come: nothing runs at a virtual board's prompt."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, *, mode=PERIODIC, period=-1, callback=None):
        if id != -1:
            raise ValueError("Timer doesn't exist")
        self._task = None
        if mode == self.ONE_SHOT:
            self._task = asyncio.create_task(self._call(period, callback))

    async def _call(self, period_ms, callback):
        await asyncio.sleep_ms(period_ms)
        callback(self)

    def deinit(self):
        """Stop it."""
        if self._task:
            self._task.cancel()


class I2C:
    """An I2C controller. Only the pins that can carry it are accepted; a NACK is OSError 5."""

    _sda_pins = ((0, 4, 8, 12, 16, 20), (2, 6, 10, 14, 18, 26))

    def __init__(self, id, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        if id not in (0, 1):
            raise ValueError("I2C({}) doesn't exist".format(id))
        sda = sda._id if sda is not None else (4, 6)[id]
        scl = scl._id if scl is not None else (5, 7)[id]
        if sda not in self._sda_pins[id]:
            raise ValueError("bad SDA pin")
        if scl - 1 not in self._sda_pins[id]:
            raise ValueError("bad SCL pin")
        if not 0 < freq <= 1_000_000:
            raise ValueError("bad frequency")
        # The bus is wired to one pin pair: a crossed SCL finds nothing there.
        self._where = id << 8 | (sda if scl == sda + 1 else 0xFF) << 16
        self._replies = {}

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        """Read registers into a buffer."""
        size = len(buf)
        reply = self._replies.get(size)
        if reply is None:
            reply = self._replies[size] = bytearray(size + 1)
        where = self._where | _register(memaddr, addrsize)
        bench_link.ask_into(reply, protocol.I2C_READ, _address(addr), size, where)
        if reply[0] != protocol.ACK:
            raise OSError(5)
        for i in range(size):
            buf[i] = reply[i + 1]

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        """Read registers and return them."""
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf, addrsize=addrsize)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        """Write registers."""
        where = self._where | _register(memaddr, addrsize)
        bench_link.tell_bytes(protocol.I2C_WRITE, _address(addr), bytes(buf), where)
        status = bytearray(1)
        bench_link.receive_into(status)
        if status[0] != protocol.ACK:
            raise OSError(5)

    def scan(self):
        """Return the addresses that answer."""
        found = bytearray(16)
        bench_link.ask_into(found, protocol.I2C_SCAN, 0, 0, self._where)
        return [i for i in range(0x08, 0x78) if found[i // 8] >> (i % 8) & 1]


def _address(addr):
    if not 0 <= addr <= 0x7F:
        raise ValueError("bad I2C address")
    return addr


def _register(memaddr, addrsize):
    if addrsize != 8 or not 0 <= memaddr <= 0xFF:
        raise ValueError("the bench's parts have 8-bit register addresses")
    return memaddr


class ADC:
    """One analog input. Built with a Pin it sets up the pad; with a bare number it does not."""

    def __init__(self, source):
        if isinstance(source, Pin):
            if source._id not in (26, 27, 28):
                raise ValueError("Pin doesn't have ADC capabilities")
            self._channel = source._id - 26
            bench_adc.set_up_pad(self._channel)
        elif source in (0, 1, 2, 4):
            self._channel = source
        else:
            raise ValueError("not a valid ADC channel")

    def read_u16(self):
        """Convert once. Refused while the converter runs free: it would take samples out of it."""
        code = bench_adc.convert_once(self._channel)
        return code << 4 | code >> 8


class WDT:
    """The watchdog. Once started it can't be stopped, only fed; the bench ends a starved board."""

    _MAX_MS = 8388

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError("WDT({}) doesn't exist".format(id))
        if not 1 <= timeout <= self._MAX_MS:
            raise ValueError("timeout exceeds {}".format(self._MAX_MS))
        bench_link.tell(protocol.WATCHDOG, 0, 0, timeout)

    def feed(self):
        """Start its time anew."""
        bench_link.tell(protocol.WATCHDOG)
