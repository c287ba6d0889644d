"""The bars of an emulated Pico W as rows of `trueque bench meter`; without one, why not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tools.bench.meter_rows import Row, row_of
from tools.rig import Choice, NoRig, choose, emulated_image

if TYPE_CHECKING:
    from tools.emulation.bars import Figures, Minute, Saves, Trip

CHANNELS = 3
BARS = (
    *("minute", "limits", "saves", "loss", "returns", "share", "authority", "cuts"),
    *("torn", "torn-deliveries", "torn-updates"),
)
"""As tools.emulation.bars.NAMES, said here for a machine without the emulator."""


def emulated_rows(image: Path | None, seconds: float, wanted: Collection[str] = BARS) -> list[Row]:
    """Measure the bars `wanted` of an emulated board.

    [] with a line on standard error where none can be had. Rows that end in `_at_least` pass with a
    ratio from 1 on, the others up to 1.
    """
    try:
        found = emulated_image(Choice("emulated", choose(image=image).image))
    except NoRig as reason:
        click.echo(f"skipped the bars of the emulated board: {reason}", err=True)
        return []
    from tools.emulation import bars  # the emulator is an extra that most machines do without

    return _rows(asyncio.run(bars.measure(found, seconds, wanted)), bars.BLOCK_US)


def _rows(figures: Figures, of_block_us: int) -> list[Row]:
    rows = _rows_of_minute(figures.minute) if figures.minute else []
    shares = ("metering_share", figures.block_us), ("metering_share_ac", figures.block_ac_us)
    rows += [
        row_of(f"emulated_{name}", block_us / of_block_us * 100, "%", 15.0)
        for name, block_us in shares
        if block_us is not None
    ]
    if figures.trips:
        rows += _rows_of_trips(figures.trips)
        lost = figures.trips_codes_lost
        rows.append(row_of("emulated_codes_lost_in_deliveries", lost, "codes", 0.0))
    rows += _rows_of_saves(figures.saves) if figures.saves else []
    for name, value, unit, bar in (
        ("relay_open_hub_silent", figures.silence_s, "s", 15.0),
        ("relay_open_broker_gone", figures.loss_s, "s", 15.0),
        ("return_after_radio_loss", max(figures.returns_s or [0]) or None, "s", 30.0),
        ("foreign_authority_connections", figures.foreign_connections, "connections", 0.0),
        ("power_cuts_survived_at_least", figures.cuts_survived, "of 50", 50.0),
        ("torn_writes_survived_at_least", figures.torn_survived, "of 100", 100.0),
        ("torn_deliveries_survived_at_least", figures.torn_deliveries_survived, "of 100", 100.0),
        ("torn_updates_survived_at_least", figures.torn_updates_survived, "of 100", 100.0),
    ):
        if value is not None:
            rows.append(row_of(f"emulated_{name}", value, unit, bar))
    return rows


def _rows_of_minute(minute: Minute) -> list[Row]:
    rate_hz = minute.codes / CHANNELS / minute.duration_s
    return [
        row_of("emulated_duration_at_least", minute.duration_s, "s", 60.0),
        row_of("emulated_rate_at_least", rate_hz, "Hz", 8_000.0),
        row_of("emulated_codes_lost", minute.codes_lost + minute.losses_told, "codes", 0.0),
        row_of("emulated_flash_writes", minute.flash_writes, "pages", None),
        row_of("emulated_heap_free_at_least", minute.free_bytes / 1000, "kB", 60.0),
    ]


def _rows_of_trips(trips: tuple[Trip, ...]) -> list[Row]:
    opened_ms = max(trip.opened_ms for trip in trips)
    signed_s = max(trip.signed_s for trip in trips)
    waited_ms = max(trip.waited_ms for trip in trips)
    written = sum(len(trip.written) for trip in trips)
    return [
        row_of("emulated_relay_open_after_limit", opened_ms, "ms", 50.0),
        row_of("emulated_signed_after_open", signed_s, "s", 1.5),
        row_of("emulated_safety_wait_while_signing", waited_ms, "ms", 20.0),
        row_of("emulated_files_written_while_signing", written, "files", 0.0),
    ]


def _rows_of_saves(saves: Saves) -> list[Row]:
    return [
        row_of("emulated_saves_in_delivery", saves.pages, "pages", None),
        row_of("emulated_erases_in_delivery", saves.erases, "erases", 0.0),
        row_of("emulated_safety_wait_for_save", saves.waited_ms, "ms", 20.0),
    ]
