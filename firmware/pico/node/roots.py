"""Integers of any size in, whole square roots out: a board's floats have 24 bits only."""


def square_root(number):
    """Return the whole part of the square root of an integer >= 0, of any size."""
    if number < 2:
        return number
    bits = 0
    rest = number
    while rest:
        rest >>= 8
        bits += 8
    guess = 1 << ((bits + 1) // 2)
    while True:
        better = (guess + number // guess) >> 1
        if better >= guess:
            return guess
        guess = better
