"""A board's flash in memory: the few calls of `os` and `open` that the firmware makes, no disk."""

import io

BLOCK_BYTES, BLOCKS_FREE = 4096, 150


class Flash:
    """Files by path; use it in the place of a module's `os`, its `open` in that of `open`."""

    def __init__(self):
        self.content = {}

    def open(self, path, mode="r"):
        """Return a file object; what is written is there once it is flushed or closed."""
        if mode == "wb":
            return _Written(self, path, b"")
        if mode == "ab":
            return _Written(self, path, self.content.get(path, b""))
        if path not in self.content:
            raise OSError(2)
        return io.BytesIO(self.content[path])

    def rename(self, old, new):
        """Replace a file."""
        self.content[new] = self.content.pop(old)

    def remove(self, path):
        """Remove a file."""
        if path not in self.content:
            raise OSError(2)
        del self.content[path]

    def stat(self, path):
        """Return the ten numbers, of which the size is one."""
        if path not in self.content:
            raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, len(self.content[path]), 0, 0, 0)

    def statvfs(self, path):
        """Return block size and free blocks where MicroPython has them."""
        return (BLOCK_BYTES, BLOCK_BYTES, 212, BLOCKS_FREE, BLOCKS_FREE, 0, 0, 0, 0, 255)

    def _names(self, path):
        start = "" if path in ("", ".") else path + "/"
        return sorted(
            {name[len(start) :].split("/")[0] for name in self.content if name.startswith(start)}
        )

    def listdir(self, path="."):
        """Return the names in a directory; one without files is none."""
        names = self._names(path)
        if not names and path not in ("", "."):
            raise OSError(2)
        return names

    def mkdir(self, path):
        """Make a directory: it is there with its first file."""
        if self._names(path):
            raise OSError(17)

    def rmdir(self, path):
        """Remove a directory, which must be empty."""
        if self._names(path):
            raise OSError(39)

    def patch(self, monkeypatch, *modules):
        """Let these modules use this flash."""
        for module in modules:
            monkeypatch.setattr(module, "open", self.open, raising=False)
            if hasattr(module, "os"):
                monkeypatch.setattr(module, "os", self)


class _Written(io.BytesIO):
    def __init__(self, flash, path, before):
        super().__init__()
        self._flash, self._path = flash, path
        self.write(before)
        self.flush()

    def flush(self):
        if not self.closed:
            self._flash.content[self._path] = self.getvalue()

    def close(self):
        self.flush()
        super().close()
