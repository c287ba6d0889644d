"""`trueque sim`: a scenario file enters; indicators, tables and plots of a community leave."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.errors import BadInput
from hub.sim.community import Community
from hub.sim.compare import MARKETS, cases, varied
from hub.sim.compare import compare as comparison
from hub.sim.idle_wishes import idle_among
from hub.sim.outputs import MAX_DETAIL_CELLS, write_columns, write_tables
from hub.sim.reading import read_raw, read_scenario, scenario_of
from hub.sim.responding import simulate
from hub.sim.scenario import COMMUNITY_MECHANISMS, DESIGNS, MECHANISMS, STRATEGIES
from hub.sim.summary import summarise
from tools.sim_join import join, leave

STDERR = Console(stderr=True)
CLUSTER_TIMEOUT_S = 10


@click.group()
def sim() -> None:
    """Simulate a community: who needs, makes, stores and trades what, at which price.

    Example: trueque sim run hub/sim/scenarios/street.toml --out out/street
    """


@sim.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of results.")
@click.option(
    "--format",
    "table_format",
    type=click.Choice(["csv", "parquet"]),
    default="csv",
    show_default=True,
    help="Format of the tables.",
)
@click.option("--plots/--no-plots", "has_plots", default=True, help="Draw plots (PNG).")
@click.option("--json", "is_json", is_flag=True, help="Print summary.json on standard output.")
def run(scenario: Path, out: Path, table_format: str, has_plots: bool, is_json: bool) -> None:
    """Simulate SCENARIO, a TOML file (docs/scenario.md), and write the results to a directory.

    summary.json holds the indicators of the community and of every peer; peers, slots and, for
    small runs, peer_slots and trades are tables; plots are PNG files.

    Example: trueque sim run hub/sim/scenarios/street.toml --out out/street
    """
    read = read_scenario(scenario)
    make_directory(out)
    size = len(read.peers) + sum(group.count for group in read.groups)
    has_details = read.clock.slots * size <= MAX_DETAIL_CELLS
    with Progress(console=STDERR, transient=True, disable=not STDERR.is_terminal) as progress:
        bar = progress.add_task("slots", total=read.clock.slots)
        outcome = simulate(
            read,
            has_details=has_details,
            on_progress=lambda done: progress.update(bar, completed=done),
        )
    summary = {"scenario": read.name, **summarise(outcome)}
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
    written = write_tables(out, outcome, summary, table_format)
    if has_plots:
        from hub.sim.plots import draw_all  # matplotlib takes most of a second to import

        written += draw_all(out, outcome, summary)
    if is_json:
        click.echo(json.dumps(summary, indent=1))
    else:
        _show(outcome.community, summary)
    click.echo(f"wrote {len(written)} files to {out}", err=True)


@sim.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of results.")
@click.option(
    "--markets",
    default="",
    metavar="LIST",
    help="Comma-separated mechanisms, each with its design where not the usual one: "
    "none,mid-market-rate,hybrid:bill-sharing. Default: seven of them.",
)
@click.option(
    "--strategies",
    default="",
    metavar="LIST",
    help="Comma-separated: none,greedy,optimal. Default: what the scenario says.",
)
@click.option(
    "--sizes",
    default="",
    metavar="LIST",
    help="Comma-separated counts for the first [[group]]. Default: its own.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes at a time. Default: all cores.")
@click.option("--cluster", metavar="ADDRESS",
              help="A Dask cluster instead: its scheduler, such as tcp://host:8786.")  # fmt: skip
@click.option("--json", "is_json", is_flag=True, help="Print the rows as JSON.")
def compare(
    scenario: Path,
    out: Path,
    markets: str,
    strategies: str,
    sizes: str,
    jobs: int | None,
    cluster: str | None,
    is_json: bool,
) -> None:
    """Run SCENARIO under several markets, battery strategies and sizes; rank them.

    Writes compare.csv and compare.png. docs/simulator.md defines the indices.

    Example: trueque sim compare hub/sim/scenarios/street.toml --strategies none,greedy --out out
    """
    raw = read_raw(scenario)
    chosen = cases(parse_markets(markets), parse_strategies(strategies), parse_sizes(sizes))
    # Refuse before anything runs.
    compared = [(case.label, scenario_of(varied(raw, case), scenario)) for case in chosen]
    for warning in idle_among(compared):
        click.echo(f"warning: {warning}", err=True)
    make_directory(out)
    with (
        _executor(jobs, cluster) as executor,
        Progress(console=STDERR, transient=True, disable=not STDERR.is_terminal) as progress,
    ):
        bar = progress.add_task("runs", total=len(chosen))
        rows: list[dict[str, Any]] = []
        for rows in comparison(raw, scenario.resolve(), chosen, executor):
            progress.update(bar, completed=len(rows))
    write_columns(out / "compare.csv", {name: [row[name] for row in rows] for name in rows[0]})
    from hub.sim.compare_plot import draw_comparison

    draw_comparison(out / "compare.png", rows)
    if is_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        _show_rows(rows)


sim.add_command(join)
sim.add_command(leave)


@contextlib.contextmanager
def _executor(jobs: int | None, cluster: str | None) -> Iterator[Executor]:
    """Give the processes of this machine, or those of a Dask cluster."""
    if cluster is None:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=context) as executor:
            yield executor
        return
    if jobs is not None:
        raise BadInput("--jobs is of this machine's processes: leave it out with --cluster")
    try:
        from distributed import Client
    except ImportError:
        raise BadInput("--cluster needs Dask: .venv/bin/pip install 'trueque[cluster]'") from None
    try:
        client = Client(cluster, timeout=CLUSTER_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as problem:  # a TimeoutError is an OSError
        raise BadInput(f"--cluster {cluster}: no Dask scheduler answers there: {problem}") from None
    with client:
        yield client.get_executor()


def make_directory(out: Path) -> None:
    """Make the directory of results, before anything is computed for it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(f"--out {out}: {problem.strerror or problem}") from problem


