"""The RP2040's converter: voltages at its pins become 12-bit codes with its noise and spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CODES = 4096
REFERENCE_V = 3.3
NOISE_LSB = 0.97
"""RMS noise with the supply in PFM, its default."""
SPIKES = ((512, 10.0), (1536, 9.0), (2560, 5.0), (3584, 8.0))
"""Codes below which erratum E11 makes one code wide, and by how many LSB on average."""
LOW_END_LSB = 15.0
"""How far codes are above the ideal below the first spike, on average."""
LIFT = (700, 1100, 2.0)
"""Between these inputs codes rise by so many LSB more than the ideal."""
SATURATED = CODES + 256
"""Inputs up to here are told apart: the wide codes put the last code beyond the reference."""
FINE = 8
"""Table entries per LSB of the ideal transfer."""


class Converter:
    """One board's converter: reference sag, offset, integral non-linearity and E11 spikes, drawn.

    The code just below each spike is 5 to 10 codes wide, so codes stand 15 LSB above the ideal at
    the low end and 15 below it at the high end: the averages of a published
    correction. Offset and bow act before the spikes, which stay at their codes.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.reference_v = REFERENCE_V * (1 - float(np.clip(rng.normal(0.009, 0.002), 0, 0.015)))
        self.offset_lsb = float(rng.normal(0, 2.0))
        self._table = self._transfer()

    def _transfer(self) -> NDArray[np.uint16]:
        """Return the code of every ideal input, in steps of 1/FINE LSB."""
        ideal = np.arange(SATURATED * FINE) / FINE
        bow_lsb, wave_lsb = float(self._rng.normal(0, 1.0)), float(self._rng.normal(0, 0.5))
        phase = float(self._rng.uniform(0, 2 * np.pi))
        codes = ideal + LOW_END_LSB + self.offset_lsb
        codes += bow_lsb * np.sin(np.pi * ideal / CODES)
        codes += wave_lsb * np.sin(6 * np.pi * ideal / CODES + phase)
        codes += np.interp(ideal, LIFT[:2], (0.0, LIFT[2]))
        for spike, mean_width in SPIKES:
            width = mean_width * float(self._rng.uniform(0.9, 1.1))
            codes = np.where(codes < spike, codes, np.maximum(spike - 1e-6, codes - width))
        return np.clip(np.floor(codes), 0, CODES - 1).astype(np.uint16)

    def convert(self, volts: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the codes of these voltages; values outside 0..reference are clipped."""
        lsb = volts * (CODES / self.reference_v)
        lsb += self._rng.standard_normal(lsb.shape, dtype=np.float32) * NOISE_LSB
        fine = np.clip(lsb * FINE, 0, SATURATED * FINE - 1).astype(np.intp)
        return self._table[fine]
