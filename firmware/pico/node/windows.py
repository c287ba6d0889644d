"""Blocks of ADC frames in, metering windows of whole mains cycles out.

Positions are counted in 1/256 of a frame, each frame standing for the time to the next. The frame
in which the mains crosses its level is divided between the windows on both sides by interpolation.
Without an alternating signal windows last WINDOW_MS; with one they last the whole number of cycles
nearest to that.

Sums run on from the start of a stretch; marks note how far they were at its first and its last
crossing, and a window is the difference of two marks. So little is done in Python between windows.
"""

from array import array

from node import blocks
from node.block_maths import accumulate, find_crossing, multiply
from node.roots import square_root
from node.sensors.zmpt101b import skewed
from node.spans import BIAS_CODE, Mark, span_between
from node.spikes import LIFT, place_of, shift_table

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
    table = table_for(settings, chip)
    for driver in fitted.values():
        if is_corrected(settings, chip) and not driver.is_alternating:
            driver.resolve_wide_codes()
    if current is None or voltage is None:
        follows = current or voltage
        return Windows(rate_mhz, follows.channel if follows else None, table)
    current.sets_cycles = False
    product = skewed(current, voltage, rate_mhz, step_ns(rate_mhz))
    return Windows(rate_mhz, voltage.channel, table, product)


def is_corrected(settings, chip):
    """Tell whether the converter's wide codes are corrected: as the settings say or it needs."""
    wanted = settings.spike_correction
    return chip.HAS_SPIKES if wanted is None else wanted


def table_for(settings, chip):
    """Return the shift_table of this board."""
    return shift_table(is_corrected(settings, chip))


def step_ns(rate_mhz):
    """Return the time from the conversion of one channel to that of the next."""
    return 1_000_000_000_000 // (rate_mhz * CHANNELS)


