"""Firmware over the air in hardware tests: the hub's own rollouts on the tests' hub; releases."""

import contextlib
import functools
import itertools
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wire import package

from hub.mqtt.ingest import Stored
from hub.site_clock import wall_ms
from hub.store import PackageRow, Store, UpdateRow
from hub.updates.rollout import Rollouts
from tools.board.firmware_files import FIRMWARE_DIR
from tools.board.release import Release, build, virtual_arch
from tools.board.release_key import TechnicianKey

TECHNICIAN = TechnicianKey(bytes(range(1, 33)))
STRANGER = TechnicianKey(bytes(range(2, 34)))
NUMBERS = itertools.count(100)
LOOK_S = 0.2


@functools.cache
def arch_of(kind: str) -> str:
    """Return the architecture of a kind of boards."""
    return virtual_arch() if kind == "virtual" else "armv6m"


def release(
    directory: Path,
    arch: str,
    changes: Mapping[str, str] = {},  # never changed
    key: TechnicianKey = TECHNICIAN,
    number: int | None = None,
) -> bytes:
    """Return a package of this firmware, numbered anew. `changes`: {file: what replaces it}."""
    sources = directory / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(FIRMWARE_DIR, sources)
    for name, text in changes.items():
        (sources / name).write_text(text)
    number = number or next(NUMBERS)
    return build(Release(number, f"0.{number}.0", arch), key, sources)


def row_of(content: bytes) -> PackageRow:
    """Return what the store knows of a package, without a look at its signature."""
    manifest = content[package.HEAD_BYTES :][: package.manifest_bytes(content[:8])]
    found = package.parse_manifest(manifest)
    return PackageRow(package.package_id(manifest), found.number, found.version, len(content))


class Updating:
    """Rollouts of the real hub, speaking through the tests' one."""

    def __init__(self, hub: Any, directory: Path) -> None:
        self._hub = hub
        self.store = Store.open(directory / "store.db")
        self.rollouts = Rollouts(self.store, self, self)
        self.tamper = lambda what, members: members
        self._lock = threading.Lock()
        self._ending = threading.Event()
        hub.on_record = self._hear
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; boards stay as they are."""
        self._hub.on_record = lambda node, kind, record: None
        self._ending.set()
        self._thread.join(10)
        self.store.close()

    def begin(self, content: bytes, *nodes: str, at_once: int = 4) -> int:
        """Begin to bring a package to nodes; return the rollout's number."""
        with self._lock:
            rollout = self.store.begin_rollout(row_of(content), content, nodes, at_once)
        assert rollout is not None
        return rollout

    def row(self, node: str, rollout: int) -> UpdateRow:
        return next(row for row in self.store.rollout(rollout) if row.node == node)

    def is_alive(self, node: str) -> bool:
        """Every node of these tests is, or will be soon."""
        return bool(self._hub.all(node, "status"))

    def update(self, node: str, what: str, **members: Any) -> bool:
        """Send as Dispatch does."""
        names = ("package_id", "number", "size", "offset", "data")
        members = self.tamper(what, {**dict.fromkeys(names), **members})
        if members is not None:
            self._hub.update(node, {"what": what, **members})
        return True

    def _hear(self, node: str, kind: str, record: Mapping[str, Any]) -> None:
        now_ms = wall_ms()
        with self._lock:
            if kind in ("event", "fetch"):
                self.store.store_record(node, kind, record, (now_ms, now_ms))
            self.rollouts.hear([Stored(node, kind, record, now_ms)])

    def _run(self) -> None:
        while not self._ending.wait(LOOK_S):
            with self._lock:
                self.rollouts.step()


@contextlib.contextmanager
def updating(rig: Any, directory: Path):
    """The hub's rollouts while the block lasts."""
    found = Updating(rig.hub, directory)
    try:
        yield found
    finally:
        found.stop()
