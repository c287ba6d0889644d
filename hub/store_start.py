"""The store at a hub's start: looked at before anything is built on it, and held for one hub."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path

from hub.backup.site import RESTORED
from hub.config import SiteConfig
from hub.errors import StoreError
from hub.in_background import in_background
from hub.store import Store
from hub.store.place import look_at

# Reading more than this takes minutes on an SD card: then only after an end that was no clean one.
QUICKLY_CHECKED_BYTES = 500_000_000
ENDED_WELL = "ended_well"
SOON_S = 3.0  # a check that takes longer is told of


async def open_store(
    config: SiteConfig, closers: contextlib.AsyncExitStack, say: Callable[[str], None]
) -> Store:
    """Open the site's store for its hub. Raises StoreError, saying what to do."""
    place = config.store_path
    is_small = isinstance(place, Path) and (
        place.exists() and place.stat().st_size < QUICKLY_CHECKED_BYTES
    )
    if is_small:
        await _check(lambda: look_at(place), say)
    store: Store = Store.open_for_hub(place, closers)
    if not is_small and not store.state(ENDED_WELL):
        await _check(store.check_whole, say)
    store.set_state(ENDED_WELL, False)
    closers.callback(_note_end, store)
    restored = store.state(RESTORED)
    if restored is not None and not restored.get("is_told"):
        made = datetime.datetime.fromisoformat(restored["made_at"])
        say(f"this site comes from a backup of {made:%Y-%m-%d %H:%M} UTC: boards obey it from now")
        store.set_state(RESTORED, {**restored, "is_told": True})
    return store


async def _check(check: Callable[[], object], say: Callable[[str], None]) -> None:
    """Check in the background: signals are obeyed, and a person learns what takes so long."""
    checking = asyncio.create_task(in_background(check))
    try:
        await asyncio.wait({checking}, timeout=SOON_S)
        is_told = not checking.done()
        if is_told:
            say("the store is being checked before anything is built on it; after a power cut, "
                "and on an SD card, that may take minutes")  # fmt: skip
        await checking
        if is_told:
            say("the store is whole")
    finally:
        checking.cancel()


def _note_end(store: Store) -> None:
    with contextlib.suppress(StoreError):  # then the next start looks at all of it
        store.set_state(ENDED_WELL, True)
