"""`trueque bench faults`, also `python -m tools.bench.faults`."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from tools.bench.faults.campaign import run


@click.command()
@click.option("--rounds", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1),
              help="To repeat a campaign; by default a fresh one, printed.")  # fmt: skip
@click.option("--houses", type=click.IntRange(2, 20), default=4, show_default=True)
@click.option("--segments", type=click.IntRange(1, 10), default=2, show_default=True)
@click.option("--data", type=click.Path(file_okay=False, path_type=Path),
              help="An empty directory for the site, which then stays. Default: a temporary one, "
              "kept only when something was wrong.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def faults(
    rounds: int, seed: int | None, houses: int, segments: int, data: Path | None, as_json: bool
) -> None:
    """Kill, freeze and cut off the parts of a running bench at random; check what must hold.

    Example: trueque bench faults --rounds 20 --seed 7
    """
    if segments > houses // 2:
        raise click.UsageError(f"--segments {segments}: each needs two of the {houses} houses")
    if data is not None and data.exists() and any(data.iterdir()):
        raise click.UsageError(f"--data {data} is not empty: name a new directory")
    seed = secrets.randbelow(2**32) if seed is None else seed
    directory = data or Path(tempfile.mkdtemp(prefix="trueque-faults-"))
    directory.mkdir(parents=True, exist_ok=True)
    started_s = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - started_s:6.1f} s  {text}", err=True)

    say(f"seed {seed}, site in {directory}")
    result = asyncio.run(run(directory.resolve(), seed, rounds, (houses, segments), say))
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=1))
    counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in result.counts.items())
    say(f"seed {seed}: {result.rounds} rounds, {counts}; {len(result.problems)} problems")
    for problem in result.problems:
        say(problem)
    if data is None and not result.problems:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    faults()
