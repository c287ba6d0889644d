"""`trueque market`: CSV files of orders or net positions in, trades, prices and costs out."""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.errors import BadInput
from hub.market.community import PRICE, Tariff
from hub.market.records import MarketRefusal
from hub.market.sharing import GRID_ACCOUNT
from tools.market_files import HIGHEST_PRICE, read_orders, read_positions
from tools.market_results import (
    MECHANISMS,
    PREFERRED,
    ClearingTerms,
    clear_book,
    clear_wished,
    price_positions,
)
from tools.market_wishes import read_wished_orders

Result = TypeVar("Result")
SHOWN_ROWS = 40


def _warn(sentence: str) -> None:
    click.echo(f"trueque: warning: {sentence}", err=True)


def _answer(path: Path, work: Callable[[], Result]) -> Result:
    """Return what `work` returns; a refusal of the market becomes bad input of the file."""
    try:
        return work()
    except MarketRefusal as refusal:
        raise BadInput(f"{path}: {refusal}") from refusal


def _one_of(known: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str], str]:
    def check(ctx: click.Context, param: click.Parameter, value: str) -> str:
        if value not in known:
            raise BadInput(f"--{param.name}: {value!r} is not one of {', '.join(known)}")
        return value

    return check


def _whole_price(ctx: click.Context, param: click.Parameter, value: str) -> int:
    option = f"--{str(param.name).replace('_', '-')}"
    if not re.fullmatch(r"[0-9]{1,13}", value) or int(value) > HIGHEST_PRICE:
        raise BadInput(
            f"{option}: {value!r} is not a whole number of gwei/kWh from 0 to {HIGHEST_PRICE}"
        )
    return int(value)


def _fraction(ctx: click.Context, param: click.Parameter, value: str) -> Fraction:
    if not re.fullmatch(r"[0-9]{1,7}(/[0-9]{1,7}|\.[0-9]{1,6})?", value):
        raise BadInput(f"--{param.name}: {value!r} is not a fraction such as 1/2 or 0.25")
    try:
        return Fraction(value)
    except ZeroDivisionError:
        raise BadInput(f"--{param.name}: {value!r} divides by zero") from None


@click.group()
def market() -> None:
    """Clear an order book or price a community, exactly.

    Example: trueque market clear orders.csv --mechanism uniform --json
    """


@market.command()
@click.argument("orders", type=click.Path(path_type=Path))
@click.option(
    "--mechanism",
    default="uniform",
    show_default=True,
    callback=_one_of(MECHANISMS),
    help=f"One of {', '.join(MECHANISMS)}.",
)
@click.option(
    "--k",
    default="1/2",
    show_default=True,
    callback=_fraction,
    help="uniform: k bid + (1 - k) offer.",
)
@click.option(
    "--ties",
    default="first-come",
    show_default=True,
    callback=_one_of(("first-come", "pro-rata")),
    help="uniform: who gets the last energy at the margin: first-come or pro-rata.",
)
@click.option(
    "--fee", default="0", show_default=True, callback=_whole_price, help="bilateral: gwei/kWh."
)
@click.option(
    "--distance-charge",
    default="0",
    show_default=True,
    callback=_whole_price,
    help="preferred: gwei/kWh for each km between the columns x_m, y_m of buyer and seller.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def clear(
    orders: Path,
    mechanism: str,
    k: Fraction,
    ties: str,
    fee: int,
    distance_charge: int,
    is_json: bool,
) -> None:
    """Clear ORDERS, a CSV file with the columns order_id, peer, side, energy_uwh,
    price_gwei_per_kwh and placed_at_ms; side is bid or offer.

    With mechanism preferred the file may also have partners, shares_permille, origins, priority,
    origin, community, x_m and y_m (docs/markets.md).

    \b
    Example: trueque market clear orders.csv --mechanism pay-as-bid --json
    """
    try:
        terms = ClearingTerms(mechanism, k, ties, fee)
    except MarketRefusal as refusal:
        raise BadInput(f"--mechanism {mechanism}: {refusal}") from refusal
    if distance_charge and mechanism != PREFERRED:
        raise BadInput("--distance-charge: only preferred knows it")
    with _without_collections(), Console(stderr=True).status(f"clearing {escape(str(orders))}"):
        if mechanism == PREFERRED:
            wished = read_wished_orders(orders, distance_charge, _warn)
            result = _answer(orders, lambda: clear_wished(wished))
        else:
            book = read_orders(orders, _warn)
            result = _answer(orders, lambda: clear_book(book, terms))
    if mechanism == "uniform" and result["trades"] and result["price_gwei_per_kwh"] is None:
        _warn(f"{orders}: one peer holds most of the book; what it buys and sells is priced apart")
    _print(result, is_json, _clearing_table)


