"""The analog front ends: battery, panel and mains current become voltages at the ADC pins."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MAINS_HZ = 50.0
WANDER = ((0.03, 47.0), (0.02, 131.0))
"""Slow wander of the mains frequency: (deviation in Hz, period in s)."""
HARMONICS = ((1, 1.0, 0.0), (3, 0.06, 0.7), (5, 0.03, 2.1), (7, 0.015, 4.0))
"""Order, amplitude and phase of the load current's harmonics."""
CT_V_PER_A = 0.1
"""SCT-013-010: 1 V rms at 10 A."""
CT_CLIP_V = 1.65
PULL_DOWN_GAIN = 0.955
"""What the ADC pad's default pull-down leaves of a front end's voltage."""


class VoltageDivider:
    """FZ0430 with 10 kOhm across S and -: 1:8 nominal, resistors of 1 %, clamped above the rail."""

    def __init__(self, ratio: float, rng: np.random.Generator) -> None:
        self.ratio = ratio * (1 + float(rng.uniform(-0.008, 0.008)))

    def pin_v(self, input_v: float) -> float:
        """Return the voltage at the pin; reversed polarity and more than the rail are clamped."""
        return min(3.4, max(-0.2, input_v / self.ratio))


class CurrentClamp:
    """SCT-013-010 on its bias divider; a core's gain is within 1 %."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.gain = 1 + float(rng.uniform(-0.01, 0.01))
        self.bias_v = 1.6498 + float(rng.uniform(-0.01, 0.01))
        self.is_plugged = True

    def pin_v(self, rms_a: float, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the voltages at the pin for a load current of `rms_a` at times in s."""
        if not self.is_plugged or rms_a == 0:
            return np.full(at_s.shape, self.bias_v)
        signal_v = load_waveform(at_s) * (rms_a * CT_V_PER_A * self.gain)
        return self.bias_v + np.clip(signal_v, -CT_CLIP_V, CT_CLIP_V)


def mains_frequency_hz(at_s: float) -> float:
    """Return the mains frequency at a time."""
    return MAINS_HZ + sum(hz * float(np.sin(2 * np.pi * at_s / s)) for hz, s in WANDER)


def load_waveform(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the load current of 1 A rms, harmonics included, at times in s."""
    cycles: NDArray[np.float64] = MAINS_HZ * at_s
    middle_s = float(at_s.mean())
    # The wander moves by less than 1e-5 of a cycle from a straight line within a block.
    for deviation_hz, period_s in WANDER:
        angle = 2 * np.pi * middle_s / period_s
        cycles -= deviation_hz * period_s / (2 * np.pi) * float(np.cos(angle))
        cycles += deviation_hz * float(np.sin(angle)) * (at_s - middle_s)
    turn: NDArray[np.float64] = 2 * np.pi * (cycles % 1.0)
    wave: NDArray[np.float64] = np.zeros(at_s.shape)
    for order, amplitude, phase in HARMONICS:
        wave += amplitude * np.sin(order * turn + phase)
    rms = math.sqrt(sum(amplitude**2 for _, amplitude, _ in HARMONICS) / 2)
    return np.asarray(wave / rms)
