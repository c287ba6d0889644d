"""Measures clearing: random books enter, seconds beside a sort of the same book leave.

The baseline is `np.lexsort((placed_at, price))` of the whole book, run in turn with the clearing:
no market can clear without ordering its book. Each figure is the least of several runs.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from hub.errors import TruequeError
from hub.market.arrays import MECHANISMS, BookArrays, clear_arrays
from tools.market_files import ORDER_COLUMNS

SEED = 20_221_121
ORDERS_OF_A_PEER = 10
SIZES = {"100k": 100_000, "1m": 1_000_000}
RUNS = 7
COMMAND_ORDERS = 100_000
WINDOW_MS = 9_000_000  # bids of 10:30 to 13:00
START_MS = 1_655_800_200_000


@dataclass(frozen=True)
class Row:
    """One measured value; `ratio` = value / baseline, both None without a baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None


def random_book(orders: int) -> BookArrays:
    """Return bids and offers of random peers, energies, prices and times; half of them match."""
    random = np.random.default_rng(SEED)
    return BookArrays(
        random.random(orders) < 0.5,
        random.integers(0, orders // ORDERS_OF_A_PEER, orders),
        random.integers(34_723, 10**9, orders),
        random.integers(100_000_000, 300_000_000, orders),
        START_MS + random.integers(0, WINDOW_MS, orders),
    )


def measure_clearing(size: str) -> list[Row]:
    """Clear a book by every array mechanism, each in turn with the sort."""
    book = random_book(SIZES[size])
    seconds = dict.fromkeys(MECHANISMS, float("inf"))
    baseline = float("inf")
    for _ in range(RUNS):
        sort = partial(np.lexsort, (book.placed_at_ms, book.price_gwei_per_kwh))
        baseline = min(baseline, _seconds(sort))
        for name in MECHANISMS:
            taken = _seconds(partial(clear_arrays, book, name))
            seconds[name] = min(seconds[name], taken)
    return [
        _row(f"{name.replace('-', '_')}_{size}", taken, baseline) for name, taken in seconds.items()
    ]


def measure_command() -> Row:
    """Run `trueque market clear` on a CSV file of 100,000 orders, start of Python included."""
    with tempfile.TemporaryDirectory(prefix="trueque-clearing-") as directory:
        path = Path(directory) / "orders.csv"
        _write_csv(random_book(COMMAND_ORDERS), path)
        words = ["market", "clear", str(path), "--mechanism", "uniform", "--json"]
        command = [sys.executable, "-m", "tools", *words]
        taken = min(_seconds(lambda: _run(command)) for _ in range(3))
    return _row("command_100k", taken, None)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise TruequeError(f"the command failed: {done.stderr.decode(errors='replace')}")


def _row(name: str, value: float, baseline: float | None) -> Row:
    ratio = None if baseline is None else round(value / baseline, 3)
    shown = None if baseline is None else round(baseline, 5)
    return Row(name, round(value, 5), "s", shown, ratio)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _write_csv(book: BookArrays, path: Path) -> None:
    columns = (book.peer, book.is_bid, book.energy_uwh, book.price_gwei_per_kwh, book.placed_at_ms)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(ORDER_COLUMNS) + "\n")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for number, (peer, is_bid, *amounts) in enumerate(rows, start=1):
            side = "bid" if is_bid else "offer"
            file.write(f"{number},house-{peer},{side},{','.join(map(str, amounts))}\n")


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def clearing(is_json: bool) -> None:
    """Measure clearing of 100 thousand and a million orders beside a sort of the same book.

    Example: trueque bench clearing --json
    """
    log = Console(stderr=True)
    rows = [
        row
        for size in track(SIZES, "clearing", console=log, transient=True)
        for row in measure_clearing(size)
    ]
    rows.append(measure_command())
    if is_json:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        listed = [asdict(row) for row in rows]
        click.echo(json.dumps({"command": "bench clearing", "machine": machine, "rows": listed}))
        return
    table = Table(title="clearing; baseline: np.lexsort((placed_at, price))")
    for heading in ("name", "seconds", "baseline", "ratio"):
        table.add_column(heading, justify="left" if heading == "name" else "right")
    for row in rows:
        beside = ("-", "-") if row.baseline is None else (f"{row.baseline:.4f}", f"{row.ratio:.2f}")
        table.add_row(row.name, f"{row.value:.4f}", *beside)
    Console().print(table)