def parse_markets(text: str) -> tuple[tuple[str, str], ...]:
    """Return (design, mechanism) of each word of the option."""
    if not text:
        return MARKETS
    found = []
    for word in text.split(","):
        design, colon, mechanism = word.strip().partition(":")
        if not colon:
            design, mechanism = USUAL_DESIGN.get(design, design), design
        if design == "none":
            mechanism = ""
        elif design not in DESIGNS or mechanism not in MECHANISMS:
            raise BadInput(
                f"--markets: {word!r}: no such market; known are none, " + ", ".join(MECHANISMS)
            )
        found.append((design, mechanism))
    return tuple(found)


USUAL_DESIGN = {
    "none": "none",
    **dict.fromkeys(COMMUNITY_MECHANISMS, "community"),
    **dict.fromkeys(("uniform", "pay-as-bid", "midpoint", "mcafee", "preferred"), "centralised"),
    **dict.fromkeys(("continuous", "bilateral"), "decentralised"),
}


def parse_strategies(text: str) -> list[str | None]:
    """Return the strategies of the option; None keeps the scenario's."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in STRATEGIES:
            raise BadInput(f"--strategies: {word!r} is not one of {', '.join(STRATEGIES)}")
    return [*words] or [None]


def parse_sizes(text: str) -> list[int | None]:
    """Return the sizes of the option; None keeps the scenario's."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if not word.isdigit() or int(word) < 1:
            raise BadInput(f"--sizes: {word!r} is not a positive whole number")
    return [int(word) for word in words] or [None]


def _show_rows(rows: list[dict[str, Any]]) -> None:
    table = Table(title="comparison (compare.csv has all columns)")
    names = ("cost_eur", "traded_kwh", "equality", "overall")
    table.add_column("case", overflow="fold")
    for name in names:  # a name may wrap in a narrow terminal, a number must not lose its digits
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["case"], *(f"{row[name]:,.2f}" for name in names))
    Console().print(table)


def _show(community: Community, summary: dict[str, Any]) -> None:
    table = Table(
        title=f"{summary['scenario']}: {community.size} peers, {summary['slots']} slots "
        f"of {summary['slot_minutes']} min"
    )
    table.add_column("community")
    table.add_column("value", justify="right")
    for name, value in summary["community"].items():
        table.add_row(
            name, "-" if value is None else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
        )
    Console().print(table)
