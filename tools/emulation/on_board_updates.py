"""Runs on an emulated board as its main.py: takes, tries and confirms one package after another."""

# mypy: ignore-errors
# For MicroPython, in whose untyped modules it is at home.

import asyncio
import binascii
import hashlib

from launcher import Boots
from node.staging import Staging
from wire import package

CONTENT_BYTES = 12_000
CHUNK_BYTES = 576
MANIFEST = (
    "number %d\nversion 0.1.%d\narch none\nmpy 6.3\nsize %d\nsha256 %s\nfiles\n"
    "node/program.mpy 0 %d\n"
)


class Turns:
    """Every piece of work at once."""

    async def take(self):
        """Wait for nothing."""


def made(number):
    """Return (manifest, package) of a release; nobody has signed it."""
    content = bytes([number & 0xFF]) * CONTENT_BYTES
    digest = str(binascii.hexlify(hashlib.sha256(content).digest()), "utf-8")
    size = len(content)
    manifest = (MANIFEST % (number, number, size, digest, size)).encode()
    head = package.MAGIC + bytes((len(manifest) >> 8, len(manifest) & 0xFF))
    return manifest, head + manifest + bytes(package.SIGNATURE_BYTES) + content


def update(boots):
    """Take the next release, going on with what is there of it, and put it on trial."""
    number, slot = boots.highest + 1, boots.free_slot()
    manifest, whole = made(number)
    transfer = Staging(boots.path_of(slot), package.package_id(manifest), len(whole))
    while not transfer.is_whole():
        transfer.append(whole[transfer.received : transfer.received + CHUNK_BYTES])
    asyncio.run(transfer.check_content(package.parse_manifest(manifest), Turns()))
    transfer.close()
    boots.begin_trial(slot, number)


def main():
    """Update until the power fails."""
    while True:
        boots = Boots()
        boots.next_slot()
        if boots.trial:
            boots.confirm()
        update(boots)


if __name__ == "__main__":
    main()
