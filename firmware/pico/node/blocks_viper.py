"""The functions of `plain_blocks`, compiled to machine code by MicroPython's viper emitter.

Importing this fails where there is no emitter; `block_maths` then takes the plain ones. Slot
numbers are written out, because viper reads globals slowly: `blocks` names them. `ptr32` of a 64
bit host loads without sign, so no stored value is ever negative. Constants stay below 2^30:
beyond, they are objects on a 32 bit board.
"""

import micropython


@micropython.viper
def find_crossing(frames: ptr16, state: ptr32, first: int, stop: int) -> int:  # noqa: F821
    """See plain_blocks.find_crossing."""
    pole1 = int(state[0])
    pole2 = int(state[1])
    level = int(state[2])
    hysteresis = 0 - int(state[3])
    armed = int(state[4])
    coefficient = int(state[5])
    swing = int(state[7])
    step = int(state[8])
    place = first * step + int(state[9])
    found = -1
    before = pole2
    frame = first
    end = stop
    while frame < end:
        before = pole2
        pole1 += (((int(frames[place]) << 8) - pole1) * coefficient) >> 10
        pole2 += ((pole1 - pole2) * coefficient) >> 10
        height = pole2 - level
        if height < 0:
            swing += (0 - height) >> 4
            if height < hysteresis:
                armed = 1
        else:
            swing += height >> 4
            if armed != 0:
                armed = 0
                found = frame
                end = frame
        place += step
        frame += 1
    state[0] = pole1
    state[1] = pole2
    state[4] = armed
    state[6] = before
    state[7] = swing
    return found


@micropython.viper
def accumulate(frames: ptr16, sums: ptr32, table: ptr8):  # noqa: F821
    """See plain_blocks.accumulate."""
    total = int(sums[2])
    high = int(sums[3])
    low = int(sums[4])
    lowest = int(sums[5])
    highest = int(sums[6])
    railed = int(sums[7])
    step = int(sums[0])
    place = int(sums[8]) * step + int(sums[1])
    end = int(sums[9]) * step
    while place < end:
        code = int(frames[place])
        if code <= lowest:
            lowest = code
            if code == 0:
                railed += 1
        if code >= highest:
            highest = code
            if code == 4095:
                railed += 1
        code += int(table[(code >> 7) + ((code + 1) >> 7)])
        total += code
        low += (code - 2063) * (code - 2063)
        if low >= 536870912:
            low -= 536870912
            high += 1
        place += step
    sums[2] = total
    sums[3] = high
    sums[4] = low
    sums[5] = lowest
    sums[6] = highest
    sums[7] = railed


@micropython.viper
def multiply(frames: ptr16, product: ptr32, table: ptr8):  # noqa: F821
    """See plain_blocks.multiply."""
    high = int(product[3])
    low = int(product[4])
    earlier = int(product[1])
    later = int(product[2])
    skew = int(product[6])
    rest = 256 - skew
    before = int(product[5]) - 2063
    step = int(product[0])
    place = int(product[7]) * step
    end = int(product[8]) * step
    while place < end:
        code = int(frames[place + later])
        now = code + int(table[(code >> 7) + ((code + 1) >> 7)]) - 2063
        code = int(frames[place + earlier])
        height = code + int(table[(code >> 7) + ((code + 1) >> 7)]) - 2063
        low += height * ((now * rest + before * skew + 128) >> 8) + 8388608
        if low >= 536870912:
            low -= 536870912
            high += 1
        before = now
        place += step
    product[3] = high
    product[4] = low
    product[5] = before + 2063
