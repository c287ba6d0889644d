"""Any firmware package: split and parsed, or refused with a reason, never anything else."""

import hashlib

from wire import package
from wire.records import UPDATE_REFUSALS

from tests.host.fuzz import mutate


class Target:
    """Takes whole packages and bare manifests."""

    def __init__(self, rng):
        self.rng = rng
        self.taken = 0

    def close(self):
        """Nothing to undo."""

    def one(self):
        """Take one package, and its manifest by itself."""
        content = self._content()
        for take, given in ((package.split, content), (package.parse_manifest, content[8:-64])):
            try:
                take(given)
            except package.PackageError as problem:
                assert problem.args[0] in UPDATE_REFUSALS
            else:
                self.taken += 1

    def _content(self):
        rng = self.rng
        if rng.random() < 0.1:
            return mutate.any_bytes(rng, 600)
        manifest, files = self._manifest()
        if rng.random() < 0.6:
            manifest = mutate.damaged(rng, manifest)
        size = len(manifest) & 0xFFFF
        whole = package.MAGIC + bytes((size >> 8, size & 0xFF)) + manifest + bytes(64) + files
        return mutate.damaged(rng, whole) if rng.random() < 0.3 else whole

    def _manifest(self):
        rng = self.rng
        names = ["node/program.mpy", "wire/units.mpy", "node/a/b.py", "boot.py", "../x.py"]
        sizes = [rng.randrange(40) for _ in range(rng.randrange(1, len(names)))]
        files = rng.randbytes(sum(sizes))
        lines = [
            f"number {rng.choice((1, 7, mutate.NUMBERS[5]))}",
            "version " + rng.choice(("0.2.0", "1+x", "")),
            "arch " + rng.choice(package.ARCHES),
            rng.choice(("mpy 6.3", "mpy 6", "mpy 6.9")),
            f"size {len(files)}",
            "sha256 " + hashlib.sha256(files).hexdigest(),
            "files",
        ]
        offset = 0
        for name, size in zip(names, sizes, strict=False):
            lines.append(f"{name} {offset} {size}")
            offset += size
        return ("\n".join(lines) + "\n").encode(), files
