"""Blocks of ADC frames in, metering windows of whole mains cycles out.

Positions are counted in 1/256 of a frame, each frame standing for the time to the next. The frame
in which the mains crosses its level is divided between the windows on both sides by interpolation.
Without an alternating signal windows last WINDOW_MS; with one they last the whole number of cycles
nearest to that.
"""

from array import array

from node import blocks
from node.block_maths import accumulate, find_crossing, multiply
from node.roots import square_root
from node.sensors.zmpt101b import skew256
from node.spans import BIAS_CODE, Span
from node.spikes import LIFT, shift_table

CHANNELS = 3  # in a frame
WINDOW_MS = 200
SETTLE_MS = 30  # crossings this soon after the start are shifted by the filter settling
SLOWEST_HZ = 40  # a cycle longer than this is a lost signal
FASTEST_HZ = 75  # a crossing sooner than this is noise
CORNER_HZ = 40  # of the two poles that leave the fundamental
SMALLEST_HYSTERESIS = 256  # one code


def build_windows(fitted, rate_mhz, settings, chip):
    """Return the Windows that follow the mains voltage, or the load current without one.

    `fitted`: {quantity: driver}. `chip`: adc.Rp2040 or adc.Rp2350.
    """
    current, voltage = fitted.get("load_current"), fitted.get("load_voltage")
    is_corrected = settings.spike_correction
    table = shift_table(chip.HAS_SPIKES if is_corrected is None else is_corrected)
    if current is None or voltage is None:
        follows = current or voltage
        return Windows(rate_mhz, follows.channel if follows else None, table)
    current.sets_cycles = False
    first, second = sorted((current.channel, voltage.channel))
    skew = skew256(current, voltage, rate_mhz, 1_000_000_000_000 // (rate_mhz * CHANNELS))
    return Windows(rate_mhz, voltage.channel, table, (first, second, skew))


class Windows:
    """Cuts a stream of blocks into windows; `feed` returns those that ended in the block."""

    def __init__(self, rate_mhz, alternating_channel=1, table=None, product=None):
        """`rate_mhz`: frames per 1000 s. `alternating_channel`: None when all are DC.

        `table`: spikes.shift_table, None to correct nothing. `product`: (earlier channel, later
        channel, skew in 1/256 frame) of the two whose product is wanted, or None.
        """
        self.rate_mhz = rate_mhz
        self.alternating_channel = alternating_channel
        self._window = self._frames256(WINDOW_MS)
        self._settle = self._frames256(SETTLE_MS)
        self._longest_cycle = 256 * rate_mhz // (1000 * SLOWEST_HZ)
        self._shortest_cycle = 256 * rate_mhz // (1000 * FASTEST_HZ)
        self._state = array("i", [0] * blocks.CROSSING_SLOTS)
        self._state[blocks.STRIDE] = CHANNELS
        self._state[blocks.OFFSET] = alternating_channel or 0
        # 2 pi f / rate in 1/1024, at most 1: a slower recording is not filtered.
        self._state[blocks.COEFFICIENT] = max(1, min(1024, 6_434_000 * CORNER_HZ // rate_mhz))
        self._sums = array("i", [0] * blocks.SUM_SLOTS)
        self._sums[blocks.SUM_STRIDE] = CHANNELS
        self._table = table or shift_table(False)
        self._product = self._build_product(product) if product else None
        self.restart()

    def _build_product(self, wanted):
        product = array("i", [0] * blocks.PRODUCT_SLOTS)
        product[blocks.PRODUCT_STRIDE] = CHANNELS
        product[blocks.EARLIER], product[blocks.LATER], product[blocks.SKEW] = wanted
        return product

    def restart(self):
        """Forget the window under way: frames were lost."""
        self._origin = 0  # position of the next block's first frame
        self._is_primed = False
        self._begin(0)

    def _frames256(self, duration_ms):
        return 256 * self.rate_mhz * duration_ms // 1_000_000

    def _begin(self, start):
        self._lead = Span(CHANNELS, start)  # before the first crossing
        self._whole = None  # whole cycles since
        self._cycle = None  # the cycle under way; None while there is no crossing

    def duration_us(self, span):
        """Return how long `span` lasted, in us."""
        return span.weight * 1_000_000_000 // (256 * self.rate_mhz)

    def start_us(self, span):
        """Return when `span` began, in us since the first frame fed."""
        return span.start * 1_000_000_000 // (256 * self.rate_mhz)

    def feed(self, frames, frame_count):
        """Take one block and return the list of `Span`s that ended in it."""
        if not self._is_primed:
            self._prime(frames, frame_count)
        done = []
        position = 0  # first frame not yet added to a span
        while position < frame_count:
            stop = min(frame_count, position + self._frames_left())
            crossing = self._search(frames, position, stop)
            if crossing < 0:
                self._add(frames, position, stop)
                position = stop
                self._close_without_crossing(done)
            else:
                self._add(frames, position, crossing)
                self._cross(frames, crossing, done)
                position = crossing + 1
        self._origin += 256 * frame_count
        return done

    def finish(self):
        """Return the window of whole cycles under way, or None. A recording ends with this."""
        return self._whole if self._whole and self._whole.cycles else None

    def remainder(self):
        """Return the span of all frames that are in no window yet."""
        span = Span(CHANNELS, self._lead.start)
        for part in (self._lead, self._whole, self._cycle):
            if part:
                span.add(part)
        return span

    def _prime(self, frames, frame_count):
        """Start the filter on the mean of the first block, so that it settles soon."""
        channel = self.alternating_channel or 0
        sums = self._sum(frames, channel, 0, frame_count)
        level = self._as_read(sums[blocks.TOTAL] * 256 // frame_count - 256 * LIFT)
        state = self._state
        state[blocks.POLE1] = state[blocks.POLE2] = state[blocks.LEVEL] = level
        state[blocks.HYSTERESIS] = SMALLEST_HYSTERESIS
        state[blocks.ARMED] = 0
        state[blocks.SWING] = 0
        if self._product:
            code = frames[self._product[blocks.LATER]]
            self._product[blocks.LATER_BEFORE] = code + self._table[code]
        self._is_primed = True

    def _frames_left(self):
        """Return how many frames may pass before something must be decided."""
        if self._cycle is None:
            left = self._window - self._lead.weight
        else:
            left = self._longest_cycle - self._cycle.weight
        return max(1, (left + 255) // 256)

    def _search(self, frames, first, stop):
        if self.alternating_channel is None:
            return -1
        return find_crossing(frames, self._state, first, stop)

    def _open_span(self):
        return self._lead if self._cycle is None else self._cycle

    def _sum(self, frames, channel, first, stop):
        sums = self._sums
        sums[blocks.SUM_OFFSET] = channel
        for slot in range(blocks.TOTAL, blocks.SUM_FIRST):
            sums[slot] = 0
        sums[blocks.LOWEST] = 4095
        sums[blocks.SUM_FIRST] = first
        sums[blocks.SUM_STOP] = stop
        accumulate(frames, sums, self._table)
        return sums

    def _multiply(self, frames, first, stop):
        """Return the sum of products over whole frames [first, stop), in code^2."""
        product = self._product
        product[blocks.PRODUCT_HIGH] = product[blocks.PRODUCT_LOW] = 0
        product[blocks.PRODUCT_FIRST] = first
        product[blocks.PRODUCT_STOP] = stop
        multiply(frames, product, self._table)
        lifted = (product[blocks.PRODUCT_HIGH] << 29) + product[blocks.PRODUCT_LOW]
        return lifted - (stop - first) * blocks.PRODUCT_LIFT

    def _as_read(self, level):
        """Return what the filter, which sees codes as read, has where corrected ones mean `level`.

        In 1/256 code. At a spike it is a few codes off, which no crossing minds.
        """
        return level - 256 * (self._table[max(0, min(4095, level >> 8))] - LIFT)

    def _add(self, frames, first, stop):
        """Add whole frames [first, stop) to the open span."""
        if stop <= first:
            return
        span = self._open_span()
        span.weight += 256 * (stop - first)
        for channel in range(CHANNELS):
            sums = self._sum(frames, channel, first, stop)
            mine = span.channels[channel]
            mine.weight += 256 * (stop - first)
            mine.total += 256 * (sums[blocks.TOTAL] - LIFT * (stop - first))
            squares = (sums[blocks.SQUARES_HIGH] << 29) + sums[blocks.SQUARES_LOW]
            mine.squares += 256 * squares
            mine.lowest = min(mine.lowest, sums[blocks.LOWEST])
            mine.highest = max(mine.highest, sums[blocks.HIGHEST])
            mine.railed += sums[blocks.RAILED]
        if self._product:
            span.product += 256 * self._multiply(frames, first, stop)
        self._take_swing(span)

    def _take_swing(self, span):
        span.swing += self._state[blocks.SWING]
        self._state[blocks.SWING] = 0

    def _add_part(self, span, frames, frame, weight):
        """Add `weight`/256 of one frame to `span`."""
        if not weight:
            return
        span.weight += weight
        for channel in range(CHANNELS):
            code = frames[frame * CHANNELS + channel]
            span.channels[channel].add_part(code, self._table[code] - LIFT, weight)

    def _cross(self, frames, frame, done):
        """Divide `frame` at the crossing in it and close what ends there."""
        state = self._state
        before = state[blocks.LEVEL] - state[blocks.BEFORE]
        rise = state[blocks.POLE2] - state[blocks.BEFORE]
        part = max(0, min(256, before * 256 // rise)) if rise > 0 else 256
        place = self._origin + 256 * frame + part
        is_early = place < self._settle or (
            self._cycle is not None and self._cycle.weight + part < self._shortest_cycle
        )
        if is_early:
            part = 256
        product = self._multiply(frames, frame, frame + 1) if self._product else 0
        self._add_part(self._open_span(), frames, frame, part)
        self._open_span().product += product * part
        if is_early:
            return
        self._take_swing(self._open_span())
        if self._cycle is None:
            self._whole = Span(CHANNELS, place)
        else:
            self._cycle.cycles = 1
            self._whole.add(self._cycle)
            if self._whole.weight + self._cycle.weight // 2 >= self._window:
                done.append(self._whole)
                self._follow(self._whole)
                self._lead = Span(CHANNELS, place)
                self._whole = Span(CHANNELS, place)
        self._cycle = Span(CHANNELS, place)
        self._add_part(self._cycle, frames, frame, 256 - part)
        self._cycle.product = product * (256 - part)

    def _close_without_crossing(self, done):
        if self._cycle is not None and self._cycle.weight >= self._longest_cycle:
            if self._whole.cycles:
                done.append(self._whole)
                self._follow(self._whole)
                self._lead = self._cycle
            else:
                self._lead.add(self._cycle)
            self._whole = self._cycle = None
        if self._cycle is None and self._lead.weight >= self._window:
            done.append(self._lead)
            self._follow(self._lead)
            self._begin(self._lead.start + self._lead.weight)

    def _follow(self, span):
        """Move level and hysteresis to the signal of the window that ended."""
        if self.alternating_channel is None:
            return
        sums = span.channels[self.alternating_channel]
        level = sums.total * 256 // sums.weight
        mean = level // 256 - BIAS_CODE
        rms = square_root(max(0, sums.squares // sums.weight - mean * mean) * 65536)
        level = self._as_read(level)
        state = self._state
        # A window that ends on another level than it began is not whole cycles: move it only when
        # the bias wandered through a good part of the swing.
        if abs(level - state[blocks.LEVEL]) > 128 + rms // 8:
            state[blocks.LEVEL] = level
        # A fifth of the rms: half of what passes the filter of a sine's, above its noise.
        state[blocks.HYSTERESIS] = max(SMALLEST_HYSTERESIS, rms // 5)
