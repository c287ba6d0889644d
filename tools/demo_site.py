"""The site of ./tools/run: what the command line asked for enters; a site that fits it leaves."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

from hub import board_keys
from hub import config as configuration
from hub.config_tables import GRID, MARKET_KINDS, House
from hub.coordinator.kinds import turns_per_segment
from hub.errors import BadInput
from hub.init_cli import BENCH_SPEED, BENCH_START, make
from tools import demo_bridges
from tools.bench.house import unique_id_of
from tools.bench.identities import public_key

TURN_S = 28  # a smallest trade at the rated power takes 20 s, relays and reports the rest


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. `page_port` 0 takes a free one."""

    data: Path
    houses: int
    segments: int | None = None
    speed: int | None = None
    start: datetime.datetime = BENCH_START
    page_port: int = 0
    is_once: bool = False
    days: int | None = None
    report: Path | None = None
    market: str | None = None
    has_grid: bool = False


def empty(site: Path) -> None:
    """Remove what an earlier --once left in its own directory, all but the lock."""
    for entry in site.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "bench.lock":
            entry.unlink()


def prepare_site(wanted: Wanted) -> None:
    """Make the site when there is none; refuse one of another size."""
    if (wanted.data / configuration.FILE_NAME).exists():
        check_site(wanted, configuration.load(wanted.data))
        return
    houses = configuration.bench_houses(
        wanted.houses, wanted.segments or 1, has_grid=wanted.has_grid
    )
    make(
        wanted.data,
        houses,
        {
            "site": {"name": "bench"},
            "clock": {
                "start_local": wanted.start,
                "speed": wanted.speed or usual_speed(houses),
            },
            "schedule": {"mode": "once" if wanted.is_once else "daily"},
            "page": {"port": wanted.page_port},
            "market": {"kind": wanted.market or MARKET_KINDS[0]},
            "bridges": demo_bridges.tables(wanted.houses),
        },
    )


def learn_board_keys(data: Path) -> None:
    """Write down each virtual board's public key; the first time the board makes its own."""
    config = configuration.load(data)
    found = {
        house.name: public_key(config.boards_dir / house.name, unique_id_of(house.name))
        for house in config.houses
    }
    board_keys.remember(data, found)


def check_site(wanted: Wanted, found: configuration.SiteConfig) -> None:
    """Refuse options that a site which is there contradicts."""
    houses = sum(house.kind != GRID for house in found.houses)
    if wanted.has_grid and found.grid is None:
        raise BadInput(
            f"{wanted.data} is a site without a board at the grid's side: --grid is for a new site"
        )
    if houses != wanted.houses:
        raise BadInput(
            f"{wanted.data} is a site of {houses} houses, not {wanted.houses}: "
            f"use --houses {houses} or another --data"
        )
    segments = len({house.segment for house in found.houses})
    for option, asked, kept, field in (
        ("--segments", wanted.segments, segments, "houses.segment"),
        ("--speed", wanted.speed, found.clock.speed, "clock.speed"),
        ("--port", wanted.page_port or None, found.page.port, "page.port"),
        ("--market", wanted.market, found.market.kind, "market.kind"),
    ):
        if asked not in (None, kept):
            path = wanted.data / configuration.FILE_NAME
            raise BadInput(f"{option} {asked} is for a new site: set {field} ({kept}) in {path}")


def usual_speed(houses: tuple[House, ...]) -> int:
    """Return how fast the day may run so that every pair's turn fits a delivery hour.

    A turn takes energy at the rated power for TURN_S, one after the other on each bus segment.
    """
    return max(1, min(BENCH_SPEED, 3600 // (turns_per_segment(houses) * TURN_S)))


def has_grid(data: Path) -> bool:
    return configuration.load(data).grid is not None
