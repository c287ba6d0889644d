"""The board's flash chip: a file tree becomes its file system; writes can be torn by power cuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from littlefs import LittleFS, UserContext
from rp2040py.boards import FlashLayout
from rp2040py.peripherals.ssi import RPSSI
from rp2040py.rp2040 import RP2040

BLOCK_BYTES = 4096
BLOCKS = 212
LAYOUT = FlashLayout(
    fs_start=2 * 1024 * 1024 - BLOCKS * BLOCK_BYTES, fs_blockcount=BLOCKS, fs_blocksize=BLOCK_BYTES
)
"""MicroPython's file system on a Pico W: the last 848 KiB of 2 MiB."""
DISK_VERSION = 0x00020000
"""littlefs 2.0, which every MicroPython mounts; newer ones make it 2.1 when they write."""

PAGE_PROGRAM, SECTOR_ERASE, BLOCK_ERASE, READ_UNIQUE_ID = 0x02, 0x20, 0xD8, 0x4B
READ_STATUS, BUSY = 0x05, 0x01
TYPICAL_MS = {PAGE_PROGRAM: 0.4, SECTOR_ERASE: 45.0, BLOCK_ERASE: 150.0}
"""How long a write takes (W25Q16JV data sheet, 9.6); the emulator's own chip takes no time."""
COMMAND_BYTES = 4
ID_OFFSET = 5
"""An opcode and four dummy bytes come before the unique id (W25Q16JV data sheet, 8.2.28)."""
ERASE_BEGINS_BYTES = 128
"""A cut this early leaves a sector as it was; a later one leaves it erased."""


class Flash(RPSSI):
    """The chip behind the RP2040's serial interface, with an id of its own and power cuts."""

    _tx_buffer: bytearray  # the base class's; said for a checker on a machine without it

    def __init__(self, mcu: RP2040) -> None:
        super().__init__(mcu, "SSI")
        self.unique_id = bytes(8)
        self.writes = 0
        self.erases = 0
        """How many of the writes erased a sector or more."""
        self.write_ms: Mapping[int, float] = {}
        """By command how long it takes; none takes any where nothing is said."""
        self._busy_until_ns = 0.0
        self._cut_at: int | None = None
        self._kept_bytes = 0
        self._on_cut: Callable[[], None] = lambda: None
        # Between two instructions: in the middle of one the chip select would end up wrong.
        self._alarm = mcu.clock.create_alarm(lambda: self._on_cut())

    @classmethod
    def fit(cls, mcu: RP2040) -> Flash:
        """Put this chip in the place of the emulator's own."""
        flash = cls(mcu)
        mcu.ssi = flash
        mcu.peripherals[0x18000] = flash
        return flash

    def reset(self) -> None:
        super().reset()
        self._busy_until_ns = 0.0

    def cut_power_at(self, nth: int, kept_bytes: int, on_cut: Callable[[], None]) -> None:
        """Let the nth write from now on end after `kept_bytes`, then call `on_cut`."""
        self._cut_at, self._kept_bytes, self._on_cut = self.writes + nth, kept_bytes, on_cut

    def _shift_byte(self, byte_out: int) -> int:
        answer = super()._shift_byte(byte_out)
        count = len(self._tx_buffer)
        if self._tx_buffer[0] == READ_UNIQUE_ID and count > ID_OFFSET:
            return self.unique_id[(count - 1 - ID_OFFSET) % len(self.unique_id)]
        if self._tx_buffer[0] == READ_STATUS and self.rp2040.clock.nanos < self._busy_until_ns:
            return int(answer) | BUSY
        return int(answer)

    def _apply_command(self) -> None:
        is_write = self._tx_buffer[:1] in (b"\x02", b"\x20", b"\xd8") and self._write_enabled
        if not is_write:
            super()._apply_command()
            return
        self.writes += 1
        self.erases += self._tx_buffer[0] != PAGE_PROGRAM
        duration_ns = self.write_ms.get(self._tx_buffer[0], 0.0) * 1e6
        self._busy_until_ns = self.rp2040.clock.nanos + duration_ns
        if self._cut_at is None or self.writes < self._cut_at:
            super()._apply_command()
            return
        self._cut_at = None
        if self._tx_buffer[0] == PAGE_PROGRAM:
            self._tx_buffer = self._tx_buffer[: COMMAND_BYTES + self._kept_bytes]
        elif self._kept_bytes < ERASE_BEGINS_BYTES:
            self._tx_buffer = bytearray()
        super()._apply_command()
        self._alarm.schedule(1)


def build_image(files: Mapping[str, bytes]) -> bytes:
    """Return a littlefs image of `files`, names with slashes are in directories."""
    context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
    system = LittleFS(
        context=context,
        block_size=BLOCK_BYTES,
        block_count=BLOCKS,
        prog_size=256,
        disk_version=DISK_VERSION,
    )
    for name, content in files.items():
        directory = name.rpartition("/")[0]
        if directory:
            system.makedirs(directory, exist_ok=True)
        with system.open(name, "wb") as file:
            file.write(content)
    system.unmount()
    return bytes(context.buffer)


def write_image(mcu: RP2040, image: bytes) -> None:
    """Put a file system image into the flash."""
    mcu.flash[LAYOUT.fs_start : LAYOUT.fs_start + len(image)] = image


def read_files(mcu: RP2040) -> dict[str, bytes]:
    """Return the files in the flash. Raises littlefs.LittleFSError when it can't be mounted."""
    end = LAYOUT.fs_start + BLOCK_BYTES * BLOCKS
    context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
    context.buffer[:] = mcu.flash[LAYOUT.fs_start : end]
    system = LittleFS(
        context=context,
        mount=False,
        block_size=BLOCK_BYTES,
        block_count=BLOCKS,
        prog_size=256,
    )
    system.mount()
    files = {}
    for directory, _, names in system.walk("/"):
        for name in names:
            path = f"{directory.rstrip('/')}/{name}"
            with system.open(path, "rb") as file:
                files[path.lstrip("/")] = file.read()
    return files
