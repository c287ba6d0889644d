"""`trueque export`: the store enters; readings, trades, bills or snapshots leave as CSV or Parquet.

Units stand in the column names; wei are decimal text, for they pass 64 bits.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import rich.console
import rich.progress

from hub import billing, bills
from hub import config as configuration
from hub.config import SiteConfig
from hub.errors import BadInput
from hub.services.events import EVENTS
from hub.store import Store
from hub.store.messages import AGGREGATE_COLUMNS, READING_COLUMNS, SNAPSHOT_COLUMNS
from hub.store.periods import PERIOD_COLUMNS

Row = dict[str, Any]
ROWS_AT_ONCE = 5_000
TRADE_COLUMNS = (
    "trade_id",
    "window_id",
    "order_id",
    "seller",
    "buyer",
    "seller_address",
    "buyer_address",
    "agreed_uwh",
    "price_gwei_per_kwh",
    "matched_at_ms",
    "closed_at_ms",
    "state",
    "seller_metered_uwh",
    "buyer_metered_uwh",
    "settled_uwh",
    "paid_wei",
    "refunded_wei",
    "fee_wei",
    "signatures",
    "attempts",
    "reason",
)
POWER_FACTOR = "load_power_factor_permille"
EVENT_COLUMNS = (
    *("event_id", "start_ms", "end_ms", "reward_gwei_per_kwh", "house", "pledged_uwh"),
    *("accepted_uwh", "baseline_uwh", "metered_uwh", "verified_uwh", "reward_wei", "problem"),
)
COLUMNS = {
    "readings": (*READING_COLUMNS, POWER_FACTOR),
    "aggregates": AGGREGATE_COLUMNS,
    "minutes": PERIOD_COLUMNS,
    "quarters": PERIOD_COLUMNS,
    "trades": TRADE_COLUMNS,
    "bills": tuple(field.name for field in dataclasses.fields(bills.Bill)),
    "snapshots": SNAPSHOT_COLUMNS,
    "events": EVENT_COLUMNS,
}
ISO_UTC = "an ISO date or time, UTC unless it names a zone"


def moment_ms(text: str | None, name: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--{name}: {text!r} is not {ISO_UTC}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return round(moment.timestamp() * 1000)


@click.command()
@click.argument("what", type=click.Choice(list(COLUMNS)))
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), default="var/site",
              show_default=True, help="The site's directory.")  # fmt: skip
@click.option("--format", "file_format", type=click.Choice(["csv", "parquet"]), default="csv",
              show_default=True)  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The file to write; CSV goes to standard output without it.")  # fmt: skip
@click.option("--since", help=f"First moment, {ISO_UTC}.")
@click.option("--until", help="First moment left out, likewise.")
@click.option("--period", type=click.Choice(["all", "day", "month"]), default="day",
              show_default=True, help="Of a bill, in the site's time zone.")  # fmt: skip
def export(what: str, data: Path, file_format: str, out: Path | None, since: str | None,
           until: str | None, period: str) -> None:  # fmt: skip
    """Export readings, trades, bills and signed snapshots, with units in the column names.

    Minutes and quarters (of an hour) hold each register's total at their end and means: they stay
    when readings are removed. The power factor is empty without a voltage at the load or without
    load. Of a trade, `signatures` counts 1 for the seller's board and 2 for
    the buyer's; `reason` is why its last delivery ended early (docs/hub.md). Aggregates are what
    boards metered while they could not reach the hub; --since and --until go by their own time, or
    where their clock was not set by that of their arrival.

    Example: trueque export trades --format parquet --out trades.parquet
    """
    span = (moment_ms(since, "since", 0), moment_ms(until, "until", billing.FOREVER_MS))
    if file_format == "parquet" and out is None:
        raise BadInput("--format parquet needs --out FILE")
    config = configuration.load(data)
    if not config.store_path.exists():
        raise BadInput(f"{config.store_path} does not exist: the hub has not run here yet")
    store = Store.join(config.store_path)
    try:
        rows = _SOURCES[what](config, store, span, period)
        write = _write_parquet if file_format == "parquet" else _write_csv
        write(out, COLUMNS[what], _watched(rows, what))
    except BrokenPipeError:
        raise  # who reads standard output has enough: no matter of files
    except OSError as problem:
        if out is None:
            raise
        raise BadInput(f"--out {out}: {problem.strerror or problem}") from None
    finally:
        store.close()


def _readings(
    config: SiteConfig, store: Store, span: tuple[int, int], period: str
) -> Iterator[Row]:
    for row in store.each_reading(*span):
        yield {**row, POWER_FACTOR: power_factor_permille(row)}


def power_factor_permille(reading: Row) -> int | None:
    """Return real over apparent power of the load as a board does, None where it knows but one."""
    real_uw, apparent_uva = reading["load_power_uw"], reading["load_apparent_uva"]
    return real_uw * 1000 // apparent_uva if real_uw is not None and apparent_uva else None


def _aggregates(
    config: SiteConfig, store: Store, span: tuple[int, int], period: str
) -> Iterator[Row]:
    for row in store.aggregates():
        at_ms = row["received_at_ms"] if row["t_ms"] is None else row["t_ms"]
        if span[0] <= at_ms < span[1]:
            yield row


def _minutes(
    length_s: int, config: SiteConfig, store: Store, span: tuple[int, int], period: str
) -> Iterator[Row]:
    return store.each_period(length_s, *span)


def _snapshots(
    config: SiteConfig, store: Store, span: tuple[int, int], period: str
) -> Iterator[Row]:
    return store.each_snapshot(*span)


def _events(config: SiteConfig, store: Store, span: tuple[int, int], period: str) -> Iterator[Row]:
    for event in store.state(EVENTS) or []:
        if span[0] <= event["start_ms"] < span[1]:
            for name, house in event["houses"].items():
                row = {**event, **house, "house": name}
                yield {column: row[column] for column in EVENT_COLUMNS}


def _trades(config: SiteConfig, store: Store, span: tuple[int, int], period: str) -> Iterator[Row]:
    names = {peer.peer: peer.node for peer in store.peers()}
    for trade in store.trades():
        if span[0] <= trade.matched_at_ms < span[1]:
            row = dataclasses.asdict(trade)
            row["agreed_uwh"] = trade.energy_uwh
            row["seller_address"], row["buyer_address"] = trade.seller, trade.buyer
            row["seller"], row["buyer"] = names.get(trade.seller), names.get(trade.buyer)
            attempts = store.deliveries(trade.trade_id)
            row["attempts"] = len(attempts)
            row["reason"] = attempts[-1].reason if attempts else None
            yield {name: row[name] for name in TRADE_COLUMNS}


def _bills(config: SiteConfig, store: Store, span: tuple[int, int], period: str) -> Iterator[Row]:
    for billed in billing.periods_billed(config, store, span, period):
        yield from (dataclasses.asdict(bill) for bill in billed.bills)


_SOURCES: dict[str, Callable[[SiteConfig, Store, tuple[int, int], str], Iterator[Row]]] = {
    "readings": _readings,
    "aggregates": _aggregates,
    "minutes": functools.partial(_minutes, 60),
    "quarters": functools.partial(_minutes, 900),
    "trades": _trades,
    "bills": _bills,
    "snapshots": _snapshots,
    "events": _events,
}

# Writing ----------------------------------------------------------------------------------------


def _watched(rows: Iterable[Row], what: str) -> Iterable[Row]:
    """Show progress on a terminal, on standard error."""
    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        return rows
    return rich.progress.track(rows, what, console=console, transient=True)


def _write_csv(out: Path | None, columns: Sequence[str], rows: Iterable[Row]) -> None:
    if out is None:
        _write_lines(sys.stdout, columns, rows)
        return
    with out.open("w", newline="", encoding="utf-8") as file:
        _write_lines(file, columns, rows)


def _write_lines(file: Any, columns: Sequence[str], rows: Iterable[Row]) -> None:
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)  # None becomes an empty field


def _write_parquet(out: Path | None, columns: Sequence[str], rows: Iterable[Row]) -> None:
    import pyarrow
    import pyarrow.parquet

    assert out is not None
    schema = pyarrow.schema([(name, _arrow_type(name, pyarrow)) for name in columns])
    with pyarrow.parquet.ParquetWriter(out, schema) as writer:
        remaining = iter(rows)
        while batch := list(itertools.islice(remaining, ROWS_AT_ONCE)):
            plain = [{name: _plain(name, value) for name, value in row.items()} for row in batch]
            writer.write_table(pyarrow.Table.from_pylist(plain, schema=schema))


_TEXT = ("node", "seller", "buyer", "seller_address", "buyer_address", "state", "peer", "address",
         "signature", "bases", "load_source", "house", "problem", "reason")  # fmt: skip


def _arrow_type(name: str, pyarrow: Any) -> Any:
    is_text = name in _TEXT or name.endswith("_wei")
    return pyarrow.string() if is_text else pyarrow.int64()


def _plain(name: str, value: Any) -> Any:
    return str(value) if name.endswith("_wei") and value is not None else value
