"""Small packages of a few bytes, signed by keys of the tests."""

import hashlib

from wire import package

from tools.board.release_key import TechnicianKey

KEY = TechnicianKey(bytes(range(1, 33)))
STRANGER = TechnicianKey(bytes(range(2, 34)))
FILES = {"node/program.mpy": bytes(range(256)) * 48, "wire/units.mpy": b"units"}


def manifest_of(files, number=7, arch="armv6m", mpy="6.3"):
    content = b"".join(files.values())
    lines = [
        f"number {number}",
        f"version 0.{number}.0",
        f"arch {arch}",
        f"mpy {mpy}",
        f"size {len(content)}",
        f"sha256 {hashlib.sha256(content).hexdigest()}",
        "files",
    ]
    offset = 0
    for name, each in files.items():
        lines.append(f"{name} {offset} {len(each)}")
        offset += len(each)
    return ("\n".join(lines) + "\n").encode()


def made(files=FILES, key=KEY, **fields):
    """Return a package, also one that no tool would make."""
    manifest = manifest_of(files, **fields)
    head = package.MAGIC + len(manifest).to_bytes(2, "big")
    signature = key.sign(package.signed_digest(manifest))
    return head + manifest + signature + b"".join(files.values())
