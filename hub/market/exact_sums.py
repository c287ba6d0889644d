"""Columns of integers enter, sums that do not fit into 64 bits leave as Python integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LIMB_BITS = 21
LIMBS = 3  # 63 bits
CHUNK = 2**20  # 2^20 products of two limbs stay below 2^62


def sum_of_products(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Return the exact sum of `left * right`, two columns of non-negative int64."""
    return sum(
        _chunk(left[start : start + CHUNK], right[start : start + CHUNK])
        for start in range(0, len(left), CHUNK)
    )


def _chunk(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    left_limbs, right_limbs = _limbs(left), _limbs(right)
    return sum(
        int(np.dot(one, other)) << LIMB_BITS * (i + j)
        for i, one in enumerate(left_limbs)
        for j, other in enumerate(right_limbs)
    )


def _limbs(values: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the 21-bit digits of a column, lowest first, without leading zero columns."""
    most = int(values.max(initial=0))
    count = max(1, -(-most.bit_length() // LIMB_BITS))
    mask = (1 << LIMB_BITS) - 1
    return [(values >> LIMB_BITS * digit) & mask for digit in range(min(count, LIMBS))]
