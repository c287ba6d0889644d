"""A window's or day's report as people read it: its trades as a table, then what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.amounts import money_text, price_text

MOST_ROWS = 40
UWH_PER_MWH = 1_000
WEI_PER_GWEI = 1_000_000_000


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print the report of `hub.report.build`."""
    trades = report["trades"]
    if trades:
        console.print(_table(trades))
    if len(trades) > MOST_ROWS:
        console.print(f"The last {MOST_ROWS} of {len(trades)} trades; all are in the JSON report.")
    for line in lines(report):
        console.print(line, markup=False)


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the report comes to, one sentence each."""
    trades, gain = report["trades"], report["gain"]
    settled = [trade for trade in trades if trade["state"] == "settled"]
    signed = sum(trade["signed"] for trade in settled)
    yield (
        f"{len(settled)} of {len(trades)} trades settled, {signed} of them signed by both boards; "
        f"{_mwh(gain['energy_uwh'])} mWh paid for"
    )
    if settled:
        yield f"Gain over trading with the grid alone: {money_text(gain['gained_wei'])}"
    violations = report["relays"]["violations"]
    yield f"Relay violations: {'not watched, no bench ran' if violations is None else violations}"
    messages = report["messages"]
    refused = sum(messages["rejected"].values())
    yield f"Messages: {messages['received']} received, {refused} refused"


def _table(trades: list[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("trade", justify="right")
    table.add_column("from, to", no_wrap=True)
    for name in ("agreed", "sent", "received", "settled"):
        table.add_column(f"{name}\nmWh", justify="right")
    table.add_column("price\nETH/kWh", justify="right")
    table.add_column("paid\ngwei", justify="right")
    table.add_column("state")
    for trade in trades[-MOST_ROWS:]:
        energies = ("agreed_uwh", "seller_metered_uwh", "buyer_metered_uwh", "settled_uwh")
        table.add_row(
            str(trade["trade_id"]),
            f"{trade['seller']}, {trade['buyer']}",
            *(_mwh(trade[name]) for name in energies),
            price_text(trade["price_gwei_per_kwh"]).split()[0],
            _gwei(trade["paid_wei"]),
            trade["state"] + (f": {trade['reason']}" if trade["reason"] else ""),
        )
    return table


def _mwh(energy_uwh: int | None) -> str:
    return "-" if energy_uwh is None else f"{energy_uwh / UWH_PER_MWH:.3f}"


def _gwei(amount_wei: int | None) -> str:
    return "-" if amount_wei is None else f"{amount_wei / WEI_PER_GWEI:.0f}"
