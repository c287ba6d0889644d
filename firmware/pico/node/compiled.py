"""A compiled module (.mpy, version 6) in flash in, where the bytecode of its functions stands out.

The format is that of MicroPython's py/persistentcode.c.
"""

import uctypes

_VERSION = b"M\x06"
_HAS_ARCH_FLAGS = 0x40
_LAST_SINGLE = 4  # kinds of constants up to this are that byte alone
_STR, _BYTES, _TUPLE = 5, 6, 10
_BYTECODE, _HAS_CHILDREN = 0, 4  # bits of a function's head


class Module:
    """Reads one .mpy."""

    def __init__(self, pieces, start=0):
        """`pieces`: as Flash.pieces. `start`: of the module in that file.

        Raises ValueError when it is no .mpy of this version or not all of it was found.
        """
        self._pieces = iter(pieces)
        self._from = self._to = 0  # what of the file is at hand
        self._place = start
        if self._bytes(2) != _VERSION:
            raise ValueError("not compiled")
        flags = self._bytes(2)[0]
        if flags & _HAS_ARCH_FLAGS:
            self._number()
        names, constants = self._number(), self._number()
        for _ in range(names):
            size = self._number()
            if not size & 1:  # else one that every interpreter has
                self._place += (size >> 1) + 1
        for _ in range(constants):
            self._pass_constant()

    def _byte(self):
        while self._place >= self._to:
            try:
                self._from, self._address, size = next(self._pieces)
            except StopIteration:
                raise ValueError("not whole")
            self._to = self._from + size
            self._memory = uctypes.bytearray_at(self._address, size)
        if self._place < self._from:
            raise ValueError("not whole")
        self._place += 1
        return self._memory[self._place - 1 - self._from]

    def _bytes(self, count):
        return bytes([self._byte() for _ in range(count)])

    def _number(self):
        found = 0
        while True:
            byte = self._byte()
            found = found << 7 | byte & 0x7F
            if not byte & 0x80:
                return found

    def _pass_constant(self):
        kind = self._byte()
        if kind <= _LAST_SINGLE:
            return
        size = self._number()
        if kind == _TUPLE:
            for _ in range(size):
                self._pass_constant()
        else:
            self._place += size + (1 if kind in (_STR, _BYTES) else 0)

    def function(self):
        """Return the module's own: (address of its bytecode, bytes, those of functions within).

        The address is 0 where the bytecode is in two pieces. Raises ValueError for machine code.
        """
        head = self._number()
        size = head >> 3
        if head & 3 != _BYTECODE:
            raise ValueError("machine code")
        self._byte()  # so that its piece is at hand
        self._place -= 1
        address = 0
        if self._place + size <= self._to:
            address = self._address + self._place - self._from
        self._place += size
        within = ()
        if head & _HAS_CHILDREN:
            within = [self.function() for _ in range(self._number())]
        return address, size, within
