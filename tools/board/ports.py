"""Boards on this machine: ports of those with MicroPython, drives of those in BOOTSEL mode."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from tools.board.errors import NoBoard

RASPBERRY_PI = 0x2E8A
MICROPYTHON = 0x0005
"""Product id of MicroPython on every RP2040 and RP2350 board, those of WIZnet among them."""
DRIVES = ("/media/*/*", "/run/media/*/*", "/media/*", "/mnt/*", "/Volumes/*")
BY_LABEL = Path("/dev/disk/by-label")
INFO = "INFO_UF2.TXT"
BOOTSEL_CHIPS = {"RPI-RP2": "rp2040", "RP2350": "rp2350"}
"""Label of the drive (and Board-ID in its INFO_UF2.TXT) by the boot ROM of each chip."""


@dataclass(frozen=True)
class SerialBoard:
    """A board that runs MicroPython. `serial_number`: its flash chip's id."""

    port: str
    serial_number: str


@dataclass(frozen=True)
class BootDrive:
    """A board in BOOTSEL mode. `path` is None while its drive is not mounted."""

    path: Path | None
    chip: str
    label: str


def serial_boards() -> list[SerialBoard]:
    """Return the MicroPython boards with a Raspberry Pi chip on USB."""
    found = [
        SerialBoard(each.device, each.serial_number or "")
        for each in list_ports.comports()
        if (each.vid, each.pid) == (RASPBERRY_PI, MICROPYTHON)
    ]
    return sorted(found, key=lambda board: board.port)


def boot_drives(patterns: tuple[str, ...] = DRIVES, by_label: Path = BY_LABEL) -> list[BootDrive]:
    """Return the boards in BOOTSEL mode."""
    found = []
    for pattern in patterns:
        for name in sorted(glob.glob(pattern)):
            drive = boot_drive(Path(name))
            if drive is not None:
                found.append(drive)
    mounted = {drive.label for drive in found}
    for label, chip in BOOTSEL_CHIPS.items():
        if label not in mounted and (by_label / label).exists():
            found.append(BootDrive(None, chip, label))
    return found


def boot_drive(path: Path) -> BootDrive | None:
    """Return the board whose BOOTSEL drive is mounted there, None when it is something else."""
    try:
        info = (path / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for label, chip in BOOTSEL_CHIPS.items():
        if f"Board-ID: {label}" in info:
            return BootDrive(path, chip, label)
    return None


def the_port(wanted: str | None) -> str:
    """Return the port to work on: `wanted`, or that of the only board. Raises NoBoard."""
    if wanted is not None:
        return wanted
    boards = serial_boards()
    if len(boards) == 1:
        return boards[0].port
    if boards:
        names = ", ".join(board.port for board in boards)
        raise NoBoard(f"{len(boards)} boards are plugged in ({names}); choose one: --port PORT")
    if boot_drives():
        raise NoBoard("the board plugged in has no MicroPython yet (BOOTSEL); trueque board flash")
    raise NoBoard(
        "no board found: plug one in with a cable that carries data, or hold its BOOTSEL button "
        "while you plug it in; an address goes to --port (socket://127.0.0.1:2000)"
    )
