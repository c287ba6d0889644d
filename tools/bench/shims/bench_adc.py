"""The RP2040's ADC block as firmware sees it: registers, FIFO, and the sample clock behind DMA."""

import time

import bench_link
import bench_protocol as protocol

_BASE = 0x4004C000
_CS, _RESULT, _FCS, _FIFO, _DIV = 0x00, 0x04, 0x08, 0x0C, 0x10
_ALIAS_MASK = 0x3000  # +0x1000 xor, +0x2000 set, +0x3000 clear (datasheet 2.1.2)
_CS_EN, _CS_START_ONCE, _CS_START_MANY, _CS_READY = 1, 1 << 2, 1 << 3, 1 << 8
_FCS_EN, _FCS_DREQ_EN = 1, 1 << 3
_FCS_EMPTY, _FCS_FULL, _FCS_UNDER, _FCS_OVER = 1 << 8, 1 << 9, 1 << 10, 1 << 11
_FIFO_DEPTH = 4
_CLOCK_MHZ = 48
_CONVERSION_CYCLES = 96

_pads = 0


def set_up_pad(channel):
    """Note that a channel's pad has its digital input and pulls off."""
    global _pads
    _pads |= 1 << channel


class Converter:
    """The free-running converter: which sample comes when. Times are ticks_us of this board.

    Samples are numbered from the start of free running. `taken` is the next one nobody took out of
    the FIFO; the ones that did not fit into it are lost.
    """

    def __init__(self):
        self.cs = self.fcs = self.div = 0
        self.taken = 0
        self.has_lost = self.has_underflown = False
        self.stopped_at = 0
        self.on_start = None  # called when numbering begins anew: a waiting transfer begins at 0
        self._origin_us = 0
        self._origin_sample = 0
        self._cycles = _CONVERSION_CYCLES

    @property
    def is_running(self):
        """True while it converts on its own."""
        return bool(self.cs & _CS_EN and self.cs & _CS_START_MANY)

    @property
    def feeds_dma(self):
        """True while its FIFO requests DMA transfers."""
        return self.fcs & (_FCS_EN | _FCS_DREQ_EN) == _FCS_EN | _FCS_DREQ_EN

    def set_cs(self, value):
        """Write CS; refuses what would read a wrong channel or break the radio."""
        mask, first = value >> 16 & 0x1F, value >> 12 & 7
        if mask & 0x08:
            raise ValueError("channel 3 is the radio's clock: round-robin over it breaks WiFi")
        if mask and not mask >> first & 1:
            raise ValueError("AINSEL is outside RROBIN: the first sample would be another channel")
        was_running = self.is_running
        if was_running:
            self.stopped_at = self.made()
        self.cs = value & 0x1F700F
        if self.is_running and not was_running:
            self._start(first, mask)

    def _start(self, first, mask):
        self._cycles = max(_CONVERSION_CYCLES, (self.div >> 8 & 0xFFFF) + 1)
        bench_link.tell(protocol.ADC_START, first, mask, self._cycles)
        self._origin_us = time.ticks_us()
        self._origin_sample = 0
        self.taken = 0
        if self.on_start is not None:
            self.on_start()

    def made(self):
        """Return how many samples were converted since the start."""
        if not self.is_running:
            return self.stopped_at
        elapsed_us = time.ticks_diff(time.ticks_us(), self._origin_us)
        if elapsed_us > 1 << 26:
            # Move the origin on before ticks_us wraps, by samples that make whole microseconds.
            samples = (elapsed_us - (1 << 25)) * _CLOCK_MHZ // self._cycles
            samples -= samples % _CLOCK_MHZ
            shift_us = samples // _CLOCK_MHZ * self._cycles
            self._origin_us = time.ticks_add(self._origin_us, shift_us)
            self._origin_sample += samples
            elapsed_us = time.ticks_diff(time.ticks_us(), self._origin_us)
        return self._origin_sample + elapsed_us * _CLOCK_MHZ // self._cycles

    def drop_lost(self):
        """Skip samples that found the FIFO full while nobody took them."""
        lost = self.made() - self.taken - _FIFO_DEPTH
        if lost > 0:
            self.taken += lost
            self.has_lost = True

    def level(self):
        """Return how many samples wait in the FIFO."""
        if not self.fcs & _FCS_EN:
            return 0
        return min(_FIFO_DEPTH, max(0, self.made() - self.taken))

    def read_fifo(self):
        """Take one code out of the FIFO by hand; 0 and a flag when it is empty."""
        if self.level() == 0:
            self.has_underflown = True
            return 0
        self.drop_lost()
        code = bytearray(2)
        bench_link.ask_into(code, protocol.ADC_BLOCK, _pads, 1, self.taken)
        self.taken += 1
        return code[0] | code[1] << 8

    def fetch(self, buffer, first, count):
        """Fill `buffer` with `count` codes from sample `first` on."""
        bench_link.ask_into(buffer, protocol.ADC_BLOCK, _pads, count, first)


converter = Converter()


def convert_once(channel):
    """Return one code of a channel. Raises OSError while free-running."""
    if converter.is_running:
        raise OSError("read_u16 while the ADC runs free takes samples out of its FIFO")
    code = bytearray(2)
    bench_link.ask_into(code, protocol.ADC_ONCE, channel, _pads)
    return code[0] | code[1] << 8


class Registers:
    """`mem32` restricted to the ADC block; any other address is a bus fault here."""

    def __getitem__(self, address):
        offset = address - _BASE
        if offset == _CS:
            return converter.cs | _CS_READY
        if offset == _FCS:
            return self._fifo_status()
        if offset == _FIFO:
            return converter.read_fifo()
        if offset == _DIV:
            return converter.div
        raise OSError("no register of the bench at 0x{:08x}".format(address))

    def __setitem__(self, address, value):
        alias = address - _BASE & _ALIAS_MASK
        offset = address - _BASE - alias
        if alias:
            now = self[_BASE + offset]
            value = (now ^ value, now | value, now & ~value)[(alias >> 12) - 1]
        if offset == _CS:
            if value & _CS_START_ONCE:
                raise OSError("single conversions are ADC.read_u16()'s on the bench")
            converter.set_cs(value)
        elif offset == _FCS:
            self._write_fifo_status(value)
        elif offset == _DIV:
            if converter.is_running:
                raise OSError("set DIV before the ADC runs free")
            converter.div = value & 0xFFFFFF
        else:
            raise OSError("no register of the bench at 0x{:08x}".format(address))

    def _fifo_status(self):
        level = converter.level()
        status = converter.fcs | level << 16
        status |= _FCS_EMPTY if level == 0 else _FCS_FULL if level == _FIFO_DEPTH else 0
        status |= _FCS_UNDER if converter.has_underflown else 0
        return status | (_FCS_OVER if converter.has_lost else 0)

    def _write_fifo_status(self, value):
        # UNDER and OVER are cleared by writing ones to them.
        if value & _FCS_UNDER:
            converter.has_underflown = False
        if value & _FCS_OVER:
            converter.has_lost = False
        converter.fcs = value & 0x0F00000F
