"""A number in, its multiple of secp256k1's G out, in small steps that leave no garbage.

As curve.py, but on limbs (field.py): a board's big integers leave 8 kB in each step, and what has
to be collected takes longer than the sums. The point is a Jacobian one: x = X / Z^2, y = Y / Z^3.
"""

from array import array

from node import curve, field
from node.curve import N, P

COLUMNS = 64  # four teeth, that far apart
_COLUMNS_A_STEP = 2
_SQUARINGS_A_STEP = 32


def _limbs(number=0):
    return array("H", number.to_bytes(32, "little"))


def _number(limbs):
    return int.from_bytes(bytes(limbs), "little")


class Point:
    """A point that is doubled and added to in place."""

    def __init__(self, x, y):
        """`x`, `y`: of a point other than infinity."""
        self.x, self.y, self.z = _limbs(x), _limbs(y), _limbs(1)
        self._spare = [_limbs() for _ in range(5)]
        self._wide = array("H", bytes(64))

    def double(self):
        """Become twice as much. Formula dbl-2009-l of the Explicit-Formulas Database."""
        x, y, z, wide = self.x, self.y, self.z, self._wide
        a, b, c, d, e = self._spare
        multiply, add, subtract = field.multiply, field.add, field.subtract
        multiply(a, x, x, wide)
        multiply(b, y, y, wide)
        multiply(c, b, b, wide)
        add(d, x, b)
        multiply(d, d, d, wide)
        subtract(d, d, a)
        subtract(d, d, c)
        add(d, d, d)
        add(e, a, a)
        add(e, e, a)
        multiply(z, y, z, wide)
        add(z, z, z)
        multiply(x, e, e, wide)
        subtract(x, x, d)
        subtract(x, x, d)
        subtract(d, d, x)
        multiply(y, e, d, wide)
        for _ in range(3):
            add(c, c, c)
        subtract(y, y, c)

    def add(self, other):
        """Become the sum with another point (x, y), in bytes. Formula madd, 8 M + 3 S.

        The branch is for sums that no secret number leads to but by a chance of 2^-250.
        """
        x, y, z, wide = self.x, self.y, self.z, self._wide
        zz, h, r, hhh, v = self._spare
        multiply, subtract = field.multiply, field.subtract
        multiply(zz, z, z, wide)
        multiply(h, other[0], zz, wide)
        subtract(h, h, x)
        multiply(r, other[1], zz, wide)
        multiply(r, r, z, wide)
        subtract(r, r, y)
        if not any(h):
            self._add_alike(other)
            return
        multiply(z, z, h, wide)
        multiply(zz, h, h, wide)
        multiply(hhh, h, zz, wide)
        multiply(v, x, zz, wide)
        multiply(x, r, r, wide)
        subtract(x, x, hhh)
        subtract(x, x, v)
        subtract(x, x, v)
        subtract(v, v, x)
        multiply(v, r, v, wide)
        multiply(y, y, hhh, wide)
        subtract(y, v, y)

    def _add_alike(self, other):
        """Add a point of the same x: itself or its opposite."""
        point = curve.add(self.numbers(), [int.from_bytes(each, "little") for each in other])
        self.x, self.y, self.z = (_limbs(number) for number in point)

    def numbers(self):
        """Return (X, Y, Z)."""
        return _number(self.x), _number(self.y), _number(self.z)


def inverse_steps(number):
    """Return 1 / number modulo P, by Fermat: the same work for every number."""
    multiply, wide = field.multiply, array("H", bytes(64))
    powers = [_limbs(1)]
    for _ in range(15):
        powers.append(_limbs())
        multiply(powers[-1], powers[-2], number, wide)
    yield
    exponent = P - 2
    found = _limbs(1)
    for shift in range(252, -4, -4):
        for _ in range(4):
            multiply(found, found, found, wide)
        multiply(found, found, powers[(exponent >> shift) & 15], wide)
        if shift % _SQUARINGS_A_STEP == 0:
            yield
    return found


def multiply_generator_steps(number):
    """Return `number` G as (x, y), 0 < number < N: 63 doublings and 63 additions whatever it is.

    An odd number below 2^256 is a sum of all powers of two up to 2^255, each taken once, added or
    subtracted: no digit is zero, so every column costs the same. Of an even number N - number is
    odd, and its multiple the opposite point.
    """
    is_even = 1 - (number & 1)
    odd = (number, N - number)[is_even]
    signs = (odd + (1 << 256) - 1) >> 1  # bit i is 1 where 2^i is added
    point = Point(*_column(signs, COLUMNS - 1))
    for place in range(COLUMNS - 2, -1, -1):
        point.double()
        point.add([each.to_bytes(32, "little") for each in _column(signs, place)])
        if place % _COLUMNS_A_STEP == 0:
            yield
    inverse = yield from inverse_steps(point.z)
    square, wide = _limbs(), array("H", bytes(64))
    field.multiply(square, inverse, inverse, wide)
    field.multiply(point.x, point.x, square, wide)
    field.multiply(point.y, point.y, square, wide)
    field.multiply(point.y, point.y, inverse, wide)
    x, y, _ = point.numbers()
    return x, (y, P - y)[is_even]


def _column(signs, place):
    """Return the sum of a column's four teeth, (x, y)."""
    teeth = signs >> place
    is_positive = (teeth >> 192) & 1
    entry = (teeth >> 128 & 1) << 2 | (teeth >> 64 & 1) << 1 | (teeth & 1)
    # Where the highest is subtracted, the opposite of the column with all signs turned.
    x, y = curve.COMB[entry ^ (7, 0)[is_positive]]
    return x, (P - y, y)[is_positive]
