"""The store at a hub's start: looked at before anything is built on it, and held for one hub."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path

from hub.backup.site import RESTORED
from hub.config import SiteConfig
from hub.errors import StoreError
from hub.store import Store
from hub.store.place import look_at

# Reading more than this takes minutes on an SD card: then only after an end that was no clean one.
QUICKLY_CHECKED_BYTES = 500_000_000
ENDED_WELL = "ended_well"


def open_store(
    config: SiteConfig, closers: contextlib.AsyncExitStack, say: Callable[[str], None]
) -> Store:
    """Open the site's store for its hub. Raises StoreError, saying what to do."""
    place = config.store_path
    if isinstance(place, Path) and place.exists() and place.stat().st_size < QUICKLY_CHECKED_BYTES:
        look_at(place)
    store: Store = Store.open(place)
    closers.callback(store.close)
    closers.push(store.claim())
    if not store.state(ENDED_WELL):
        store.check_whole()
    store.set_state(ENDED_WELL, False)
    closers.callback(_note_end, store)
    restored = store.state(RESTORED)
    if restored is not None and not restored.get("is_told"):
        made = datetime.datetime.fromisoformat(restored["made_at"])
        say(f"this site comes from a backup of {made:%Y-%m-%d %H:%M} UTC: boards obey it from now")
        store.set_state(RESTORED, {**restored, "is_told": True})
    return store


def _note_end(store: Store) -> None:
    with contextlib.suppress(StoreError):  # then the next start looks at all of it
        store.set_state(ENDED_WELL, True)
