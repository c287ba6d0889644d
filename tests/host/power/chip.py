"""A board's flash chip under littlefs, as MicroPython has it; its power fails within any write."""

import io

from littlefs import LittleFS, LittleFSError, UserContext

from tests.host.node.test_power_cuts import PowerCut

BLOCK_BYTES, BLOCKS, PAGE_BYTES = 4096, 64, 256
SETTINGS = {  # as of MicroPython's port for the RP2040, but for the size
    "block_size": BLOCK_BYTES,
    "block_count": BLOCKS,
    "prog_size": PAGE_BYTES,
    "read_size": 32,
    "cache_size": 1024,
    "lookahead_size": 32,
    "block_cycles": 100,
    "disk_version": 0x00020000,
}
EARLY, HALF, ALL = 1 / 16, 1 / 2, 1.0
"""How much of the write in which the power fails is done. Nothing: as all of the write before."""


class Chip(UserContext):
    """Pages and sectors. A write is a page or a sector; after a cut nothing more is written."""

    def __init__(self, content):
        super().__init__(buffer=bytearray(content))
        self.writes = 0
        self.is_dead = False
        self.cut = None  # (write, share of it that is done)

    def cut_in(self, nth, share):
        """Let the power fail in the nth write from now on, `share` of it done."""
        self.cut = (self.writes + nth, share)

    def read(self, cfg, block, off, size):
        start = block * BLOCK_BYTES + off
        return self.buffer[start : start + size]

    def prog(self, cfg, block, off, data):
        start = block * BLOCK_BYTES + off
        for place in range(0, len(data), PAGE_BYTES):
            self._write(start + place, data[place : place + PAGE_BYTES])
        return 0

    def erase(self, cfg, block):
        self._write(block * BLOCK_BYTES, b"\xff" * BLOCK_BYTES)
        return 0

    def _write(self, start, content):
        if self.is_dead:
            return
        self.writes += 1
        if self.cut and self.writes == self.cut[0]:
            self.is_dead = True
            content = content[: int(self.cut[1] * len(content))]
        self.buffer[start : start + len(content)] = content


class Board:
    """The files of a board: what stands for its modules' `os` and `open`. Raises PowerCut."""

    def __init__(self, content=None):
        """`content`: of the flash (bytes), None for one that is made anew."""
        self._use(Chip(b"\xff" * BLOCK_BYTES * BLOCKS if content is None else content))
        if content is None:
            self._system.format()
        self._system.mount()

    def _use(self, chip):
        self.chip = chip
        self._system = LittleFS(context=chip, mount=False, **SETTINGS)

    def content(self):
        """Return all bytes of the flash."""
        return bytes(self.chip.buffer)

    def power_on(self):
        """Mount what the cut has left."""
        self._use(Chip(self.content()))
        self._system.mount()

    def reset(self):
        """Start anew: what littlefs had in memory is gone, the power goes on or fails later."""
        before = self.chip
        self._use(Chip(self.content()))
        self.chip.writes, self.chip.cut = before.writes, before.cut
        before.is_dead = True
        self._system.mount()

    def open(self, path, mode="r"):
        if "r" in mode:
            content = self._do(lambda: self._system.open(path, "rb").read())
            return io.BytesIO(content)
        return _Written(self, self._do(lambda: self._opened(path, mode)))

    def _opened(self, path, mode):
        if mode == "ab" and path not in self._system.listdir("."):
            # MicroPython makes the file; this library does not, and says there is none.
            self._system.open(path, "wb", buffering=0).close()
        file = self._system.open(path, mode, buffering=0)
        # A board forgets the files that are open; here each is closed, on its own file system.
        file.system = self._system
        return file

    def rename(self, old, new):
        self._do(lambda: self._system.rename(old, new))

    def remove(self, path):
        self._do(lambda: self._system.remove(path))

    def mkdir(self, path):
        self._do(lambda: self._system.mkdir(path))

    def rmdir(self, path):
        self._do(lambda: self._system.rmdir(path))

    def listdir(self, path="."):
        return self._do(lambda: self._system.listdir(path or "."))

    def stat(self, path):
        size = self._do(lambda: self._system.stat(path)).size
        return (0x8000, 0, 0, 0, 0, 0, size, 0, 0, 0)

    def statvfs(self, path):
        free = BLOCKS - self._system.used_block_count
        return (BLOCK_BYTES, BLOCK_BYTES, BLOCKS, free, free, 0, 0, 0, 0, 255)

    def patch(self, monkeypatch, *modules):
        """Let these modules of the firmware use this flash."""
        for module in modules:
            monkeypatch.setattr(module, "open", self.open, raising=False)
            if hasattr(module, "os"):
                monkeypatch.setattr(module, "os", self)

    def _do(self, what):
        if self.chip.is_dead:
            raise PowerCut
        try:
            return what()
        except LittleFSError as problem:
            raise OSError(-problem.code, problem.name) from None
        finally:
            if self.chip.is_dead:
                raise PowerCut


class _Written:
    """A file that is written; what reaches the chip when is littlefs's affair."""

    def __init__(self, board, file):
        self._board, self._file = board, file

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.close()

    def write(self, content):
        self._board._do(lambda: self._file.write(content))

    def flush(self):
        self._board._do(self._file.flush)

    def close(self):
        self._board._do(self._file.close)
