"""Erratum E11 of the RP2040: ADC codes in, what to add to them out.

The codes 511, 1535, 2559 and 3583 are 5 to 10 codes wide, so those around them stand off the
straight line. The shifts are the averages over many chips of a published correction; each wide
code gets the middle of its neighbours' shifts, which is the middle of what it stands for.
"""

LIFT = 15  # the table holds shift + LIFT, so that its bytes are never negative
_STEPS = (  # (first code, shift)
    (0, -15),
    (511, -10),
    (512, -5),
    (895, -7),
    (1535, -2),
    (1536, 2),
    (2559, 5),
    (2560, 7),
    (3583, 11),
    (3584, 15),
)
WIDE = (  # (code as read, what it is corrected to, half its width in 1/1000 code)
    (511, 501, 5_500),
    (1535, 1533, 5_000),
    (2559, 2564, 3_000),
    (3583, 3594, 4_500),
)


_SEGMENTS = 32  # of 128 codes


def place_of(code):
    """Return where in a shift_table a code's shift stands."""
    return (code >> 7) + ((code + 1) >> 7)


def shift_table(is_corrected):
    """Return 64 bytes, shift + LIFT by `place_of`; every shift is 0 when not `is_corrected`.

    Shifts change only at the last code of a segment of 128 or just after it. So each segment has
    two entries, for its last code the second; one entry a code would take 4 kB of a board's memory.
    """
    if not is_corrected:
        return bytes([LIFT]) * (2 * _SEGMENTS)
    table = bytearray()
    for segment in range(_SEGMENTS):
        for code in (128 * segment, 128 * segment + 127):
            table.append(_shift(code) + LIFT)
    return bytes(table)


def _shift(code):
    found = 0
    for first, shift in _STEPS:
        if code >= first:
            found = shift
    return found
