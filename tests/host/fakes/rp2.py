"""Fake `rp2.DMA`: channels that a test completes, refusing what would corrupt memory."""

FIELDS = ("size", "inc_read", "inc_write", "treq_sel", "chain_to")


class FakeRp2:
    """Stands for the module. `fill(codes)` completes the running transfer, as the ADC would."""

    def __init__(self):
        self.channels = []
        self.running = None
        self.overruns = 0  # transfers that ended with nothing to follow
        module = self

        class DMA(_Dma):
            rp2 = module

        self.DMA = DMA

    def fill(self, codes):
        """Write one block of codes to where the running channel points, then follow its chain."""
        channel = self.running
        if channel is None:
            self.overruns += 1
            return
        channel.complete(codes)


class _Dma:
    rp2 = None

    def __init__(self):
        if len(self.rp2.channels) == 12:
            raise OSError(16)
        self.channel = len(self.rp2.channels)
        self.rp2.channels.append(self)
        self._write = self._count = self._control = None
        self._is_fresh = False  # a write address nobody has used yet

    def pack_ctrl(self, **fields):
        """Return the control word: here just the fields."""
        for name in fields:
            if name not in FIELDS:
                raise TypeError(f"unexpected keyword argument {name!r}")
        if fields["treq_sel"] != 36 or fields["size"] != 1:
            raise ValueError("ADC samples are half-words paced by DREQ 36")
        if fields["inc_read"] or not fields["inc_write"]:
            raise ValueError("from a fixed address into a buffer")
        return fields

    def config(self, *, read=None, write=None, count=None, ctrl=None, trigger=False):
        """Set registers, then start when asked to."""
        if read not in (None, 0x4004C00C):
            raise ValueError("read address is not the ADC's FIFO")
        if write is not None:
            if self.rp2.running is self:
                raise RuntimeError("write address changed under a running transfer")
            self._write = write
            self._is_fresh = True
        self._count = self._count if count is None else count
        self._control = self._control if ctrl is None else ctrl
        if trigger:
            self._start()

    def active(self, value=None):
        """Return whether it transfers; 0 aborts."""
        if value == 0 and self.rp2.running is self:
            self.rp2.running = None
        return self.rp2.running is self

    def close(self):
        """Free the channel."""
        self.active(0)

    def complete(self, codes):
        """Store the codes and start what the chain names."""
        if len(codes) != self._count:
            raise ValueError(f"{len(codes)} codes for a transfer of {self._count}")
        for place, code in enumerate(codes):
            self._write[place] = code
        self.rp2.running = None
        following = self.rp2.channels[self._control["chain_to"]]
        if following is not self:
            following._start()

    def _start(self):
        if self._count > len(self._write):
            raise MemoryError("DMA beyond its buffer")
        if not self._is_fresh:
            raise MemoryError("started again without a new address: DMA beyond its buffer")
        self._is_fresh = False
        self.rp2.running = self
