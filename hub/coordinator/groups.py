"""Who trades with whom in a window: a site's configuration enters, the group of each house leaves.

A book is cleared for a whole group. In a hybrid market the groups are the communities; where a site
has several bus segments and its kind of market clears books, they are the segments: no energy flows
between two of them.
"""

from __future__ import annotations

from hub.config import SiteConfig
from hub.config_tables import GRID, House


def segments(config: SiteConfig) -> list[str]:
    """Return the site's bus segments, each once."""
    return list(dict.fromkeys(house.segment for house in config.houses))


def has_book_per_segment(config: SiteConfig) -> bool:
    """Tell whether each segment has a window of its own."""
    return len(segments(config)) > 1 and config.market.kind not in ("decentralised", "hybrid")


def group_of(config: SiteConfig, house: House) -> str:
    """Return the name that windows for the house's group have as theirs."""
    return house.segment if has_book_per_segment(config) else house.community


def groups(config: SiteConfig) -> list[str]:
    """Return all groups, each once; the board at the grid's side is in none of them."""
    return list(dict.fromkeys(
        group_of(config, house) for house in config.houses if house.kind != GRID
    ))  # fmt: skip


def first_of(config: SiteConfig, group: str | None) -> str | None:
    """Return the name of a house of a group, whose windows are those of all its houses."""
    return next((one.name for one in config.houses if group_of(config, one) == group), None)
