"""The functions of `plain_field`, compiled to machine code by MicroPython's viper emitter.

Importing this fails where there is no emitter; `field` then takes the plain ones. A number is 16
limbs of 16 bits, the lowest first: the product of two with two more added just fits into 32 bits,
whose upper half is taken without its sign. 2^256 is 2^32 + 977 modulo P: so the upper limbs of a
product are folded onto the lower ones. No branch depends on a number.
"""

import micropython


@micropython.viper
def product(wide: ptr16, a: ptr16, b: ptr16):  # noqa: F821
    """See plain_field.product."""
    i = 0
    while i < 16:
        wide[i] = 0
        i += 1
    i = 0
    while i < 16:
        by = int(a[i])
        carry = 0
        place = i
        j = 0
        while j < 16:
            carry += by * int(b[j]) + int(wide[place])
            wide[place] = carry
            carry = (carry >> 16) & 0xFFFF
            place += 1
            j += 1
        wide[place] = carry
        i += 1


@micropython.viper
def fold(out: ptr16, wide: ptr16):  # noqa: F821
    """See plain_field.fold."""
    # The upper half, times 977 and two limbs higher.
    carry = 0
    i = 0
    while i < 16:
        carry += int(wide[i]) + int(wide[i + 16]) * 977
        if i > 1:
            carry += int(wide[i + 14])
        wide[i] = carry
        carry = carry >> 16
        i += 1
    carry += int(wide[30])
    low = carry & 0xFFFF
    high = int(wide[31]) + (carry >> 16)
    # What is beyond 256 bits now, 33 bits at most, once more; and the one bit that may then be.
    rounds = 0
    while rounds < 2:
        carry = low * 977 + int(wide[0])
        wide[0] = carry
        carry = (carry >> 16) + high * 977 + int(wide[1])
        wide[1] = carry
        carry = (carry >> 16) + low + int(wide[2])
        wide[2] = carry
        carry = (carry >> 16) + high + int(wide[3])
        wide[3] = carry
        carry = carry >> 16
        i = 4
        while i < 16:
            carry += int(wide[i])
            wide[i] = carry
            carry = carry >> 16
            i += 1
        low = carry
        high = 0
        rounds += 1
    # Less P where it is not below P: then 2^32 + 977 more is beyond 256 bits.
    carry = 977
    i = 0
    while i < 16:
        carry += int(wide[i])
        if i == 2:
            carry += 1
        carry = carry >> 16
        i += 1
    more = carry
    carry = more * 977
    i = 0
    while i < 16:
        carry += int(wide[i])
        if i == 2:
            carry += more
        out[i] = carry
        carry = carry >> 16
        i += 1


@micropython.viper
def add(out: ptr16, a: ptr16, b: ptr16):  # noqa: F821
    """See plain_field.add."""
    carry = 0
    beyond = 977
    i = 0
    while i < 16:
        carry += int(a[i]) + int(b[i])
        out[i] = carry
        beyond += carry & 0xFFFF
        if i == 2:
            beyond += 1
        carry = carry >> 16
        beyond = beyond >> 16
        i += 1
    more = carry | beyond
    carry = more * 977
    i = 0
    while i < 16:
        carry += int(out[i])
        if i == 2:
            carry += more
        out[i] = carry
        carry = carry >> 16
        i += 1


@micropython.viper
def subtract(out: ptr16, a: ptr16, b: ptr16):  # noqa: F821
    """See plain_field.subtract."""
    borrow = 0
    i = 0
    while i < 16:
        left = int(a[i]) - int(b[i]) - borrow
        out[i] = left
        borrow = (left >> 16) & 1
        i += 1
    less = borrow
    borrow = less * 977
    i = 0
    while i < 16:
        left = int(out[i]) - borrow
        if i == 2:
            left -= less
        out[i] = left
        borrow = (left >> 16) & 1
        i += 1
