"""MicroPython for a board: its image from the official site or a file, checked, onto the board.

The site publishes no checksums. What is downloaded counts because of HTTPS, and is looked at: it
must be whole and of this chip; its SHA-256 is shown and kept beside the copy.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hub.errors import BadInput, TruequeError
from tools.board.ports import BootDrive, boot_drive, serial_boards

SITE = "https://micropython.org"
VERSION = "1.28.0"
CACHE = Path.home() / ".cache" / "trueque" / "micropython"
BLOCK_BYTES = 512
_HEAD = struct.Struct("<8I")
_MAGIC = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}
ABSOLUTE = 0xE48BFF57
"""Of the block in front of images for an RP2350 (its erratum E10): no part of the program."""
LARGEST_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 30
RESTART_S = 30.0
PIECE_BYTES = 64 * 1024

Tell = Callable[[int, int], None]
"""(done, total) in bytes."""


class Download(TruequeError):
    """The image could not be had from the site."""


def check_image(content: bytes, chip: str, name: str) -> None:
    """Raise BadInput unless `content` is a whole UF2 image for `chip` (UF2 specification)."""
    if not content or len(content) % BLOCK_BYTES:
        raise BadInput(f"{name}: {len(content)} bytes is not a whole number of UF2 blocks: cut off")
    seen: set[int] = set()
    total = 0
    for start in range(0, len(content), BLOCK_BYTES):
        head = _HEAD.unpack_from(content, start)
        end = struct.unpack_from("<I", content, start + BLOCK_BYTES - 4)[0]
        if head[:2] != _MAGIC or end != _END:
            raise BadInput(
                f"{name}: block {start // BLOCK_BYTES} is not UF2: a wrong or damaged file"
            )
        number, count, family = head[5], head[6], head[7]
        if family == ABSOLUTE:
            continue
        if family != FAMILIES[chip]:
            raise BadInput(f"{name}: this image is not for an {chip.upper()}; choose another")
        seen.add(number)
        total = count
    if not total or seen != set(range(total)):
        raise BadInput(f"{name}: {len(seen)} of {total} blocks are there: the file is cut off")


def from_file(path: Path, chip: str) -> bytes:
    """Read an image. Raises BadInput."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    check_image(content, chip, str(path))
    return content


def from_site(
    board: str,
    chip: str,
    tell: Tell = lambda done, total: None,
    site: str = SITE,
    cache: Path = CACHE,
) -> tuple[bytes, Path]:
    """Return the image of `board` ("RPI_PICO_W"), from the kept copy or the official site.

    Raises Download.
    """
    kept = cache / f"{board}-v{VERSION}.uf2"
    known = kept.with_suffix(".sha256")
    if kept.exists() and known.exists():
        content = kept.read_bytes()
        if hashlib.sha256(content).hexdigest() == known.read_text().strip():
            return content, kept
    page = _get(f"{site}/download/{board}/", lambda done, total: None).decode(errors="replace")
    link = re.search(rf'href="([^"]*/{board}-\d{{8}}-v{re.escape(VERSION)}\.uf2)"', page)
    if link is None:
        raise Download(
            f"{site} offers no MicroPython {VERSION} for {board} where it used to; "
            "download it with a browser and give it with --uf2"
        )
    address = link[1] if link[1].startswith("http") else site + link[1]
    content = _get(address, tell)
    check_image(content, chip, address)
    cache.mkdir(parents=True, exist_ok=True)
    for path, kept_bytes in (
        (kept, content),
        (known, hashlib.sha256(content).hexdigest().encode()),
    ):
        fresh = path.with_suffix(path.suffix + ".new")
        fresh.write_bytes(kept_bytes)
        os.replace(fresh, path)
    return content, kept


def _get(address: str, tell: Tell) -> bytes:
    """Fetch, whole or not at all."""
    parts, done = [], 0
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            if total > LARGEST_BYTES:
                raise Download(f"{address}: {total} bytes is no image of MicroPython")
            while done <= LARGEST_BYTES and (part := answer.read(PIECE_BYTES)):
                parts.append(part)
                done += len(part)
                tell(done, total)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise Download(f"{address}: {reason}; is there a way to the Internet?") from None
    if done > LARGEST_BYTES or (total and done != total):
        raise Download(f"{address}: {done} of {total} bytes came; try again")
    return b"".join(parts)


def install(content: bytes, drive: BootDrive, tell: Tell = lambda done, total: None) -> None:
    """Copy an image onto the drive of a board in BOOTSEL mode; the board then starts it.

    Cut in the middle, the board stays in BOOTSEL mode or comes back to it with its button; nothing
    runs. Raises TruequeError.
    """
    if drive.path is None:
        raise TruequeError(
            f"the drive {drive.label} is not mounted; open it in the file manager, or: "
            f"udisksctl mount -b /dev/disk/by-label/{drive.label}; then run this again"
        )
    target = drive.path / "micropython.uf2"
    done = 0
    try:
        with target.open("wb", buffering=0) as file:
            for start in range(0, len(content), PIECE_BYTES):
                done += file.write(content[start : start + PIECE_BYTES])
                tell(done, len(content))
            os.fsync(file.fileno())
    except OSError as problem:
        # The boot ROM restarts with the last block: the drive may be gone before it is closed.
        if done < len(content):
            raise TruequeError(
                f"{drive.path}: {problem.strerror} after {done // 1024} kB; hold BOOTSEL, plug the "
                "board in again and repeat"
            ) from None


def wait_for_port(before: set[str]) -> str:
    """Return the port of the board that started anew. Raises TruequeError."""
    deadline_s = time.monotonic() + RESTART_S
    while time.monotonic() < deadline_s:
        for each in serial_boards():
            if each.port not in before:
                return each.port
        time.sleep(0.2)
    raise TruequeError(
        "MicroPython was copied but no board came back; unplug it, plug it in again, and: "
        "trueque board list"
    )


def wait_for_drive(find: Callable[[], list[BootDrive]]) -> BootDrive:
    """Return the drive of the board that was sent to BOOTSEL mode. Raises TruequeError."""
    deadline_s = time.monotonic() + RESTART_S
    while time.monotonic() < deadline_s:
        drives = find()
        if drives and drives[0].path is not None and boot_drive(drives[0].path):
            return drives[0]
        time.sleep(0.2)
    raise TruequeError(
        "the board went to BOOTSEL mode but no drive of it is mounted; mount it and run: "
        "trueque board flash"
    )
