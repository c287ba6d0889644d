"""Numbers modulo P, the prime of secp256k1, in arrays of 16 limbs ("H"), the lowest first.

`field_viper` holds the same functions compiled. All numbers are below P, before and after.
"""

from array import array

P = (1 << 256) - (1 << 32) - 977


def product(wide, a, b):
    """Let `wide`, an array of 32 limbs, be the whole of a * b."""
    wide[:] = array("H", (_number(a) * _number(b)).to_bytes(64, "little"))


def fold(out, wide):
    """Let `out` be what the product in `wide` is modulo P. Of `wide` nothing is left."""
    _put(out, _number(wide) % P)


def add(out, a, b):
    """Let `out` be a + b; it may be either, or both."""
    _put(out, (_number(a) + _number(b)) % P)


def subtract(out, a, b):
    """Let `out` be a - b; it may be `a`, or another."""
    _put(out, (_number(a) - _number(b)) % P)


def _number(limbs):
    return int.from_bytes(bytes(limbs), "little")


def _put(out, number):
    out[:] = array("H", number.to_bytes(32, "little"))
