"""`trueque bench`: measurements as ratios to a baseline run or published beside them."""

from __future__ import annotations

import click

from hub.chain.bench_gas import gas
from tools.bench.clearing import clearing
from tools.bench.meter import meter
from tools.bench.sim import sim


@click.group()
def bench() -> None:
    """Measure speed, memory and gas as ratios to a baseline.

    Example: trueque bench gas --json
    """


bench.add_command(clearing)
bench.add_command(gas)
bench.add_command(meter)
bench.add_command(sim)
