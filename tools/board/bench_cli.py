"""`trueque board bench`: what the firmware costs the board it runs on, part by part."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from node.adc import BLOCK_MS
from rich.console import Console
from rich.table import Table

from hub.provision import FILE_NAME
from tools.bench.meter_rows import Row, row_of
from tools.board.alone import alone
from tools.board.errors import BoardError
from tools.board.state import SELECT
from tools.board.target import target, target_options

ON_BOARD = Path(__file__).with_name("on_board_costs.py")
"""Runs on the board; prints one JSON object."""
PATIENCE_S = 60.0
"""Of silence: it says nothing until it is done, on a board after some 5 s."""
SHARE_PERCENT = 15.0
UNITS = {"us": "us", "bytes": "bytes"}


@click.command("bench")
@target_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def bench_command(port: str | None, directory: Path | None, is_json: bool) -> None:
    """Time a board's own work on it: metering, records, saves, collections, free memory.

    The node is stopped meanwhile, its relays open, and started again at the end; counts and
    settings stay as they are. A virtual board's times are this computer's.

    Example: trueque board bench --port /dev/ttyACM0
    """
    console = Console(stderr=True, highlight=False)
    with target(port, directory) as found, alone(found.port) as (prompt, state):
        if prompt.read(FILE_NAME) is None:
            raise BoardError(
                f"{found.port}: the board has no settings; first: trueque board provision"
            )
        with console.status("measuring"):
            costs = prompt.ask(SELECT + ON_BOARD.read_text(encoding="utf-8"), PATIENCE_S)
    rows = list(rows_of(costs))
    version = ".".join(map(str, state.micropython))
    machine = f"{state.kind}, MicroPython {version}"
    if is_json:
        told = {"command": "board bench", "machine": machine}
        click.echo(json.dumps(told | {"rows": [dataclasses.asdict(row) for row in rows]}))
    else:
        Console().print(_table(state.node or "", machine, rows))


def rows_of(costs: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each cost, and the share of the processor that metering takes."""
    for name, value in sorted(costs.items()):  # the board tells them in any order
        stem, _, unit = name.rpartition("_")
        known = UNITS.get(unit)
        yield row_of(stem if known else name, float(value), known or "")
    share = costs["sampler_block_us"] / (BLOCK_MS * 1000) * 100
    yield row_of("metering_share", share, "%", SHARE_PERCENT)


def _table(node: str, machine: str, rows: list[Row]) -> Table:
    table = Table(title=f"work of {node}: {machine}")
    table.add_column("part")
    for heading in ("", "bar"):
        table.add_column(heading, justify="right")
    for row in rows:
        bar = "" if row.baseline is None else f"{row.baseline:g} {row.unit}"
        table.add_row(row.name.replace("_", " "), f"{row.value:g} {row.unit}".strip(), bar)
    return table