@market.command()
@click.argument("positions", type=click.Path(path_type=Path))
@click.option(
    "--mechanism",
    default="mid-market-rate",
    show_default=True,
    callback=_one_of(tuple(PRICE)),
    help=f"One of {', '.join(PRICE)}.",
)
@click.option("--retail", required=True, callback=_whole_price, help="Retail tariff, gwei/kWh.")
@click.option("--feed-in", required=True, callback=_whole_price, help="Feed-in tariff, gwei/kWh.")
@click.option(
    "--compensation",
    default="0",
    show_default=True,
    callback=_whole_price,
    help="supply-demand-ratio: what sellers get beyond feed-in, gwei/kWh.",
)
@click.option("--grid-account", default=GRID_ACCOUNT, show_default=True, help="Its name.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def price(
    positions: Path,
    mechanism: str,
    retail: int,
    feed_in: int,
    compensation: int,
    grid_account: str,
    is_json: bool,
) -> None:
    """Price POSITIONS, a CSV file with the columns peer and net_uwh.

    net_uwh is what a peer has over: positive sells, negative buys. Members pay the buy price or
    get the sell price; the grid account balances them.

    \b
    Example: trueque market price positions.csv --retail 300000000 --feed-in 100000000
    """
    net_uwh = read_positions(positions, _warn)
    if compensation and mechanism != "supply-demand-ratio":
        raise BadInput("--compensation: only supply-demand-ratio knows it")
    try:
        tariff = Tariff(retail, feed_in)
    except MarketRefusal as refusal:
        raise BadInput(f"--feed-in: {refusal}") from refusal
    result = _answer(
        positions,
        lambda: price_positions(net_uwh, tariff, mechanism, compensation, grid_account),
    )
    _print(result, is_json, _price_table)


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Half a million strings of a book hold no cycles; looking for them is a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _print(result: dict[str, Any], is_json: bool, table: Callable[[dict[str, Any]], Table]) -> None:
    if is_json:
        click.echo(json.dumps(result))
    else:
        Console().print(table(result))


def _clearing_table(result: dict[str, Any]) -> Table:
    trades, unmatched = result["trades"], result["unmatched"]
    table = Table(title=f"{result['mechanism']}: {len(trades)} trades")
    for heading in ("bid", "offer"):
        table.add_column(heading)
    for heading in ("energy, uWh", "price, gwei/kWh"):
        table.add_column(heading, justify="right")
    for trade in trades[:SHOWN_ROWS]:
        amounts = f"{trade['energy_uwh']:,}", f"{trade['price_gwei_per_kwh']:,}"
        table.add_row(escape(trade["bid"]), escape(trade["offer"]), *amounts)
    hidden = len(trades) - SHOWN_ROWS
    more = f"{hidden} more trades; " if hidden > 0 else ""
    table.caption = (
        f"{more}{len(unmatched)} orders with energy left; welfare {result['welfare_gwei']} gwei"
    )
    return table


def _price_table(result: dict[str, Any]) -> Table:
    buy, sell = result["buy_gwei_per_kwh"], result["sell_gwei_per_kwh"]
    table = Table(title=f"{result['mechanism']}: buy {buy:,}, sell {sell:,} gwei/kWh")
    table.add_column("peer")
    for heading in ("net, uWh (positive sells)", "cost, gwei"):
        table.add_column(heading, justify="right")
    peers = result["peers"]
    for one in peers[:SHOWN_ROWS]:
        table.add_row(escape(one["peer"]), f"{one['net_uwh']:,}", one["cost_gwei"])
    grid = result["grid"]
    table.add_section()
    table.add_row(escape(grid["account"]), f"{grid['net_uwh']:,}", grid["cost_gwei"])
    if len(peers) > SHOWN_ROWS:
        table.caption = f"{len(peers) - SHOWN_ROWS} more peers"
    return table
