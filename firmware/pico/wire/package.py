"""Firmware packages: the bytes of one file in, a checked manifest out; boards, hub and tools agree.

A package is MAGIC, the manifest's length in two bytes, the manifest, its signature, the content.
The manifest is lines of ASCII, in this order:

    number 7                        grows with every release
    version 0.2.0
    arch armv6m                     of its native code, or "none"
    mpy 6.3                         format and native sub-version of its .mpy files
    size 63000                      of the content
    sha256 <64 hexadecimal digits>  of the content
    files
    node/app.mpy 0 4321             name, offset in the content, size; in the order of the content

The signature (64 bytes, EIP-2098) is the technician's, over `signed_digest`.
"""

import binascii
import hashlib

from wire import units

MAGIC = b"TRQF1\n"
HEAD_BYTES = len(MAGIC) + 2
SIGNATURE_BYTES = 64
MAX_MANIFEST_BYTES = 8192
MAX_CONTENT_BYTES = 262_144
MAX_NAME = 64
ENTRY = "node/program"
"""The module that every package must bring: the launcher calls its `main`."""
ARCHES = ("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
"""As MicroPython numbers them in `sys.implementation._mpy`; rp2040 is armv6m, rp2350 armv7emsp."""

_DOMAIN = b"trueque/1/firmware\x00"
_ROOTS = ("node", "wire")
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_TEXT_CHARACTERS = _NAME_CHARACTERS + "-.+"
_FIELDS = ("number", "version", "arch", "mpy", "size", "sha256")
_ID_DIGITS = 32
_LINES_A_STEP = 3


class PackageError(Exception):
    """Not a package to be trusted; the argument is the reason to report."""


class Manifest:
    """What a manifest says, checked."""

    def __init__(self, fields, file_count):
        self.number = _whole(fields["number"], units.MAX_U32)
        self.version = fields["version"]
        self.arch = fields["arch"]
        format_, _, native = fields["mpy"].partition(".")
        self.mpy = (_whole(format_, 255), _whole(native, 3))
        self.size = _whole(fields["size"], units.MAX_SEQ)
        self.sha256 = fields["sha256"]
        self.file_count = file_count


def manifest_bytes(head):
    """Return the manifest's length told by the first HEAD_BYTES. Raises PackageError."""
    if len(head) != HEAD_BYTES or bytes(head[: len(MAGIC)]) != MAGIC:
        raise PackageError("bad_package")
    size = head[-2] << 8 | head[-1]
    if not 0 < size <= MAX_MANIFEST_BYTES:
        raise PackageError("bad_package")
    return size


def content_start(manifest_size):
    """Return where the content begins in a package."""
    return HEAD_BYTES + manifest_size + SIGNATURE_BYTES


def signed_digest(manifest):
    """Return the 32 bytes a technician signs for a manifest (bytes)."""
    return hashlib.sha256(_DOMAIN + manifest).digest()


def package_id(manifest):
    """Return the name of a package on the wire: half of what the technician signs, in hex."""
    return str(binascii.hexlify(signed_digest(manifest)), "utf-8")[:_ID_DIGITS]


def split(content):
    """Return (manifest, signature, files), bytes all, of a whole package.

    Raises PackageError, never anything else, also when the manifest or its digest of the files is
    wrong. Whether the signature is good is the caller's to find out.
    """
    size = manifest_bytes(content[:HEAD_BYTES])
    start = content_start(size)
    manifest = content[HEAD_BYTES : HEAD_BYTES + size]
    signature, files = content[HEAD_BYTES + size : start], content[start:]
    found = parse_manifest(manifest)
    if len(files) != found.size:
        raise PackageError("bad_package")
    if str(binascii.hexlify(hashlib.sha256(files).digest()), "utf-8") != found.sha256:
        raise PackageError("bad_content")
    return manifest, signature, files


def parse_manifest(manifest):
    """Return the Manifest in `manifest` (bytes). Raises PackageError, never anything else."""
    steps = parse_steps(manifest)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def parse_steps(manifest):
    """As `parse_manifest`, a generator that yields every few ms: a whole one takes a board 0.2 s.

    What a generator returns is the value of its StopIteration.
    """
    if not 0 < len(manifest) <= MAX_MANIFEST_BYTES or max(manifest) > 0x7E:
        raise PackageError("bad_package")
    lines = str(manifest, "utf-8").split("\n")
    fields: dict = {}
    for place, name in enumerate(_FIELDS):
        fields[name] = _field(lines, place, name)
    yield
    if lines[-1] or len(lines) < len(_FIELDS) + 3 or lines[len(_FIELDS)] != "files":
        raise PackageError("bad_package")
    _check_fields(fields)
    yield
    found = Manifest(fields, len(lines) - len(_FIELDS) - 2)
    if found.size > MAX_CONTENT_BYTES:
        raise PackageError("too_large")
    yield
    yield from _check_files(lines, found.size)
    return found


def find_file(manifest, name):
    """Return (offset, size) of a file `name` (bytes) in a checked manifest, or None."""
    # Behind the fields, whose names must not be taken for files.
    start = manifest.find(b"\n" + name + b" ", manifest.find(b"\nfiles\n"))
    if start < 0:
        return None
    start += len(name) + 2
    offset, size = manifest[start : manifest.find(b"\n", start)].split(b" ")
    return int(offset), int(size)


def has_directory(manifest, name):
    """Tell whether a checked manifest has files below `name` (bytes)."""
    return manifest.find(b"\n" + name + b"/") >= 0


def runs_on(manifest, mpy):
    """Return "" when firmware of that manifest runs on an interpreter, else the reason.

    `mpy`: its `sys.implementation._mpy`, or 0 where it loads no .mpy files.
    """
    if manifest.mpy != (mpy & 0xFF, mpy >> 8 & 3):
        return "wrong_mpy"
    wanted, own = ARCHES.index(manifest.arch), mpy >> 10 & 15
    thumb = ARCHES.index("armv6m")
    # Thumb cores run the code of the lesser ones; the interpreter's own rule is the same.
    if wanted in (0, own) or thumb <= wanted <= own < len(ARCHES):
        return ""
    return "wrong_arch"


def _field(lines, place, name):
    line = lines[place] if place < len(lines) else ""
    if not line.startswith(name + " "):
        raise PackageError("bad_package")
    return line[len(name) + 1 :]


def _check_fields(fields):
    version, digest = fields["version"], fields["sha256"]
    is_good = (
        1 <= len(version) <= 24
        and all(character in _TEXT_CHARACTERS for character in version)
        and len(digest) == 64
        and all(character in "0123456789abcdef" for character in digest)
        and fields["arch"] in ARCHES
    )
    if not is_good:
        raise PackageError("bad_package")


def _check_files(lines, content_size):
    """Check each line of a file: a plain name, seen once, right behind the file before."""
    end = 0
    seen = set()
    for place, line in enumerate(lines[len(_FIELDS) + 1 : -1]):
        if place % _LINES_A_STEP == 0:
            yield
        parts = line.split(" ")
        if len(parts) != 3 or not _is_file_name(parts[0]):
            raise PackageError("bad_package")
        if _whole(parts[1], content_size) != end:
            raise PackageError("bad_package")
        end += _whole(parts[2], content_size)
        module = parts[0].rpartition(".")[0]
        if module in seen:
            raise PackageError("bad_package")
        seen.add(module)
    if end != content_size or ENTRY not in seen:
        raise PackageError("bad_package")


def _is_file_name(name):
    """Tell whether `name` is a module below one of _ROOTS: no way out of there can be written."""
    if len(name) > MAX_NAME:
        return False
    module, _, kind = name.rpartition(".")
    parts = module.split("/")
    if kind not in ("mpy", "py") or parts[0] not in _ROOTS or not 2 <= len(parts) <= 4:
        return False
    return all(part and all(each in _NAME_CHARACTERS for each in part) for part in parts)


def _whole(text, most):
    """Read a whole number written the one way it can be."""
    is_plain = 0 < len(text) <= 16 and all(digit in "0123456789" for digit in text)
    if not is_plain or (text[0] == "0" and text != "0") or int(text) > most:
        raise PackageError("bad_package")
    return int(text)
