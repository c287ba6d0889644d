"""The bars of an emulated Pico W as rows of `trueque bench meter`; without one, why not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from tools.bench.meter_rows import Row, row_of
from tools.rig import Choice, NoRig, choose, emulated_image


def emulated_rows(image: Path | None, seconds: float) -> list[Row]:
    """Measure the emulated board; [] with a line on standard error where none can be had.

    Rows that end in `_at_least` pass with a ratio from 1 on, the others up to 1.
    """
    try:
        found = emulated_image(Choice("emulated", choose(image=image).image))
    except NoRig as reason:
        click.echo(f"skipped the bars of the emulated board: {reason}", err=True)
        return []
    from tools.emulation import bars  # the emulator is an extra that most machines do without

    figures = asyncio.run(bars.measure(found, seconds))
    minute = figures.minute
    channels = 3
    return [
        row_of("emulated_duration_at_least", minute.duration_s, "s", 60.0),
        row_of(
            "emulated_rate_at_least", minute.codes / channels / minute.duration_s, "Hz", 8_000.0
        ),
        row_of("emulated_codes_lost", minute.codes_lost + minute.losses_told, "codes", 0.0),
        row_of("emulated_flash_writes", minute.flash_writes, "pages", None),
        row_of("emulated_heap_free_at_least", minute.free_bytes / 1000, "kB", 60.0),
        row_of("emulated_metering_share", figures.block_us / bars.BLOCK_US * 100, "%", 15.0),
        row_of("emulated_relay_open_after_limit", max(figures.trips_ms), "ms", 50.0),
        row_of("emulated_relay_open_hub_silent", figures.silence_s, "s", 15.0),
        row_of("emulated_relay_open_broker_gone", figures.loss_s, "s", 15.0),
    ]
