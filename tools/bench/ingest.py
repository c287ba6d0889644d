"""`trueque bench ingest`: how many signed readings the hub stores, how late, at what cost.

A hub, its broker and a load generator run as processes of their own; time on the processor is taken
from the kernel, the generator's apart.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hub import config as configuration
from hub import keys as secrets
from hub.config import House
from hub.errors import TruequeError
from tools.bench import old_readings
from tools.bench.meter_rows import Row, row_of

BAR_P99_MS, BAR_MEMORY_MB = 250.0, 400.0
FLAT = 1.25  # cost per message at the most nodes to that at the fewest
SMALLER = (100, 300)  # node counts whose cost is shown beside
SMALLER_S = 60
SETTLE_S = 5.0
NODES_PER_GENERATOR = 1_000
TICK_HZ = os.sysconf("SC_CLK_TCK")


class IngestFailed(TruequeError):
    """A part of the measurement did not start, or readings were lost."""


@dataclass(frozen=True)
class Load:
    """What a run is to be."""

    nodes: int
    seconds: int
    broker: str
    period_ms: int
    workers: int
    has_old: bool = False


@dataclass(frozen=True)
class Run:
    """What one run found."""

    nodes: int
    seconds: int
    broker: str
    sent: int
    acknowledged: int
    stored: int
    rejected: int
    p50_ms: int
    p99_ms: int
    most_ms: int
    hub_cpu_s: float
    broker_cpu_s: float
    generator_cpu_s: float
    generator_late_ms: float
    memory_mb: float
    removed: int  # old readings that went meanwhile

    @property
    def cost_us(self) -> float:
        """CPU of hub and broker for each message stored."""
        return (self.hub_cpu_s + self.broker_cpu_s) * 1e6 / max(1, self.stored)


@click.command()
@click.option("--nodes", type=click.IntRange(1, 10_000), default=1_000, show_default=True)
@click.option("--seconds", type=click.IntRange(5, 86_400), default=600, show_default=True)
@click.option("--broker", type=click.Choice(["auto", "mosquitto", "embedded"]), default="auto")
@click.option("--period-ms", type=click.IntRange(100, 60_000), default=1_000, show_default=True,
              help="Between two readings of a node.")  # fmt: skip
@click.option("--workers", type=click.IntRange(0, 16), default=0, show_default=True,
              help="Processes that share the storing; their cost counts as the hub's.")  # fmt: skip
@click.option("--with-old", is_flag=True, help="Begin with a store whose old readings, as many "
              "as will come, become due for removal meanwhile.")  # fmt: skip
@click.option("--alone", is_flag=True, help="Without the shorter runs of 100 and 300 nodes.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def ingest(
    nodes: int,
    seconds: int,
    broker: str,
    period_ms: int,
    workers: int,
    with_old: bool,
    alone: bool,
    is_json: bool,
) -> None:
    """Measure what it takes to store signed readings of many nodes, each with its own TLS.

    Example: trueque bench ingest --nodes 300 --seconds 60 --json
    """
    console = Console(stderr=True, highlight=False)
    raise_file_limit(2 * nodes + 200)
    smaller = [] if alone else [count for count in SMALLER if count < nodes]
    runs = []
    for count in [*smaller, nodes]:
        length_s = seconds if count == nodes else min(SMALLER_S, seconds)
        console.print(f"{count} nodes for {length_s} s ...")
        with tempfile.TemporaryDirectory() as directory:
            load = Load(count, length_s, broker, period_ms, workers, with_old)
            runs.append(run_once(Path(directory), load))
    rows = rows_of(runs)
    if is_json:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        listed = [asdict(row) for row in rows]
        click.echo(json.dumps({"command": "bench ingest", "machine": machine, "rows": listed}))
        return
    for row in rows:
        bar = "" if row.baseline is None else f"   (bar {row.baseline:g})"
        click.echo(f"{row.name:36} {row.value:12g} {row.unit}{bar}")


def raise_file_limit(wanted: int) -> None:
    """Let this process and its children open so many files. Raises IngestFailed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise IngestFailed(f"this needs {wanted} open files, the limit is {hard}: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def rows_of(runs: list[Run]) -> list[Row]:
    """Return the rows of all runs; bars belong to the last, the whole one."""
    last = runs[-1]
    rows = [
        row_of("sent", last.sent, "messages", None),
        row_of("stored_share", last.stored / last.sent, "", 1.0),
        row_of("rejected", last.rejected, "messages", None),
        row_of("old_readings_removed", last.removed, "readings", None),
        row_of("reading_to_store_p50", last.p50_ms, "ms", None),
        row_of("reading_to_store_p99", last.p99_ms, "ms", BAR_P99_MS),
        row_of("reading_to_store_most", last.most_ms, "ms", None),
        row_of("memory", last.memory_mb, "MB", BAR_MEMORY_MB),
        row_of("hub_cpu", last.hub_cpu_s / last.seconds * 100, "% of a core", None),
        row_of("broker_cpu", last.broker_cpu_s / last.seconds * 100, "% of a core", None),
        row_of("generator_cpu", last.generator_cpu_s / last.seconds * 100, "% of a core", None),
        row_of("generator_late", last.generator_late_ms, "ms", None),
    ]
    rows += [row_of(f"cost_{one.nodes}_nodes", one.cost_us, "CPU us/message", None) for one in runs]
    if len(runs) > 1:
        rows.append(row_of("cost_growth", last.cost_us / runs[0].cost_us, "", FLAT))
    return rows


def run_once(directory: Path, load: Load) -> Run:
    """Run a fresh site of so many nodes for so long. Raises IngestFailed."""
    words = _make_site(directory, load)
    if load.has_old:
        old_readings.fill(directory, load.seconds, load.period_ms)
    with _process("tools.bench.ingest_hub", str(directory)) as hub, contextlib.ExitStack() as stack:
        place = _hear(hub, "the hub")
        parts = [
            stack.enter_context(_process("tools.bench.load_nodes"))
            for _ in range(0, load.nodes, NODES_PER_GENERATOR)
        ]
        for number, part in enumerate(parts):
            share = words[number * NODES_PER_GENERATOR : (number + 1) * NODES_PER_GENERATOR]
            _tell(part, {**place, "nodes": share, "seed": number})
        for part in parts:
            _hear(part, "the load generator")
        return _measure(hub, parts, place, load)


def _measure(
    hub: subprocess.Popen[str], parts: list[subprocess.Popen[str]], place: Mapping[str, Any],
    load: Load,
) -> Run:  # fmt: skip
    time.sleep(SETTLE_S)  # the connections' own work is over
    removed = _ask(hub, "clear")["removed"]
    pids = {"hub": [hub.pid, *place["worker_pids"]], "broker": [place["broker_pid"]]}
    before = {name: sum(map(_cpu_s, some)) for name, some in pids.items()}
    start_s = time.time() + 0.5
    for part in parts:
        _tell(
            part, {"start_s": start_s, "seconds": load.seconds, "period_s": load.period_ms / 1000}
        )
    found = [_hear(part, "the load generator") for part in parts]
    sent = sum(one["sent"] for one in found)
    deadline = time.monotonic() + 30
    while (state := _ask(hub, "state"))["stored"] < sent and time.monotonic() < deadline:
        time.sleep(0.2)
    used = {name: sum(map(_cpu_s, some)) - before[name] for name, some in pids.items()}
    return Run(
        nodes=load.nodes,
        seconds=load.seconds,
        broker=place["broker"],
        sent=sent,
        acknowledged=sum(one["acknowledged"] for one in found),
        stored=state["stored"],
        rejected=sum(state["counts"]["rejected"].values()),
        p50_ms=state["p50_ms"],
        p99_ms=state["p99_ms"],
        most_ms=state["most_ms"],
        hub_cpu_s=used["hub"],
        broker_cpu_s=used["broker"],
        generator_cpu_s=sum(one["cpu_s"] for one in found),
        generator_late_ms=max(one["late_ms"] for one in found),
        memory_mb=sum(_peak_bytes(pid) for some in pids.values() for pid in some) / 1e6,
        removed=state["removed"] - removed,
    )


def _make_site(directory: Path, load: Load) -> list[dict[str, str]]:
    """Write a site; return the credentials of its nodes."""
    houses = [House(f"house-{number}", "prosumer", "bus-1") for number in range(1, load.nodes + 1)]
    configuration.write(
        directory,
        houses,
        broker={"kind": load.broker},
        ingest={"workers": load.workers},
        clock={"zone": "UTC"},
        schedule={"mode": "none"},
    )
    keys = secrets.create(directory / "keys.json", [house.name for house in houses])
    return [
        {
            "name": house.name,
            "password": keys.broker_passwords[house.name],
            "key": keys.node_key(house.name, "up").hex(),
        }
        for house in houses
    ]


@contextlib.contextmanager
def _process(module: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module that is spoken to by lines of JSON; it ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def _tell(process: subprocess.Popen[str], members: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(members) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        raise IngestFailed("a part of the measurement has ended; see what it said above") from None


def _hear(process: subprocess.Popen[str], what: str) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise IngestFailed(f"{what} has ended; see what it said above")
    found: dict[str, Any] = json.loads(line)
    return found


def _ask(hub: subprocess.Popen[str], question: str) -> dict[str, Any]:
    _tell(hub, {"ask": question})
    return _hear(hub, "the hub")


def _cpu_s(pid: int) -> float:
    """Return the time a process and its threads have had (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_HZ


def _peak_bytes(pid: int) -> int:
    """Return the most memory a process has had resident (proc(5): VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0
