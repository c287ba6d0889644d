"""Modules that were imported in; their functions run from flash, and their memory is free again.

MicroPython copies the bytecode of a module into memory when it is imported: 35 kB of this firmware.
The same bytes stand in flash, which this chip reads like memory, and a function runs from wherever
its bytecode is, as those built into MicroPython do. So each function is pointed to the bytes in
its file, after both were compared. Where anything is not as expected nothing is changed.

The bytes in flash stay where they are as long as nobody writes the file: an update is written to a
file that nothing runs from, and a technician's tool stops the node before it writes.
"""

import gc
import sys

import uctypes

from node.compiled import Module
from node.whereabouts import Flash

# Where the heap can be. Behind its end is the stack, so what is read past it is memory still.
_MEMORY = 0x20000000
_MEMORY_END = 0x20040000 if "RP2040" in getattr(sys.implementation, "_machine", "") else 0x20080000
# Of MicroPython's py/objfun.h and py/emitglue.h: where a function and a function not yet made have
# their bytecode, and the table of the functions within.
_OF_FUNCTION, _TABLE_OF_FUNCTION = 12, 8
_OF_CODE, _TABLE_OF_CODE = 4, 8


def _generator():
    yield


_KINDS = (type(_generator), type(lambda: None))


def parts_of(modules, but):
    """Return the parts of a node's modules, {name: module}, all `but` the one of this name."""
    parts = [
        (module.__file__, module.__dict__)
        for name, module in modules.items()
        if name.startswith(("node.", "wire.")) and name != but
    ]
    # The cable's, beside those of a package. An older launcher does not tell what of it is running.
    launcher, mounted = modules.get("launcher"), modules.get("mounted")
    if hasattr(launcher, "RUNNING"):
        names = {name: value for name, value in launcher.__dict__.items()
                 if name not in launcher.RUNNING}  # fmt: skip
        parts.append((launcher.__file__, names))
        parts += launcher.TAKEN_IN
        if mounted:
            parts.append((mounted.__file__, mounted.__dict__))
    return parts


def run_from_flash(parts, device, mem32, locate, feed=lambda: None):
    """Point functions to flash; return how many bytes of memory that freed.

    `parts`: [(a module's file, {name: what it holds})]; none of these functions is running.
    `device`: rp2.Flash(). `locate(path)`: (file, start) that a module's file is in. `feed()`:
    called within each second or two, for a watchdog that runs already.
    """
    mover = _Mover(mem32)
    flash = Flash(device)
    pieces = {}
    for path, names in parts:
        feed()
        path, start = locate(path)
        if path not in pieces:
            pieces = {path: flash.pieces(path)}  # of one file at a time: they take memory
        try:
            mover.take(Module(pieces[path], start).function(), names)
        except ValueError:
            pass  # not compiled, or a file too small to have blocks of its own
        gc.collect()
    return mover.freed_bytes


class _Mover:
    def __init__(self, mem32):
        self._mem32 = mem32
        self.freed_bytes = 0

    def take(self, main, names):
        """Point the functions of a module to flash. `main`: as compiled.Module.function."""
        self._by_start = {}  # how bytecode begins: those that begin so
        self._note(main[2])
        self._look_at(names)

    def _note(self, functions):
        for function in functions:
            address, _, within = function
            if address:
                start = _start(address)
                self._by_start[start] = (function, self._by_start.get(start))
            self._note(within)

    def _look_at(self, names):
        for value in names.values():
            kind = type(value)
            if kind in _KINDS:
                self._move(id(value) + _OF_FUNCTION, id(value) + _TABLE_OF_FUNCTION)
            elif kind is type and hasattr(value, "__dict__"):
                self._look_at(value.__dict__)

    def _move(self, where, table):
        code = self._mem32[where]
        if not _is_memory(code):
            return
        alike = self._by_start.get(_start(code))
        while alike:
            function, alike = alike
            if self._point(where, function):
                self._move_within(self._mem32[table], function[2])
                return

    def _move_within(self, table, functions):
        """Functions within a function: made anew from this whenever the outer one runs."""
        if not _is_memory(table):
            return
        for place, function in enumerate(functions):
            code = self._mem32[table + 4 * place]
            if _is_memory(code) and function[0] and self._point(code + _OF_CODE, function):
                self._move_within(self._mem32[code + _TABLE_OF_CODE], function[2])

    def _point(self, where, function):
        """Let the word at `where` point to `function`, if that is what it points to a copy of."""
        address, size, _ = function
        code = self._mem32[where]
        if not _is_memory(code):
            return False
        if uctypes.bytearray_at(code, size) != uctypes.bytearray_at(address, size):
            return False
        self._mem32[where] = address
        self.freed_bytes += (size + 15) // 16 * 16
        return True


def _start(address):
    """Return the first bytes there as a small integer."""
    found = uctypes.bytearray_at(address, 4)
    return (found[0] | found[1] << 8 | found[2] << 16 | found[3] << 24) & 0x3FFFFFFF


def _is_memory(address):
    return _MEMORY <= address < _MEMORY_END
