"""Points of secp256k1 (SEC 2, section 2.4.1): numbers in, multiples of points out, in small steps.

Functions named `..._steps` are generators: they yield every few ms and return their result at the
end, so that whoever runs them lets others run in between. A point is (x, y), or (X, Y, Z) with
x = X / Z^2 and y = Y / Z^3; Z = 0 is the point at infinity.
"""

P = (1 << 256) - (1 << 32) - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
B = 7  # y^2 = x^3 + B
INFINITY = (1, 1, 0)

# (2^192 + a 2^128 + b 2^64 + c) G with a, b and c each 1 or -1: entry 4 A + 2 B + C, where capitals
# are 1 for 1 and 0 for -1. tests/host/node/test_secp256k1.py makes it anew.
COMB = (
    (
        0xB931DB0743A8E7F459F970261BCEE15725ED1A5153E371C216AF358A957F664E,
        0x2DF5DF83332F42B4C36FAB363DAED493F282DCC249F648C8CD9B179631D6E0AB,
    ),
    (
        0x258A2D079AB5DDF1C44D21AFF2F5FC1541CF1BA5EDE221D03782CB88CDF1AB56,
        0x9DE60DE6373AEF09C7328C66F2B69233A56C124827D4925A6029088216AD88CA,
    ),
    (
        0x82BEB48EFEA0416F44D93E02D6FF6319D02444A40ABF0C7C517C920AED47A00E,
        0x46F52DC11BDA4001D3D6EE03650C31113FDAA641E436CCF14042823E941224B7,
    ),
    (
        0xD094D65B05CA76C200FB32642D7609DF71C1113EC4998D946BE2DB15EB0920AA,
        0x68E72512DA4BB363B9CDED48FB32D69625709DD35544B39E4B4C8B0624C99ADC,
    ),
    (
        0xF438290E5F1ACD573A30EBB3A82C7C3E7C9340E01C8DC7199A5D634476DBE0B1,
        0x39325EE391164C12836681D4416363D227D080457723F03D681DD2AE51559F08,
    ),
    (
        0x34ADBD2F21430545E722C7C5DEC6F76AA60B1881FA8F8B941F60A1EB3087DD92,
        0xEBB73F71A83F18307DE6EB589D3A700179CC980E143BDAE185C825DD80146EBB,
    ),
    (
        0x6D2899563E61D225EF5ADD622A5E6345C96B6E8B5EB5F5D907A7F167EF65A40C,
        0xD8696BD0FF608E24C02048EA44F971271F2F1814B7BA09A43A2CF2E71797F3BD,
    ),
    (
        0x52DE253AFBB83870B6FFFFFCDDEB356B0262B204EA0DDA768808CA5FBEB8B1E2,
        0x3A270D6FD36FB8DB0FF834D738E421EA89686278002F03ED961F40C08F8D21EA,
    ),
)
_SQUARINGS_A_STEP = 16


def inverse_steps(number, modulus):
    """Return 1 / number modulo a prime (0 for 0), by Fermat: the same work for every number."""
    powers = [1]
    for place in range(15):
        powers.append(powers[-1] * number % modulus)
        if place % _SQUARINGS_A_STEP == _SQUARINGS_A_STEP - 1:
            yield
    yield
    exponent = modulus - 2
    found = 1
    for shift in range(252, -4, -4):
        # Four squarings, whatever the number is, that leave no garbage.
        found = pow(found, 16, modulus)
        found = found * powers[(exponent >> shift) & 15] % modulus
        if shift % _SQUARINGS_A_STEP == 0:
            yield
    return found


def affine_steps(point):
    """Return (x, y) of a point that is not infinity."""
    inverse = yield from inverse_steps(point[2], P)
    square = inverse * inverse % P
    return point[0] * square % P, point[1] * square * inverse % P


def double(point):
    """Return twice a point. Formula dbl-2009-l of the Explicit-Formulas Database."""
    x, y, z = point
    a = x * x % P
    b = y * y % P
    c = b * b % P
    d = 2 * ((x + b) * (x + b) - a - c) % P
    e = 3 * a
    x3 = (e * e - 2 * d) % P
    return x3, (e * (d - x3) - 8 * c) % P, 2 * y * z % P


def add(point, other):
    """Return the sum of a point (X, Y, Z) and another (x, y). Formula madd, 8 M + 3 S.

    The branches are for sums that no secret number leads to but by a chance of 2^-250.
    """
    x, y, z = point
    if not z:
        return other[0], other[1], 1
    zz = z * z % P
    h = (other[0] * zz - x) % P
    r = (other[1] * zz * z - y) % P
    if not h:
        return INFINITY if r else double(point)
    hh = h * h % P
    hhh = h * hh % P
    v = x * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y * hhh) % P, z * h % P


def combine_steps(of_generator, of_other, other):
    """Return of_generator G + of_other * other, (X, Y, Z): of numbers that are no secret."""
    if other[0] == G[0]:
        both = double(G + (1,)) if other[1] == G[1] else INFINITY
    else:
        both = add(G + (1,), other)
    yield
    if both[2]:
        both = yield from affine_steps(both)
    point = INFINITY
    for place in range(255, -1, -1):
        point = double(point)
        yield
        bits = (of_generator >> place & 1) | (of_other >> place & 1) << 1
        if bits == 3 and len(both) == 3:
            pass  # G and its opposite
        elif bits:
            point = add(point, (G, other, both)[bits - 1])
        yield
    return point


def is_on_curve(x, y):
    """Tell whether (x, y) is a point of the curve."""
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - B) % P == 0