class Windows:
    """Cuts a stream of blocks into windows; `feed` returns those that ended in the block."""

    def __init__(self, rate_mhz, alternating_channel=1, table=None, product=None):
        """`rate_mhz`: frames per 1000 s. `alternating_channel`: None when all are DC.

        `table`: spikes.shift_table, None to correct nothing. `product`: of the two channels whose
        product is wanted (earlier, later, by how much in 1/256 frame), or None.
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
        self._sums = [self._build_sums(channel) for channel in range(CHANNELS)]
        self._table = table or shift_table(False)
        self._product = self._build_product(product) if product else None
        self._moving = None  # a mark that no window begins at: moved, so that it leaves no garbage
        self.restart()

    def _build_sums(self, channel):
        sums = array("i", [0] * blocks.SUM_SLOTS)
        sums[blocks.SUM_STRIDE] = CHANNELS
        sums[blocks.SUM_OFFSET] = channel
        return sums

    def _build_product(self, wanted):
        product = array("i", [0] * blocks.PRODUCT_SLOTS)
        product[blocks.PRODUCT_STRIDE] = CHANNELS
        product[blocks.EARLIER], product[blocks.LATER], product[blocks.SKEW] = wanted
        return product

    def restart(self):
        """Forget the window under way: frames were lost."""
        self._origin = 0  # position of the next block's first frame
        self._summed = 0  # first frame of this block that is not in the sums
        self._is_primed = False
        self._begin(0)

    def _frames256(self, duration_ms):
        return 256 * self.rate_mhz * duration_ms // 1_000_000

    def _begin(self, start):
        """Begin a stretch at a frame's start, with empty sums."""
        self._clear()
        self._base = Mark(self._sums, self._product)
        self._base.put(start, 0)

    def _clear(self):
        for sums in self._sums:
            for slot in range(blocks.TOTAL, blocks.SUM_FIRST):
                sums[slot] = 0
            sums[blocks.LOWEST] = 4095
        if self._product:
            self._product[blocks.PRODUCT_HIGH] = self._product[blocks.PRODUCT_LOW] = 0
        self._state[blocks.SWING] = 0
        self._forget_crossings()

    def _forget_crossings(self):
        self._crossed = None  # position of the last crossing, None before the first
        self._cycles = 0  # since the first
        self._first = self._last = None  # marks at both
        self._pending = None  # (frame, part, swing) of the last one while it has no mark

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
        self._summed = 0
        position = 0  # first frame not yet searched
        while position < frame_count:
            stop = min(frame_count, position + self._frames_left(position))
            crossing = self._search(frames, position, stop)
            if crossing < 0:
                position = stop
                self._close_without_crossing(frames, position, done)
            else:
                self._cross(frames, crossing, done)
                position = crossing + 1
        self._mark_last(frames)
        self._sum_to(frames, frame_count)
        self._origin += 256 * frame_count
        return done

    def finish(self):
        """Return the window of whole cycles under way, or None. A recording ends with this."""
        return self._whole() if self._cycles else None

    def remainder(self):
        """Return the span of all frames that are in no window yet."""
        end = Mark(self._sums, self._product)
        end.put(self._origin, self._state[blocks.SWING])
        return span_between(self._base, end, self._cycles)

    def _whole(self):
        return span_between(self._first, self._last, self._cycles)

    def _prime(self, frames, frame_count):
        """Start the filter on the mean of the first block, so that it settles soon."""
        sums = self._build_sums(self.alternating_channel or 0)
        sums[blocks.SUM_STOP] = frame_count
        accumulate(frames, sums, self._table)
        level = self._as_read(sums[blocks.TOTAL] * 256 // frame_count - 256 * LIFT)
        state = self._state
        state[blocks.POLE1] = state[blocks.POLE2] = state[blocks.LEVEL] = level
        state[blocks.HYSTERESIS] = SMALLEST_HYSTERESIS
        state[blocks.ARMED] = 0
        state[blocks.SWING] = 0
        if self._product:
            code = frames[self._product[blocks.LATER]]
            self._product[blocks.LATER_BEFORE] = code + self._table[place_of(code)]
        self._is_primed = True

    def _frames_left(self, position):
        """Return how many frames may pass before something must be decided."""
        here = self._origin + 256 * position
        if self._crossed is None:
            left = self._window - (here - self._base.place)
        else:
            left = self._longest_cycle - (here - self._crossed)
        return max(1, (left + 255) // 256)

    def _search(self, frames, first, stop):
        if self.alternating_channel is None:
            return -1
        return find_crossing(frames, self._state, first, stop)

    def _sum_to(self, frames, stop):
        """Add the frames of this block up to `stop` to the sums."""
        first = self._summed
        if stop <= first:
            return
        self._summed = stop
        table = self._table
        for sums in self._sums:
            sums[blocks.SUM_FIRST] = first
            sums[blocks.SUM_STOP] = stop
            accumulate(frames, sums, table)
        product = self._product
        if product:
            product[blocks.PRODUCT_FIRST] = first
            product[blocks.PRODUCT_STOP] = stop
            multiply(frames, product, table)

    def _mark(self, frames, frame, part, swing, mark=None):
        """Return the mark at `part`/256 of a frame of this block: `mark` moved, or a new one."""
        self._sum_to(frames, frame)
        if mark is None:
            mark = Mark(self._sums, self._product)
        else:
            mark.move(self._sums, self._product)
        place = frame * CHANNELS
        codes = frames[place : place + CHANNELS] if part else None
        mark.put(self._origin + 256 * frame + part, swing, part, codes, self._table)
        return mark

    def _mark_last(self, frames):
        """Make the mark of the last crossing, if it has none."""
        if self._pending:
            self._last = self._moving = self._mark(frames, *self._pending, self._moving)
            self._pending = None

    def _as_read(self, level):
        """Return what the filter, which sees codes as read, has where corrected ones mean `level`.

        In 1/256 code. At a spike it is a few codes off, which no crossing minds.
        """
        return level - 256 * (self._table[place_of(max(0, min(4095, level >> 8)))] - LIFT)

    def _cross(self, frames, frame, done):
        """Take a crossing in `frame`: it may be the first, one more, or the end of the window."""
        state = self._state
        before = state[blocks.LEVEL] - state[blocks.BEFORE]
        rise = state[blocks.POLE2] - state[blocks.BEFORE]
        part = max(0, min(256, before * 256 // rise)) if rise > 0 else 256
        place = self._origin + 256 * frame + part
        if place < self._settle:
            return
        swing = state[blocks.SWING]
        if self._crossed is None:
            self._crossed = place
            self._first = self._mark(frames, frame, part, swing)
            return
        cycle = place - self._crossed
        if cycle < self._shortest_cycle:
            return
        self._crossed = place
        self._cycles += 1
        self._pending = (frame, part, swing)
        if place - self._first.place + cycle // 2 >= self._window:
            self._mark_last(frames)
            span = self._whole()
            done.append(span)
            self._follow(span)
            self._clear()
            self._base = self._first = self._mark(frames, frame, part, 0)
            self._crossed = place

    def _close_without_crossing(self, frames, position, done):
        here = self._origin + 256 * position
        if self._crossed is not None and here - self._crossed >= self._longest_cycle:
            self._mark_last(frames)
            if self._cycles:
                span = self._whole()
                done.append(span)
                self._follow(span)
                self._base = self._last  # what follows it is in no window yet
                self._moving = None
            self._forget_crossings()
        if self._crossed is None and here - self._base.place >= self._window:
            end = self._mark(frames, position, 0, self._state[blocks.SWING])
            span = span_between(self._base, end, 0)
            done.append(span)
            self._follow(span)
            self._begin(here)

    def _follow(self, span):
        """Move level and hysteresis to the signal of the window that ended."""
        if self.alternating_channel is None:
            return
        sums = span.channels[self.alternating_channel]
        level = sums.total * 256 // sums.weight
        mean = level // 256 - BIAS_CODE
        # To an eighth of a code: beyond 2^30 each number is an object on a board.
        rms = square_root(max(0, sums.squares // sums.weight - mean * mean) * 64) * 32
        level = self._as_read(level)
        state = self._state
        # A window that ends on another level than it began is not whole cycles: move it only when
        # the bias wandered through a good part of the swing.
        if abs(level - state[blocks.LEVEL]) > 128 + rms // 8:
            state[blocks.LEVEL] = level
        # A fifth of the rms: half of what passes the filter of a sine's, above its noise.
        state[blocks.HYSTERESIS] = max(SMALLEST_HYSTERESIS, rms // 5)
