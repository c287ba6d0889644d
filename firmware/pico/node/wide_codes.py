"""A window's mean at a wide ADC code in; where inside that code a steady input lies out.

Inside a code that is ten codes wide (spikes.py) the mean stands still and only the samples that
noise throws into its neighbours tell where the input is. For an input that lies `u` times the noise
inside the edge, they pull the mean from the code's middle by

    half the width * Q(u) + noise * L(u),

Q being the upper tail of the normal distribution and L its integral; this is inverted by a table.
Deep inside such samples are rare, so what was seen is remembered over 10 to 20 s. An input that
moves over both edges within a window needs none of this: its mean is right by itself.
"""

import math

from node.spikes import WIDE

USUAL_NOISE_MILLICODES = 1_000
MICRO = 1_000_000
STEP = 0.0625  # of u in the integration
STEPS_PER_ENTRY = 4
DEEPEST, SHALLOWEST = 6.0, -3.5  # u beyond which there is nothing to see, or to correct
NEAR_CODES = 12  # from a wide code's middle; further off no sample falls into it
STILL_MICRO = 1_200_000  # nearer than this to the middle the mean hardly moves any more
KEPT_FRAMES256 = 256 * 160_000  # 20 s at 8 kHz


class WideCodes:
    """Corrects the means of one DC channel. Remembers what a steady input showed."""

    def __init__(self, noise_millicodes):
        """`noise_millicodes`: rms of the channel's noise, quantisation included; 0: as usual."""
        noise = (noise_millicodes or USUAL_NOISE_MILLICODES) / 1000
        self._noise = math.sqrt(max(0.01, noise * noise - 1 / 12))
        self._tables = {}
        self._code = None  # the wide code that the sums below belong to
        self._weight = self._excess = 0

    def correction(self, sums):
        """Return what to add to `sums.total`, in the same unit."""
        mean = sums.total // sums.weight
        for code, middle, half_milli in WIDE:
            if abs(mean - middle) <= NEAR_CODES:
                # Beside the code on both sides: it moves, and its mean is right as it is.
                if sums.lowest < code < sums.highest:
                    break
                return self._inside(code, middle, half_milli, sums)
        self._code = None
        return 0

    def _inside(self, code, middle, half_milli, sums):
        excess = sums.total - middle * sums.weight
        pulled = excess * MICRO // sums.weight
        if self._code != code or abs(pulled) > STILL_MICRO:
            self._code = code if abs(pulled) <= STILL_MICRO else None
            self._weight = self._excess = 0
        if self._weight > KEPT_FRAMES256:
            self._weight //= 2
            self._excess //= 2
        self._weight += sums.weight
        self._excess += excess
        pulled = self._excess * MICRO // self._weight
        offset = self._offset(half_milli, abs(pulled))
        wanted = offset if pulled >= 0 else -offset
        return wanted * sums.weight // MICRO - excess

    def _offset(self, half_milli, pulled):
        """Return the input's distance from the middle, both in 1/1000000 code."""
        table = self._tables.get(half_milli)
        if table is None:
            table = self._tables[half_milli] = edge_table(half_milli / 1000, self._noise)
        if pulled >= table[-1][0]:
            return pulled
        known = (0, 0)
        for entry in table:
            if pulled < entry[0]:
                span, rise = entry[0] - known[0], entry[1] - known[1]
                return known[1] + (rise * (pulled - known[0]) // span if span else 0)
            known = entry
        return pulled


def edge_table(half, noise):
    """Return [(pull of the mean, distance from the middle)] in 1/1000000 code, both growing.

    `half`: of the code's width. `noise`: rms of the samples, in codes.
    """
    table = []
    tail = loss = 0.0
    u, steps = DEEPEST, 0
    density = _density(u)
    while u > SHALLOWEST:
        u -= STEP
        nearer = _density(u)
        further = tail + STEP * (density + nearer) / 2
        loss += STEP * (tail + further) / 2
        tail, density = further, nearer
        steps += 1
        distance = half - noise * u
        if steps % STEPS_PER_ENTRY == 0 and distance > 0:
            table.append((int(MICRO * (half * tail + noise * loss)), int(MICRO * distance)))
    return table


def _density(u):
    return 0.39894228 * math.exp(-u * u / 2)
