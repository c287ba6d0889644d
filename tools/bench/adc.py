"""The RP2040's converter: voltages at its pins become 12-bit codes with its noise and spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CODES = 4096
REFERENCE_V = 3.3
NOISE_LSB = 0.97
"""RMS noise with the supply in PFM, its default."""
SPIKES = ((512, 10), (1536, 9), (2560, 9), (3584, 8))
"""Codes below which erratum E11 makes one code wide, and by how many LSB on average."""
FINE = 8
"""Table entries per LSB of the ideal transfer."""


class Converter:
    """One board's converter: reference sag, offset, integral non-linearity and E11 spikes, drawn.

    The code just below each spike is about nine codes wide, so the codes read high below mid-scale
    and low above it: the average of published corrections (15 LSB at either end).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.reference_v = REFERENCE_V * (1 - float(np.clip(rng.normal(0.009, 0.002), 0, 0.015)))
        self.offset_lsb = float(rng.normal(0, 2.0))
        self._table = self._transfer()

    def _transfer(self) -> NDArray[np.uint16]:
        """Return the code of every ideal input, in steps of 1/FINE LSB."""
        ideal = np.arange(CODES * FINE) / FINE
        widths = [width * float(self._rng.uniform(0.85, 1.0)) for _, width in SPIKES]
        shift = sum(widths) / 2
        codes = np.full(ideal.shape, shift) + ideal
        for (spike, _), width in zip(SPIKES, widths, strict=True):
            codes = np.where(codes < spike, codes, np.maximum(spike - 1e-6, codes - width))
        bow_lsb = float(self._rng.normal(0, 1.0))
        wave_lsb = float(self._rng.normal(0, 0.5))
        phase = float(self._rng.uniform(0, 2 * np.pi))
        codes += bow_lsb * np.sin(np.pi * ideal / CODES)
        codes += wave_lsb * np.sin(6 * np.pi * ideal / CODES + phase)
        return np.clip(np.floor(codes + self.offset_lsb), 0, CODES - 1).astype(np.uint16)

    def convert(self, volts: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the codes of these voltages; values outside 0..reference are clipped."""
        lsb = volts * (CODES / self.reference_v)
        lsb += self._rng.standard_normal(lsb.shape, dtype=np.float32) * NOISE_LSB
        fine = np.clip(lsb * FINE, 0, CODES * FINE - 1).astype(np.intp)
        return self._table[fine]
