"""Add, subtract and multiply what stands in stdin, for both interpreters.

In: lines of a and b, hex. Out: lines of a + b, a - b, a * b, a * a, the last put where a stood.
"""

import sys
from array import array

from node import field


def limbs(text):
    """Return the limbs of a number."""
    return array("H", int(text, 16).to_bytes(32, "little"))


def text_of(number):
    """Return a number in hex."""
    return "%x" % int.from_bytes(bytes(number), "little")


def answer(case):
    """Return what the board makes of one pair."""
    a, b = limbs(case[0]), limbs(case[1])
    out, wide = limbs("0"), array("H", bytes(64))
    found = []
    field.add(out, a, b)
    found.append(text_of(out))
    field.subtract(out, a, b)
    found.append(text_of(out))
    field.multiply(out, a, b, wide)
    found.append(text_of(out))
    field.multiply(a, a, a, wide)
    found.append(text_of(a))
    return found


if __name__ == "__main__":
    for line in sys.stdin:
        print(" ".join(answer(line.split())))
