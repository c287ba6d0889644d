"""Sums of ADC frames that run on in, marks on them, what lies between two marks out."""

from node import blocks
from node.spikes import LIFT, place_of

BIAS_CODE = 2048  # squares and products are of code - BIAS_CODE


class Sums:
    """What one channel added up over a window: everything a sensor needs.

    `weight`: frames * 256; `total` and `squares` (of code - BIAS_CODE): per code * 256. Codes are
    corrected for spikes, but `lowest`, `highest` and `railed` (0 or 4095) are of the codes as read;
    the first two also of what the sums ran over just before, where the mains came or went.
    """

    def __init__(self, weight, earlier, later, number):
        """`earlier`, `later`: Marks. `number`: of the channel."""
        before, slots = earlier.sums[number], later.sums[number]
        # Differences first: numbers beyond 2^30 are objects on a board, and garbage soon.
        total = 256 * (slots[blocks.TOTAL] - before[blocks.TOTAL])
        squares = (slots[blocks.SQUARES_HIGH] - before[blocks.SQUARES_HIGH] << 37) + (
            slots[blocks.SQUARES_LOW] - before[blocks.SQUARES_LOW] << 8
        )
        for mark, sign in ((later, 1), (earlier, -1)):
            if mark.part:
                height = mark.height(number)
                total += sign * mark.part * (height + blocks.CENTRE)
                squares += sign * mark.part * height * height
        self.weight = weight
        self.total = total - LIFT * weight
        self.squares = squares
        self.lowest = slots[blocks.LOWEST]
        self.highest = slots[blocks.HIGHEST]
        self.railed = slots[blocks.RAILED] - before[blocks.RAILED]


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

    def __init__(self, sums, product):
        """`sums`: slots of each channel. `product`: those of the product, or None."""
        self.sums = [slots[:] for slots in sums]
        self.product = product and product[:]
        self.place = self.swing = self.part = 0
        self._codes = self._table = None

    def move(self, sums, product):
        """Hold what these are now: takes no memory."""
        for mine, slots in zip(self.sums, sums):  # noqa: B905  # MicroPython's knows no strict
            mine[:] = slots
        if product:
            self.product[:] = product

    def put(self, place, swing, part=0, codes=None, table=None):
        """`place`: position in 1/256 frame, of which `part` are in a frame that is not summed.

        `codes`: that frame's. `table`: spikes.shift_table.
        """
        self.place, self.swing, self.part = place, swing, part
        self._codes, self._table = codes, table

    def height(self, number):
        """Return by how much a channel's lifted code in the divided frame is above the centre."""
        code = self._codes[number]
        return code + self._table[place_of(code)] - blocks.CENTRE

    def part_of_product(self):
        """Return what the part of a frame adds to the lifted sum of products."""
        slots, skew = self.product, self.product[blocks.SKEW]
        before = slots[blocks.LATER_BEFORE] - blocks.CENTRE
        now = self.height(slots[blocks.LATER])
        later = (now * (256 - skew) + before * skew + 128) >> 8
        return self.part * (self.height(slots[blocks.EARLIER]) * later + blocks.PRODUCT_LIFT)


def span_between(earlier, later, cycles):
    """Return the Span between two marks on the same sums."""
    span = Span(earlier.place, later.place - earlier.place, cycles)
    span.swing = later.swing - earlier.swing
    for number in range(len(later.sums)):
        span.channels.append(Sums(span.weight, earlier, later, number))
    if later.product:
        span.product = _product_between(earlier, later, span.weight)
    return span


def _product_between(earlier, later, weight):
    before, slots = earlier.product, later.product
    product = (slots[blocks.PRODUCT_HIGH] - before[blocks.PRODUCT_HIGH] << 37) + (
        slots[blocks.PRODUCT_LOW] - before[blocks.PRODUCT_LOW] << 8
    )
    if later.part:
        product += later.part_of_product()
    if earlier.part:
        product -= earlier.part_of_product()
    return product - blocks.PRODUCT_LIFT * weight
