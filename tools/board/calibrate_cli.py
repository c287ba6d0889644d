"""`trueque board calibrate`: a board and known inputs in, its calibration in settings.json out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub.errors import BadInput
from tools.board.alone import alone
from tools.board.calibration import (
    BoardUnderTest,
    Channel,
    KnownInputs,
    Outcome,
    calibrate,
    channels_of,
)
from tools.board.on_prompt import BoardAtPrompt
from tools.board.ports import the_port
from tools.board.target import target_options
from tools.board.virtual import VirtualBoard

LARGEST_REFERENCE = 80


class Technician:
    """Known inputs by hand: asks for each, takes what the reference instrument shows."""

    def __init__(self, bench: KnownInputs | None, console: Console) -> None:
        """`bench`: sets what was entered, None where the technician does."""
        self._bench = bench
        self._console = console

    def apply(self, channel: Channel, value: float) -> float:
        """Ask until a number is entered."""
        kind = "AC rms" if channel.is_alternating else "DC"
        if channel.is_resistive:
            kind = "AC rms, by a resistive load alone (heater, kettle),"
        what = f"{channel.name} ({channel.quantity.replace('_', ' ')})"
        if value == 0:
            self._console.print(f"Take all load off {what}, then press Enter.")
            click.prompt("", default="", show_default=False, prompt_suffix="", err=True)
            return self._set(channel, 0.0)
        self._console.print(f"Apply about {value:g} {channel.unit} {kind} to {what}.")
        shown = click.prompt(
            f"The reference shows, in {channel.unit}", type=float, default=value, err=True
        )
        return self._set(channel, shown)

    def _set(self, channel: Channel, value: float) -> float:
        return value if self._bench is None else self._bench.apply(channel, value)


@click.command("calibrate")
@target_options
@click.option("--reference", required=True, help="The instrument that tells the true values.")
@click.option("--channel", "wanted", multiple=True, help="Only this channel; may be repeated.")
@click.option("--yes", is_flag=True, help="Ask nothing: the virtual bench applies each input.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def calibrate_command(
    port: str | None, directory: Path | None, reference: str, wanted: tuple[str, ...],
    yes: bool, is_json: bool,
) -> None:  # fmt: skip
    """Calibrate a board: two known inputs a channel, no load for current transformers.

    The shunts of currents on I2C too; with a mains voltage channel, the delay of the transformer at
    a resistive load. Gain, offset, noise and delay go into the board's settings.json with date and
    reference; the table shows the error between the two points before and after. A virtual board
    that runs must be started again afterwards; a board on a port is.

    Example: trueque board calibrate --port /dev/ttyACM0 --reference "Fluke 87V"
    """
    if not 0 < len(reference) <= LARGEST_REFERENCE:
        raise BadInput(f"--reference: 1 to {LARGEST_REFERENCE} characters")
    if yes and directory is None:
        raise BadInput("--yes: only the virtual bench applies inputs by itself")
    console = Console(stderr=True, highlight=False)
    with _board(port, directory) as (found, bench):
        channels = _chosen(channels_of(found.settings), wanted)
        inputs: KnownInputs = bench if yes and bench else Technician(bench, console)
        outcomes = calibrate(found, inputs, channels, reference, console.print)
        name = found.name
    if is_json:
        report = {"board": name, "channels": [_members(outcome) for outcome in outcomes]}
        click.echo(json.dumps(report, indent=1))
    else:
        Console().print(_table(name, outcomes))


@contextlib.contextmanager
def _board(
    port: str | None, directory: Path | None
) -> Iterator[tuple[BoardUnderTest, KnownInputs | None]]:
    """Yield the board, and the bench that sets its inputs where it is virtual.

    A virtual board is measured without its port: not in real time, so it takes no time.
    """
    if directory is not None:
        if port is not None:
            raise BadInput("--port and --virtual exclude each other")
        with VirtualBoard(directory) as found:
            yield found, found
        return
    with alone(the_port(port)) as (prompt, _):
        yield BoardAtPrompt(prompt), None


def _chosen(channels: list[Channel], wanted: tuple[str, ...]) -> list[Channel]:
    names = [channel.name for channel in channels]
    for name in wanted:
        if name not in names:
            raise BadInput(f"--channel: {name!r} is not one of {', '.join(names)}")
    return [channel for channel in channels if not wanted or channel.name in wanted]


def _members(outcome: Outcome) -> dict[str, Any]:
    return {
        "channel": outcome.channel.name,
        "quantity": outcome.channel.quantity,
        "calibration": outcome.members,
        "error_before_percent": round(outcome.before.error_percent, 4),
        "error_after_percent": round(outcome.after.error_percent, 4),
    }


def _corrections(outcome: Outcome) -> tuple[str, str]:
    """Return gain and offset, or the delay, as the table shows them."""
    members = outcome.members
    if outcome.channel.quantity == "load_power":
        return "", f"{members['delay_ns'] / 1e3:+.1f} us"
    unit = outcome.channel.unit
    return f"{members['gain_ppm'] / 1e6:.6f}", f"{members['offset_micro'] / 1e3:+.1f} m{unit}"


def _table(name: str, outcomes: list[Outcome]) -> Table:
    table = Table(title=f"{name}: error between the calibration points")
    for heading in ("channel", "quantity", "at", "before", "after", "gain", "offset"):
        table.add_column(heading, justify="left" if heading == "channel" else "right")
    for each in outcomes:
        channel = each.channel
        table.add_row(
            channel.name,
            channel.quantity.replace("_", " "),
            f"{each.before.true / 1e6:g} {channel.unit}",
            f"{each.before.error_percent:+.3f} %",
            f"{each.after.error_percent:+.3f} %",
            *_corrections(each),
        )
    return table
