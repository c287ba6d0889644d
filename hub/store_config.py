"""Where the site's store is and how long raw readings stay: the table [store] of site.toml."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from hub.fields import field
from hub.store.place import SCHEMES, Place, StoreUrl

FILE_NAME = "store.db"


@dataclass(frozen=True)
class StoreSettings:
    """`url`: of a PostgreSQL database; empty for a file of the site's own.

    Readings older than `keep_readings_days` are removed; the totals of minutes and quarters of an
    hour stay.
    """

    url: str = field("")
    keep_readings_days: int = field(14, low=1, high=3650)

    def place(self, data_dir: Path) -> Place:
        """Return where the store is."""
        return StoreUrl(self.url) if self.url else data_dir / FILE_NAME


def check_store(settings: StoreSettings, problems: list[str]) -> None:
    """Check what the bounds of a field cannot say."""
    if not settings.url:
        return
    if not settings.url.startswith(SCHEMES):
        problems.append(
            "store.url must begin with postgresql://, such as postgresql://trueque@localhost/site, "
            "or be empty"
        )
        return
    try:
        parts = urllib.parse.urlsplit(settings.url)
        has_password = parts.password is not None or "password=" in parts.query
    except ValueError:
        problems.append("store.url is not a URL")
        return
    if has_password:  # site.toml is no secret
        problems.append("store.url must hold no password: write it to ~/.pgpass (mode 0600)")
