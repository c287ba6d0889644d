"""The converter, free-running over GP26..28 into a ring of chained DMA buffers.

Register addresses and bits: data sheets of RP2040, section 4.9.6, and RP2350, section 12.4.6; the
bits used here are the same. `read_u16` is never used: it would stop the round robin.
"""

from array import array


class Rp2040:
    """Where its converter is, and what is wrong with it."""

    ADC_BASE = 0x4004C000
    DREQ_ADC = 36
    HAS_SPIKES = True  # erratum E11


class Rp2350:
    """Of a Pico 2 W."""

    ADC_BASE = 0x400A0000
    DREQ_ADC = 48
    HAS_SPIKES = False


CHIPS = {"rp2040": Rp2040, "rp2350": Rp2350}

# Registers, from the base on.
CS = 0x00
FCS = 0x08
FIFO = 0x0C
DIV = 0x10

CS_EN = 1 << 0
CS_START_MANY = 1 << 3
# Channels 0, 1 and 2. Bit 3 stays clear: ADC3 is the radio's SPI clock on a Pico W.
CS_RROBIN = 0b0111 << 16
FCS_EN = 1 << 0
FCS_DREQ_EN = 1 << 3
FCS_UNDER = 1 << 10  # written 1 to clear, like OVER
FCS_OVER = 1 << 11
FCS_LEVEL_SHIFT = 16
FCS_THRESHOLD_1 = 1 << 24

ADC_CLOCK_HZ = 48_000_000
CHANNELS = 3
# So many blocks, less one, may wait while a save to flash holds everything up: 0.14 s with the
# three erases that littlefs makes now and then.
BUFFERS = 7
BLOCK_MS = 50
HALF_WORDS = 1  # DMA transfer size


class AdcStream:
    """Buffers filled in turn, each by its DMA channel, without gaps while `take` is in time.

    A channel is chained to the next only while the next one's buffer is free. A reader that is late
    stops the stream, which is noticed; it never lets DMA run on past a buffer.
    """

    def __init__(self, mem32, dma_class, rate_hz, chip=Rp2040, block_ms=BLOCK_MS):
        """`mem32`: machine.mem32. `dma_class`: rp2.DMA. `rate_hz`: wanted, of each channel."""
        self._mem32 = mem32
        self._base = chip.ADC_BASE
        self._request = chip.DREQ_ADC
        self._divider = ADC_CLOCK_HZ // (CHANNELS * rate_hz) - 1
        self.rate_mhz = ADC_CLOCK_HZ * 1000 // (CHANNELS * (self._divider + 1))
        self.frames_per_block = self.rate_mhz * block_ms // 1_000_000
        codes = self.frames_per_block * CHANNELS
        empty = bytes(2 * codes)  # made once: each would leave a hole between two buffers
        self._buffers = [array("H", empty) for _ in range(BUFFERS)]
        self._dma = [dma_class() for _ in range(BUFFERS)]
        # By place: the control words that chain a channel to itself, which is to none, and to the
        # next one. Packing one takes 0.1 ms.
        self._alone = [self._control(place, place) for place in range(BUFFERS)]
        self._chained = [self._control(place, (place + 1) % BUFFERS) for place in range(BUFFERS)]
        self._next = 0  # the buffer to be read next
        self.lost = 0  # times the stream had to be started anew

    def start(self):
        """Start sampling into the first buffer."""
        self._mem32[self._base + CS] = CS_EN
        self._mem32[self._base + DIV] = self._divider << 8
        self._mem32[self._base + FCS] = (
            FCS_EN | FCS_DREQ_EN | FCS_UNDER | FCS_OVER | FCS_THRESHOLD_1
        )
        self._drain()
        self._next = 0
        for place in range(BUFFERS - 1, -1, -1):
            controls = self._chained if place < BUFFERS - 1 else self._alone
            self._arm(place, controls[place], trigger=place == 0)
        self._mem32[self._base + CS] = CS_EN | CS_START_MANY | CS_RROBIN

    def stop(self):
        """Stop sampling and free the DMA channels."""
        self._mem32[self._base + CS] = 0
        for dma in self._dma:
            dma.active(0)
            dma.close()

    def take(self):
        """Return the oldest block that is full, or None. It stays whole until `release`."""
        # Its predecessor was full and chained to it: it runs, or it has run.
        if self._dma[self._next].active():
            return None
        return self._buffers[self._next]

    def release(self):
        """Give the block back to be filled. Return False when samples were lost meanwhile."""
        done = self._next
        before = (done - 1) % BUFFERS
        self._arm(done, self._alone[done], trigger=False)
        self._dma[before].config(ctrl=self._chained[before], trigger=False)
        self._next = (done + 1) % BUFFERS
        # Most often the next is being filled.
        for place in range(BUFFERS):
            if self._dma[(self._next + place) % BUFFERS].active():
                return True
        self.restart()
        return False

    def restart(self):
        """Start anew after a loss, which is counted."""
        self.lost += 1
        self._mem32[self._base + CS] = CS_EN
        for dma in self._dma:
            dma.active(0)
        self.start()

    def _arm(self, place, control, trigger):
        self._dma[place].config(
            read=self._base + FIFO,
            write=self._buffers[place],
            count=len(self._buffers[place]),
            ctrl=control,
            trigger=trigger,
        )

    def _control(self, place, chain_to):
        """Chained to itself means not chained."""
        return self._dma[place].pack_ctrl(
            size=HALF_WORDS,
            inc_read=False,
            inc_write=True,
            treq_sel=self._request,
            chain_to=self._dma[chain_to].channel,
        )

    def _drain(self):
        """Empty the FIFO, so that the next code is channel 0's."""
        for _ in range(8):
            if not self._mem32[self._base + FCS] >> FCS_LEVEL_SHIFT & 0xF:
                return
            self._mem32[self._base + FIFO]


def chip_of(machine_name):
    """Return the chip by the name MicroPython gives the machine; what is not known is an RP2040."""
    return Rp2350 if "RP2350" in machine_name else Rp2040
