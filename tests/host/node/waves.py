"""Codes of mains currents as facts of the analog front end say: bias 1.65 V, 10 A : 1 V."""

import math
from array import array

AMPLITUDE_PER_AMPERE = math.sqrt(2) / 10 / 3.3 * 4096


def sine_codes(current_a, frequency_hz=50.0, rate_hz=5000, count=1000, phase=0.1234):
    """Return `count` codes of a sine of `current_a` rms, rounded half up and clipped."""
    return wave_codes([(1, current_a, phase)], frequency_hz, rate_hz, count)


def wave_codes(harmonics, frequency_hz, rate_hz, count):
    """Return codes of a sum of harmonics: (order, rms in A, phase)."""
    codes = []
    for sample in range(count):
        angle = 2 * math.pi * frequency_hz * sample / rate_hz
        code = 2048 + sum(
            rms * AMPLITUDE_PER_AMPERE * math.sin(order * angle + phase)
            for order, rms, phase in harmonics
        )
        codes.append(min(4095, max(0, math.floor(code + 0.5))))
    return codes


def frames_of(alternating, steady=(0, 0)):
    """Return interleaved frames with `alternating` on channel 1 and constants on 0 and 2."""
    frames = array("H")
    for code in alternating:
        frames.extend((steady[0], code, steady[1]))
    return frames
