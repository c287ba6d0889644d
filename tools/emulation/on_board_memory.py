"""Runs on the board (from its prompt): starts a node step by step; prints what stays free."""

# mypy: ignore-errors
# For MicroPython, whose modules have more in them.

import gc
import json
import sys

import micropython

gc.threshold(32_768)  # as launcher.py
free = []


def note(step):
    """Note what is free after a collection, and the largest piece of it."""
    gc.collect()
    # Counted before a search for the largest piece takes and leaves some.
    free_bytes, smallest, largest = gc.mem_free(), 0, gc.mem_free()
    while largest - smallest > 256:
        middle = (smallest + largest) // 2
        try:
            bytearray(middle)
            smallest = middle
        except MemoryError:
            largest = middle
    gc.collect()
    free.append((step, free_bytes, smallest))


note("nothing")
from launcher import Boots  # noqa: E402
from node import program  # noqa: E402

note("launcher and node.program")
wanted = program.checked_settings()
note("settings")
from node.app import Node  # noqa: E402

note("modules")
boots = Boots()
program.run_from_flash(boots)
note("run from flash")
node = Node(wanted, program.Hardware, boots, program.Hardware.machine.WDT(timeout=8_000))
note("node built")
modules = sum(name.split(".")[0] in ("launcher", "node", "wire") for name in sys.modules)
print()
micropython.qstr_info()
print(json.dumps({"modules": modules, "free": free}))
