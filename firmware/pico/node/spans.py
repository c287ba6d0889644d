"""What a stretch of ADC frames added up to: sums of each channel, mains cycles, a product."""

BIAS_CODE = 2048  # squares and products are of code - BIAS_CODE


class Sums:
    """What one channel added up over a window: everything a sensor needs.

    `weight`: frames * 256; `total` and `squares` (of code - BIAS_CODE): per code * 256. Codes are
    corrected for spikes, but `lowest`, `highest` and `railed` (0 or 4095) are of the codes as read.
    """

    def __init__(self):
        self.weight = 0
        self.total = 0
        self.squares = 0
        self.lowest = 4095
        self.highest = 0
        self.railed = 0

    def add(self, other):
        """Add another window's sums to these."""
        self.weight += other.weight
        self.total += other.total
        self.squares += other.squares
        self.lowest = min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)
        self.railed += other.railed

    def add_part(self, code, shift, weight):
        """Add `weight`/256 of one frame; `shift` corrects its code."""
        height = code + shift - BIAS_CODE
        self.weight += weight
        self.total += weight * (code + shift)
        self.squares += weight * height * height
        self.lowest = min(self.lowest, code)
        self.highest = max(self.highest, code)


class Span:
    """Sums of all channels over one stretch of frames, with the mains cycles seen in it."""

    def __init__(self, channel_count, start):
        self.start = start  # position in 1/256 frame since the first frame fed
        self.weight = 0
        self.cycles = 0
        self.swing = 0  # sum of |filtered - level|, in 1/16 code
        self.product = 0  # of two channels' code - BIAS_CODE at one instant, per code^2 * 256
        self.channels = [Sums() for _ in range(channel_count)]

    def add(self, other):
        """Append the span that follows this one."""
        self.weight += other.weight
        self.cycles += other.cycles
        self.swing += other.swing
        self.product += other.product
        for channel, sums in enumerate(self.channels):
            sums.add(other.channels[channel])
