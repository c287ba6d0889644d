"""`trueque bench sim`: measures the simulator's speed and memory; rows with baselines leave.

Each row runs in a process of its own, so that its memory is its own, on one thread; seconds are
of processor time, which other work on the machine disturbs less than time by the clock.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click

from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run

YEAR_SLOTS = 365 * 96
STREET_HOMES = 20
DAY_SLOTS = 96
GSY_E_US_PER_HOME_DAY = 10.3e6
"""gsy-e 1.3: 10 homes, one day of 15-minute slots in 103 CPU s; it grows with the homes squared."""


@dataclass(frozen=True)
class Row:
    """One measured value; `baseline` is the bar or the peer it is compared with."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None


def _row(name: str, value: float, unit: str, baseline: float | None) -> Row:
    ratio = None if not baseline else float(f"{value / baseline:.4g}")
    return Row(name, round(value, 4), unit, baseline, ratio)


def _scenario(homes: int, slots: int, strategy: str, *, is_pooled: bool = False) -> dict[str, Any]:
    return {
        "scenario": {"start": "2017-01-01T00:00", "slot_minutes": 15, "slots": slots},
        "tariffs": {
            "retail_eur_per_kwh": {"00:00": 0.2, "07:00": 0.35, "22:00": 0.2},
            "feed_in_eur_per_kwh": 0.08,
        },
        "market": {"mechanism": "mid-market-rate", "pooling": is_pooled},
        "group": [
            {
                "count": homes,
                "battery_wh": 5000,
                "strategy": strategy,
                "soc_min": 0.1,
                "charge_efficiency": 0.98,
                "discharge_efficiency": 0.98,
                "battery_charge_w": 2500,
                "battery_discharge_w": 2500,
            }
        ],
    }


def _simulate(raw: dict[str, Any], sender: Connection) -> None:
    start = time.process_time()
    run(build(scenario_of(raw, Path("bench.toml"))))
    seconds = time.process_time() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    sender.send((seconds, peak_gb))


def measure(raw: dict[str, Any]) -> tuple[float, float]:
    """Return seconds and peak memory in GB of one run in a fresh process."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by NumPy when the child imports it
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_simulate, args=(raw, sender))
    child.start()
    sender.close()
    try:
        seconds, peak_gb = receiver.recv()
    finally:
        child.join()
    return float(seconds), float(peak_gb)


def _year() -> list[Row]:
    seconds, peak_gb = measure(_scenario(623, YEAR_SLOTS, "greedy"))
    return [
        _row("year_623_homes", seconds, "s", 10.0),
        _row("year_623_homes_memory", peak_gb, "GB", 2.0),
        _row("year_623_homes_per_home_day", seconds / 623 / 365 * 1e6, "us", GSY_E_US_PER_HOME_DAY),
    ]


def _scaling() -> list[Row]:
    # As many home-slots in each, so that fixed costs weigh the same.
    small_slots, large_slots = 9600, 96
    small = measure(_scenario(1_000, small_slots, "greedy"))[0] / (1_000 * small_slots)
    large = measure(_scenario(100_000, large_slots, "greedy"))[0] / (100_000 * large_slots)
    return [
        _row("home_slot_of_1000", small * 1e9, "ns", None),
        _row("home_slot_of_100000", large * 1e9, "ns", round(small * 1e9, 4)),
    ]


def _optimal() -> list[Row]:
    rows = []
    for homes, bar_s in ((100, 1.0), (623, 10.0)):
        alone = measure(_scenario(homes, DAY_SLOTS, "optimal"))[0]
        rows.append(_row(f"optimal_{homes}_homes_96_slots", alone, "s", bar_s))
        pooled = measure(_scenario(homes, DAY_SLOTS, "optimal", is_pooled=True))[0]
        rows.append(_row(f"optimal_{homes}_homes_96_slots_pooled", pooled, "s", bar_s))
    return rows


def _feeder() -> list[Row]:
    """What a slot of 20 houses on the feeder takes beyond the same slot without one."""
    if importlib.util.find_spec("pandapower") is None:
        click.echo("feeder: skipped, needs .venv/bin/pip install 'trueque[network]'", err=True)
        return []
    without = _per_slot_ms({})
    return [
        _row(
            f"feeder_{STREET_HOMES}_homes_per_slot_{mode}",
            _per_slot_ms({"network": {"mode": mode}}) - without,
            "ms",
            None,
        )
        for mode in ("report", "before")
    ]


def _per_slot_ms(more: dict[str, Any]) -> float:
    """Return what one more slot takes; loading pandapower and laying the cable are in both runs."""
    day, slot = (
        measure(_scenario(STREET_HOMES, slots, "greedy") | more)[0] for slots in (DAY_SLOTS, 1)
    )
    return (day - slot) / (DAY_SLOTS - 1) * 1000


PARTS: dict[str, Callable[[], list[Row]]] = {
    "year": _year,
    "scaling": _scaling,
    "optimal": _optimal,
    "feeder": _feeder,
}


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of lines.")
@click.option(
    "--part",
    "parts",
    type=click.Choice(list(PARTS)),
    multiple=True,
    help="Measure only these parts.",
)
def sim(is_json: bool, parts: tuple[str, ...]) -> None:
    """Measure the community simulator: 623 homes for a year, scaling, optimal schedules, a feeder.

    Example: trueque bench sim --json
    """
    rows = [row for part in parts or PARTS for row in PARTS[part]()]
    if is_json:
        machine = f"{platform.machine()} {platform.system()}, Python {platform.python_version()}"
        report = {"command": "bench sim", "machine": machine, "rows": [asdict(r) for r in rows]}
        click.echo(json.dumps(report, indent=1))
        return
    for row in rows:
        beside = "" if row.baseline is None else f"  (bar {row.baseline:g} {row.unit})"
        click.echo(f"{row.name:40} {row.value:12.4f} {row.unit}{beside}")
