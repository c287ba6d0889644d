"""Sums of ADC frames that run on in, marks on them, what lies between two marks out."""

from node import blocks
from node.spikes import LIFT

BIAS_CODE = 2048  # squares and products are of code - BIAS_CODE


class Sums:
    """What one channel added up over a window: everything a sensor needs.

    `weight`: frames * 256; `total` and `squares` (of code - BIAS_CODE): per code * 256. Codes are
    corrected for spikes, but `lowest`, `highest` and `railed` (0 or 4095) are of the codes as read;
    the first two also of what the sums ran over just before, where the mains came or went.
    """

    def __init__(self, weight, earlier, later):
        """`earlier`, `later`: (slots of blocks, lifted total, squares) at both marks."""
        self.weight = weight
        self.total = later[1] - earlier[1] - LIFT * weight
        self.squares = later[2] - earlier[2]
        slots = later[0]
        self.lowest = slots[blocks.LOWEST]
        self.highest = slots[blocks.HIGHEST]
        self.railed = slots[blocks.RAILED] - earlier[0][blocks.RAILED]


class Span:
    """Sums of all channels over one stretch of frames, with the mains cycles seen in it."""

    def __init__(self, start, weight, cycles):
        self.start = start  # position in 1/256 frame since the first frame fed
        self.weight = weight
        self.cycles = cycles
        self.swing = 0  # sum of |filtered - level|, in 1/16 code
        self.product = 0  # of two channels' code - BIAS_CODE at one instant, per code^2 * 256
        self.channels = []


class Mark:
    """How far the sums were at one position: copies of their slots, and part of a frame."""

    def __init__(self, place, sums, product, swing):
        """`place`: position in 1/256 frame. `sums`: slots of each channel. `product`: or None."""
        self.place = place
        self.swing = swing
        self._sums = [slots[:] for slots in sums]
        self._product = product[:] if product else None
        self._lifted = None
        self._part = 0

    def add_part(self, lifted, part):
        """Count `part`/256 of the next frame too. `lifted`: its codes, lifted by the table."""
        self._lifted = lifted
        self._part = part

    def channel(self, number):
        """Return (slots, lifted total, squares) of a channel, both per code * 256."""
        slots = self._sums[number]
        total = 256 * slots[blocks.TOTAL]
        squares = (slots[blocks.SQUARES_HIGH] << 37) + (slots[blocks.SQUARES_LOW] << 8)
        if self._part:
            lifted = self._lifted[number]
            height = lifted - blocks.CENTRE
            total += self._part * lifted
            squares += self._part * height * height
        return slots, total, squares

    def product(self):
        """Return the lifted sum of products, per code^2 * 256."""
        slots = self._product
        if not slots:
            return 0
        found = (slots[blocks.PRODUCT_HIGH] << 37) + (slots[blocks.PRODUCT_LOW] << 8)
        if self._part:
            now = self._lifted[slots[blocks.LATER]] - blocks.CENTRE
            before = slots[blocks.LATER_BEFORE] - blocks.CENTRE
            skew = slots[blocks.SKEW]
            later = (now * (256 - skew) + before * skew + 128) >> 8
            height = self._lifted[slots[blocks.EARLIER]] - blocks.CENTRE
            found += self._part * (height * later + blocks.PRODUCT_LIFT)
        return found


def span_between(earlier, later, cycles):
    """Return the Span between two marks on the same sums."""
    span = Span(earlier.place, later.place - earlier.place, cycles)
    span.swing = later.swing - earlier.swing
    for number in range(3):
        ends = earlier.channel(number), later.channel(number)
        span.channels.append(Sums(span.weight, *ends))
    product = later.product()
    if product:
        span.product = product - earlier.product() - blocks.PRODUCT_LIFT * span.weight
    return span
