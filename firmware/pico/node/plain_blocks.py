"""Sums, products and cycle crossings over one block of ADC frames, in plain Python.

`blocks_viper` holds the same functions compiled; both keep every intermediate value between -2^30
and 2^30 and every stored value positive, so that 32 bit boards and 64 bit hosts give the same
numbers. A code's place in the table is spikes.place_of, written out: a call takes longer.
"""

from node.blocks import (
    ARMED,
    BEFORE,
    CENTRE,
    COEFFICIENT,
    EARLIER,
    HIGHEST,
    HYSTERESIS,
    LATER,
    LATER_BEFORE,
    LEVEL,
    LOWEST,
    OFFSET,
    POLE1,
    POLE2,
    PRODUCT_FIRST,
    PRODUCT_HIGH,
    PRODUCT_LIFT,
    PRODUCT_LOW,
    PRODUCT_STOP,
    PRODUCT_STRIDE,
    RAILED,
    SKEW,
    SQUARES_HIGH,
    SQUARES_LOW,
    STRIDE,
    SUM_FIRST,
    SUM_OFFSET,
    SUM_STOP,
    SUM_STRIDE,
    SWING,
    TOTAL,
)


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
        code += table[(code >> 7) + ((code + 1) >> 7)]
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
        now = code + table[(code >> 7) + ((code + 1) >> 7)] - CENTRE
        code = frames[place + earlier]
        height = code + table[(code >> 7) + ((code + 1) >> 7)] - CENTRE
        low += height * ((now * (256 - skew) + before * skew + 128) >> 8) + PRODUCT_LIFT
        if low >= 536870912:
            low -= 536870912
            high += 1
        before = now
        place += step
    product[PRODUCT_HIGH] = high
    product[PRODUCT_LOW] = low
    product[LATER_BEFORE] = before + CENTRE
