"""The analog front ends: what is measured becomes voltages at the ADC pins."""

from __future__ import annotations

import math

import numpy as np
from node.sensors.hall import UV_PER_AMPERE
from numpy.typing import NDArray

MAINS_HZ = 50.0
WANDER = ((0.03, 47.0), (0.02, 131.0))
"""Slow wander of the mains frequency: (deviation in Hz, period in s)."""
HARMONICS = ((1, 1.0, 0.0), (3, 0.06, 0.7), (5, 0.03, 2.1), (7, 0.015, 4.0))
"""Order, amplitude and phase of the load current's harmonics."""
CT_V_PER_A = 0.1
"""SCT-013-010: 1 V rms at 10 A."""
CT_CLIP_V = 1.65
ZMPT_GAIN = 0.7 / 230
"""Volts at the pin per volt of mains."""
ZMPT_LAG_RAD = math.radians(20 / 60)
"""Its data sheet's largest phase error."""
HALL_DRIFT_V = 0.26e-3 * 10
DAY_S = 86_400.0
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
        self.lag_rad = 0.0  # of the load's current behind its voltage
        # Of 1 A rms of the load, the rms of its fundamental.
        self.fundamental = 1 / math.sqrt(sum(amplitude**2 for _, amplitude, _ in HARMONICS))

    def pin_v(self, rms_a: float, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the voltages at the pin for a load current of `rms_a` at times in s."""
        if not self.is_plugged or rms_a == 0:
            return np.full(at_s.shape, self.bias_v)
        signal_v = load_waveform(at_s, self.lag_rad) * (rms_a * CT_V_PER_A * self.gain)
        return self.bias_v + np.clip(signal_v, -CT_CLIP_V, CT_CLIP_V)


class HallSensor:
    """ACS712 or ACS723 and the divider at its output; offset and gain are within 1.5 %.

    Its offset follows the temperature of the day: 0.26 mV a degree (ACS712 data sheet), 10 degrees
    up and down.
    """

    def __init__(self, part: str, divider_milli: int, rng: np.random.Generator) -> None:
        self.volts_per_a = UV_PER_AMPERE[part] * 1e-6 * (1 + float(rng.uniform(-0.015, 0.015)))
        self.offset_v = 2.5 * (1 + float(rng.uniform(-0.015, 0.015)))
        self.divider = divider_milli / 1000 * (1 + float(rng.uniform(-0.01, 0.01)))

    def pin_v(self, current_a: float, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the voltages at the pin for a DC current at times in s."""
        drift_v = HALL_DRIFT_V * np.sin(2 * np.pi * at_s / DAY_S)
        output_v = self.offset_v + drift_v + current_a * self.volts_per_a
        return np.asarray(np.clip(output_v, 0.0, 5.0) / self.divider)


def mains_frequency_hz(at_s: float) -> float:
    """Return the mains frequency at a time."""
    return MAINS_HZ + sum(hz * float(np.sin(2 * np.pi * at_s / s)) for hz, s in WANDER)


class MainsVoltage:
    """ZMPT101B module on its bias divider: 230 V give 0.7 V rms as far as its trimmer was set."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.gain = 1 + float(rng.uniform(-0.03, 0.03))
        self.bias_v = 1.65 + float(rng.uniform(-0.01, 0.01))
        self.lag_rad = float(rng.uniform(0, ZMPT_LAG_RAD))

    def pin_v(self, rms_v: float, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the voltages at the pin for a mains voltage of `rms_v` at times in s."""
        signal_v = np.sin(mains_turn(at_s) - self.lag_rad) * (rms_v * ZMPT_GAIN * self.gain)
        return np.asarray(self.bias_v + np.clip(math.sqrt(2) * signal_v, -CT_CLIP_V, CT_CLIP_V))


def mains_turn(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phase of the mains in rad, 0 to 2 pi, at times in s within one block."""
    cycles: NDArray[np.float64] = MAINS_HZ * at_s
    middle_s = float(at_s.mean())
    # The wander moves by less than 1e-5 of a cycle from a straight line within a block.
    for deviation_hz, period_s in WANDER:
        angle = 2 * np.pi * middle_s / period_s
        cycles -= deviation_hz * period_s / (2 * np.pi) * float(np.cos(angle))
        cycles += deviation_hz * float(np.sin(angle)) * (at_s - middle_s)
    turn: NDArray[np.float64] = 2 * np.pi * (cycles % 1.0)
    return turn


def load_waveform(at_s: NDArray[np.float64], lag_rad: float = 0.0) -> NDArray[np.float64]:
    """Return the load current of 1 A rms, harmonics included, at times in s.

    `lag_rad`: of its fundamental behind the mains voltage.
    """
    turn = mains_turn(at_s) - lag_rad
    wave: NDArray[np.float64] = np.zeros(at_s.shape)
    for order, amplitude, phase in HARMONICS:
        wave += amplitude * np.sin(order * turn + phase)
    rms = math.sqrt(sum(amplitude**2 for _, amplitude, _ in HARMONICS) / 2)
    return np.asarray(wave / rms)
