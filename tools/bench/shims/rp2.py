"""RP2040 `rp2` for a virtual board: DMA channels that move ADC samples into memory."""

import sys

import bench_adc
import uctypes

_DREQ_ADC = 36
_PERMANENT = 0x3F
_FIELDS = {
    "enable": (0, 1),
    "high_pri": (1, 1),
    "size": (2, 2),
    "inc_read": (4, 1),
    "inc_write": (5, 1),
    "ring_size": (6, 4),
    "ring_sel": (10, 1),
    "chain_to": (11, 4),
    "treq_sel": (15, 6),
    "irq_quiet": (21, 1),
    "bswap": (22, 1),
    "sniff_en": (23, 1),
    "write_err": (29, 1),
    "read_err": (30, 1),
}
_CHANNELS = 12
_ADC_FIFO = 0x4004C00C


class DMA:
    """A DMA channel paced by the ADC's FIFO (`treq_sel` 36): the only source on this bench.

    A channel that is started again, by a chain, without a new write address would run past its
    buffer: on the hardware that corrupts memory. Here the chain stops, the FIFO overflows, and
    standard error says so.
    """

    _channels = [None] * _CHANNELS
    _running = None

    def __init__(self):
        if None not in self._channels:
            raise OSError(16)
        self.channel = self._channels.index(None)
        self._channels[self.channel] = self
        self.read = self.write = self.count = 0
        self.ctrl = self.pack_ctrl()
        self._buffer = None
        self._left = 0
        self._first = 0
        self._is_armed = False

    def pack_ctrl(self, **fields):
        """Return a control word; without `default` a word-wide unpaced transfer, as on rp2."""
        default = 1 | 2 << 2 | 1 << 4 | 1 << 5 | self.channel << 11 | _PERMANENT << 15 | 1 << 21
        word = fields.pop("default", default)
        for name, value in fields.items():
            if name not in _FIELDS:
                raise TypeError("unexpected keyword argument '{}'".format(name))
            shift, width = _FIELDS[name]
            if not 0 <= int(value) < 1 << width:
                raise ValueError("bad field value")
            word = word & ~(((1 << width) - 1) << shift) | int(value) << shift
        return word

    @staticmethod
    def unpack_ctrl(word):
        """Return a control word's fields by name."""
        return {name: word >> at & (1 << width) - 1 for name, (at, width) in _FIELDS.items()}

    def config(self, *, read=None, write=None, count=None, ctrl=None, trigger=False):
        """Set registers, then start the transfer when asked to."""
        self._refuse_closed()
        _advance()  # with the registers as they were
        if read is not None:
            self.read = read
        if write is not None:
            self.write = write
            self._is_armed = True
        if count is not None:
            self._count = count
        if ctrl is not None:
            self.ctrl = ctrl
        if trigger:
            self._start()

    def active(self, value=None):
        """Return whether it transfers; start or abort it first when told."""
        self._refuse_closed()
        _advance()
        if value is not None:
            if value:
                self._start()
            else:
                self._abort()
        return DMA._running is self

    @property
    def count(self):
        """Transfers left."""
        _advance()
        if DMA._running is not self:
            return 0
        made = bench_adc.converter.made()
        return max(0, min(self._left, self._first + self._left - made))

    @count.setter
    def count(self, value):
        self._count = value

    def close(self):
        """Free the channel."""
        if self.channel is not None:
            self._abort()
            self._channels[self.channel] = None
            self.channel = None

    def _refuse_closed(self):
        if self.channel is None:
            raise ValueError("channel closed")

    def _start(self):
        self._check()
        if DMA._running is not None and DMA._running is not self:
            raise OSError("two channels would share the ADC's FIFO")
        converter = bench_adc.converter
        converter.drop_lost()
        self._begin(converter.taken)

    def _check(self):
        field = self.unpack_ctrl(self.ctrl)
        if field["treq_sel"] != _DREQ_ADC or self.read != _ADC_FIFO:
            raise ValueError("this bench moves samples of the ADC's FIFO only")
        if field["size"] != 1 or field["inc_read"] or not field["inc_write"]:
            raise ValueError("ADC samples are half-words from a fixed address into a buffer")
        if field["ring_size"]:
            raise ValueError("address rings are not on this bench")
        if not field["enable"] or not self._count or not self.write:
            raise ValueError("channel is not set up")

    def _begin(self, first):
        address = self.write
        if not isinstance(address, int):
            # Element sizes can't be asked for, so a short buffer of half-words is caught, and a
            # short one of bytes.
            unit = 2 if isinstance(address, bytearray) else 1
            if len(address) < self._count * unit:
                raise ValueError("the transfer is longer than its buffer: it would corrupt memory")
            address = uctypes.addressof(address)
        self._buffer = uctypes.bytearray_at(address, self._count * 2)
        self._first, self._left = first, self._count
        self._is_armed = False
        DMA._running = self

    def _abort(self):
        if DMA._running is self:
            bench_adc.converter.taken = bench_adc.converter.made()
            DMA._running = None

    def _finish(self):
        converter = bench_adc.converter
        converter.fetch(self._buffer, self._first, self._left)
        converter.taken = self._first + self._left
        DMA._running = None
        following = self._channels[self.unpack_ctrl(self.ctrl)["chain_to"]]
        if following is self or following is None:
            return
        if not following._is_armed:
            print("bench: DMA chain stopped, its next buffer was not set up", file=sys.stderr)
            return
        following._check()
        following._begin(converter.taken)


def _number_anew():
    """The converter counts its samples from 0 again: so does the transfer that waits for them."""
    channel = DMA._running
    if channel is None:
        return
    if channel._first != bench_adc.converter.stopped_at:
        raise OSError("old samples wait in the FIFO or were taken: the channels would swap places")
    channel._first = 0


bench_adc.converter.on_start = _number_anew


def _advance():
    """Complete the transfers whose samples are all there."""
    converter = bench_adc.converter
    while DMA._running is not None and converter.feeds_dma:
        channel = DMA._running
        if converter.made() < channel._first + channel._left:
            return
        channel._finish()
