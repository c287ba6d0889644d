"""`trueque bench`: measurements as ratios to a baseline run or published beside them."""

from __future__ import annotations

import click

from hub.lazy_group import LazyGroup

_COMMANDS = {
    "clearing": (
        "tools.bench.clearing:clearing",
        "Measure clearing of 100 thousand and a million orders beside one sort.",
    ),
    "faults": (
        "tools.bench.faults.__main__:faults",
        "Kill, freeze and cut off parts of a running bench at random; check what must hold.",
    ),
    "gas": ("hub.chain.bench_gas:gas", "Measure the contract's gas on a chain of its own."),
    "ingest": (
        "tools.bench.ingest:ingest",
        "Measure what it takes to store signed readings of a thousand nodes.",
    ),
    "meter": ("tools.bench.meter:meter", "Measure the meter's errors on virtual boards."),
    "oracle": (
        "tools.bench.oracle:oracle",
        "Measure how soon the hub commands and reports: 50 trades on 5 bus segments.",
    ),
    "sim": ("tools.bench.sim:sim", "Measure the community simulator: 623 homes for a year."),
}


@click.command("bench", cls=LazyGroup, places=_COMMANDS)
def bench() -> None:
    """Measure speed, memory and gas as ratios to a baseline.

    Example: trueque bench gas --json
    """
