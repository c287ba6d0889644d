"""Sums, products and cycle crossings over one block of ADC frames, in plain Python.

A block is an array of 12 bit codes, its channels interleaved frame by frame. `blocks_viper` holds
the same functions compiled; both keep every intermediate value between -2^30 and 2^30 and every
stored value positive, so that 32 bit boards and 64 bit hosts give the same numbers.
"""

# Slots of the crossing state (array of 10 32 bit integers). The filter works on code * 256.
POLE1 = 0  # output of the first low-pass pole
POLE2 = 1  # output of the second
LEVEL = 2  # a crossing is POLE2 rising through this
HYSTERESIS = 3  # and it counts only after POLE2 was this far below LEVEL
ARMED = 4  # 1 while it was
COEFFICIENT = 5  # of both poles, in 1/1024
BEFORE = 6  # POLE2 one frame before the crossing found
SWING = 7  # sum of |POLE2 - LEVEL| / 16, grows until the caller clears it
STRIDE = 8  # codes per frame
OFFSET = 9  # place of the alternating channel in its frame
CROSSING_SLOTS = 10

# Slots of the sums of one channel (array of SUM_SLOTS 32 bit integers).
SUM_STRIDE = 0
SUM_OFFSET = 1
TOTAL = 2  # of codes, each lifted by the table
SQUARES_HIGH = 3  # of (lifted code - CENTRE)^2, in units of 2^29
SQUARES_LOW = 4
LOWEST = 5
HIGHEST = 6
RAILED = 7  # codes that are 0 or 4095
SUM_FIRST = 8  # frames [SUM_FIRST, SUM_STOP) are added
SUM_STOP = 9
SUM_SLOTS = 10

# Slots of the product of two channels (array of PRODUCT_SLOTS 32 bit integers).
PRODUCT_STRIDE = 0
EARLIER = 1  # place in the frame of the channel converted first
LATER = 2
PRODUCT_HIGH = 3  # sum of products, each lifted by PRODUCT_LIFT, in units of 2^29
PRODUCT_LOW = 4
LATER_BEFORE = 5  # lifted code of the later channel in the frame before
SKEW = 6  # how much later it is converted, in 1/256 frame, 0 to 256
PRODUCT_FIRST = 7
PRODUCT_STOP = 8
PRODUCT_SLOTS = 9

CENTRE = 2063  # the code 2048, lifted by spikes.LIFT
PRODUCT_LIFT = 8388608  # more than any product of two heights


def find_crossing(frames, state, first, stop):
    """Filter frames [first, stop) and return the first frame at or after a rising crossing, or -1.

    `frames`: array("H"); `state`: array("i") of CROSSING_SLOTS. The two poles leave the fundamental
    and remove the harmonics that would make extra crossings.
    """
    pole1, pole2, level = state[POLE1], state[POLE2], state[LEVEL]
    coefficient, swing = state[COEFFICIENT], state[SWING]
    step = state[STRIDE]
    place = first * step + state[OFFSET]
    found = -1
    before = pole2
    frame = first
    while frame < stop:
        before = pole2
        pole1 += (((frames[place] << 8) - pole1) * coefficient) >> 10
        pole2 += ((pole1 - pole2) * coefficient) >> 10
        height = pole2 - level
        if height < 0:
            swing += (0 - height) >> 4
            if height < 0 - state[HYSTERESIS]:
                state[ARMED] = 1
        else:
            swing += height >> 4
            if state[ARMED] != 0:
                state[ARMED] = 0
                found = frame
                stop = frame
        place += step
        frame += 1
    state[POLE1] = pole1
    state[POLE2] = pole2
    state[BEFORE] = before
    state[SWING] = swing
    return found


def accumulate(frames, sums, table):
    """Add frames of one channel to `sums`, array("i") of SUM_SLOTS.

    `table`: spikes.shift_table.
    """
    total, high, low = sums[TOTAL], sums[SQUARES_HIGH], sums[SQUARES_LOW]
    lowest, highest, railed = sums[LOWEST], sums[HIGHEST], sums[RAILED]
    step = sums[SUM_STRIDE]
    place = sums[SUM_FIRST] * step + sums[SUM_OFFSET]
    end = sums[SUM_STOP] * step
    while place < end:
        code = frames[place]
        if code <= lowest:
            lowest = code
            if code == 0:
                railed += 1
        if code >= highest:
            highest = code
            if code == 4095:
                railed += 1
        code += table[code]
        total += code
        low += (code - CENTRE) * (code - CENTRE)
        if low >= 536870912:
            low -= 536870912
            high += 1
        place += step
    sums[TOTAL] = total
    sums[SQUARES_HIGH] = high
    sums[SQUARES_LOW] = low
    sums[LOWEST] = lowest
    sums[HIGHEST] = highest
    sums[RAILED] = railed


def multiply(frames, product, table):
    """Add the products of two channels' heights over CENTRE to `product`, array("i").

    The later channel is interpolated between its frames to the instant of the earlier one.
    """
    high, low = product[PRODUCT_HIGH], product[PRODUCT_LOW]
    earlier, later = product[EARLIER], product[LATER]
    skew = product[SKEW]
    before = product[LATER_BEFORE] - CENTRE
    step = product[PRODUCT_STRIDE]
    place = product[PRODUCT_FIRST] * step
    end = product[PRODUCT_STOP] * step
    while place < end:
        code = frames[place + later]
        now = code + table[code] - CENTRE
        code = frames[place + earlier]
        height = code + table[code] - CENTRE
        low += height * ((now * (256 - skew) + before * skew + 128) >> 8) + PRODUCT_LIFT
        if low >= 536870912:
            low -= 536870912
            high += 1
        before = now
        place += step
    product[PRODUCT_HIGH] = high
    product[PRODUCT_LOW] = low
    product[LATER_BEFORE] = before + CENTRE
