"""Integers of any size in, whole square roots out: a board's floats have 24 bits only."""

import math

_FLOAT_BITS = 120  # a board's floats end at 2^128


def square_root(number):
    """Return the whole part of the square root of an integer >= 0, of any size.

    Newton's method; from a float's root on two steps do, and each step leaves garbage.
    """
    if number < 2:
        return number
    guess = _rough(number)
    # From anywhere this is no less than the root; from there on it falls.
    guess = (guess + number // guess) >> 1
    while True:
        better = (guess + number // guess) >> 1
        if better >= guess:
            return guess
        guess = better


def _rough(number):
    """Return a root to begin from, at least 1."""
    halvings = 0
    while number >> _FLOAT_BITS:
        number >>= _FLOAT_BITS
        halvings += _FLOAT_BITS // 2
    return max(1, int(math.sqrt(number))) << halvings
