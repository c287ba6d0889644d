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
    node/app.mpy 0 4321             name, offset in the content, size; in the order of the content,
                                    which is that of the names

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

    def __init__(self, fields):
        self.number = _whole(fields["number"], units.MAX_U32)
        self.version = fields["version"]
        self.arch = fields["arch"]
        format_, _, native = fields["mpy"].partition(".")
        self.mpy = (_whole(format_, 255), _whole(native, 3))
        self.size = _whole(fields["size"], units.MAX_SEQ)
        self.sha256 = fields["sha256"]
        self.file_count = 0


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


def begin_digest():
    """Return the hash that a manifest is to be added to; its digest is what a technician signs."""
    return hashlib.sha256(_DOMAIN)


def signed_digest(manifest):
    """Return the 32 bytes a technician signs for a manifest (bytes)."""
    digest = begin_digest()
    digest.update(manifest)
    return digest.digest()


def id_of(digest):
    """Return the name of a package on the wire: half of what the technician signs, in hex."""
    return str(binascii.hexlify(digest), "utf-8")[:_ID_DIGITS]


def package_id(manifest):
    """Return `id_of` the digest of a manifest (bytes)."""
    return id_of(signed_digest(manifest))


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
    if not 0 < len(manifest) <= MAX_MANIFEST_BYTES:
        raise PackageError("bad_package")
    steps = parse_steps(_lines_of(manifest))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def parse_steps(lines):
    """As `parse_manifest`, a generator that yields every few ms: a whole one takes a board 0.2 s.

    `lines`: iterator over the lines (bytes, each with its end): a board has no room for them all.
    What a generator returns is the value of its StopIteration.
    """
    fields: dict = {}
    for name in _FIELDS:
        fields[name] = _field(_text_of(next(lines, b"")), name)
    yield
    if _text_of(next(lines, b"")) != "files":
        raise PackageError("bad_package")
    _check_fields(fields)
    yield
    found = Manifest(fields)
    if found.size > MAX_CONTENT_BYTES:
        raise PackageError("too_large")
    yield
    yield from _count_files(lines, found)
    return found


def _lines_of(text):
    """Yield the lines of some bytes, each with its end, as a file does."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _text_of(line):
    if line[-1:] != b"\n" or max(line) > 0x7E:
        raise PackageError("bad_package")
    return str(line[:-1], "utf-8")


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


def _field(line, name):
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


def _count_files(lines, manifest):
    """Check and count the files: plain names, each behind the one before in name and place."""
    end = 0
    last = ""
    has_entry = False
    for line in lines:
        if manifest.file_count % _LINES_A_STEP == 0:
            yield
        parts = _text_of(line).split(" ")
        if len(parts) != 3 or not _is_file_name(parts[0]):
            raise PackageError("bad_package")
        module = parts[0].rpartition(".")[0]
        if _whole(parts[1], manifest.size) != end or module <= last:
            raise PackageError("bad_package")
        end += _whole(parts[2], manifest.size)
        last = module
        has_entry = has_entry or module == ENTRY
        manifest.file_count += 1
    if end != manifest.size or not has_entry:
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
