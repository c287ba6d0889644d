"""Runs under MicroPython: where files lie on a littlefs in memory, told as lines of JSON."""

# mypy: ignore-errors
# For MicroPython, whose modules have more in them.

import json
import os
import sys

import uctypes
import vfs
from node.compiled import Module
from node.whereabouts import Flash

BLOCK_BYTES, BLOCKS = 4096, 128


class Ram(bytearray):
    """A block device that can be read as memory, as rp2.Flash."""

    def readblocks(self, number, buffer, offset=0):
        start = number * BLOCK_BYTES + offset
        buffer[:] = memoryview(self)[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=None):
        start = number * BLOCK_BYTES + (offset or 0)
        memoryview(self)[start : start + len(buffer)] = buffer

    def ioctl(self, request, argument):
        return {4: BLOCKS, 5: BLOCK_BYTES}.get(request, 0)


def content_of(seed, size):
    content = bytearray(size)
    for place in range(size):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        content[place] = seed >> 16 & 0xFF
    return bytes(content)


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)


def is_found(name, content):
    """Tell how many bytes of the file were found, -1 if any is not the file's."""
    found = 0
    for start, address, size in flash.pieces(name):
        if bytes(uctypes.bytearray_at(address, size)) != content[start : start + size]:
            return -1
        found += size
    return found


def sizes_of(function):
    return [function[1], [sizes_of(each) for each in function[2]]]


ram = Ram(BLOCKS * BLOCK_BYTES)
vfs.VfsLfs2.mkfs(ram, progsize=256)
vfs.mount(vfs.VfsLfs2(ram, progsize=256), "/ram")
os.chdir("/ram")
case = json.loads(sys.stdin.read())
files = {"f%d" % size: content_of(size, size) for size in case["sizes"]}
for name, content in files.items():
    write(name, content)
flash = Flash(ram)
print(json.dumps([is_found(name, content) for name, content in sorted(files.items())]))

# The same again leaves blocks with the same bytes that are nobody's; what is found must not be
# theirs, so it stays when all that is free is written.
for name, content in files.items():
    write(name, content)
flash = Flash(ram)
pieces = {name: flash.pieces(name) for name in files}
try:
    write("rest", bytes(BLOCKS * BLOCK_BYTES))
except OSError:
    pass
print(
    json.dumps(
        all(
            bytes(uctypes.bytearray_at(address, size)) == files[name][start : start + size]
            for name, found in pieces.items()
            for start, address, size in found
        )
    )
)

try:
    flash.writeblocks(0, b"")
    print(json.dumps(False))
except OSError:
    print(json.dumps(True))
os.remove("rest")
write("module.mpy", bytes(case["module"]))
flash = Flash(ram)
print(json.dumps(sizes_of(Module(flash.pieces("module.mpy")).function())))
