"""`trueque board verify`: a board tries its parts; what is wrong, and what to do about it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tools.board import checks
from tools.board.alone import alone
from tools.board.checks import FAIL, Check
from tools.board.commissioning import Assistant, commission
from tools.board.firmware import build_for
from tools.board.flashing import hashes_on
from tools.board.on_prompt import BoardAtPrompt
from tools.board.prompt import Prompt
from tools.board.state import BoardState
from tools.board.target import target, target_options
from tools.board.virtual_port import VirtualPort

COLOURS = {"pass": "green", "fail": "bold red", "skip": "dim", "note": "yellow"}


class Technician:
    """Answers of the person at the bench."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def may_close(self) -> bool:
        """Ask before anything moves."""
        self._console.print(
            "Each relay is now closed alone for 0.4 s. Stand at STOP, START pressed; no other "
            "house and no supply on the bus."
        )
        return click.confirm("Is that so?", default=False, err=True)

    def join_supply(self, is_joined: bool) -> bool:
        """Ask for a supply on the bus."""
        if not is_joined:
            self._console.print("Take the supply off the bus.")
            click.prompt("Then press Enter", default="", show_default=False, err=True)
            return True
        self._console.print("Join a supply of 12 to 13 V, limited to 0.5 A, to X10 (plus to plus).")
        return click.confirm("Is it there?", default=False, err=True)

    def heard(self, relay: str) -> bool:
        """Ask for what no sensor shows."""
        return click.confirm(f"Did relay {relay} click, and its LED light?", err=True)


class BenchAssistant:
    """The virtual bench in the technician's place: its supply, its relays' ears."""

    def __init__(self, bench: VirtualPort) -> None:
        self._bench = bench

    def may_close(self) -> bool:
        """Nobody else is on a bus of its own."""
        return True

    def join_supply(self, is_joined: bool) -> bool:
        """Join the bench supply."""
        self._bench.join_supply(is_joined)
        return True

    def heard(self, relay: str) -> bool:
        """A relay that is not stuck is heard."""
        return self._bench.faults.get(relay.lower()) != "stuck_open"


class Nobody:
    """Without a technician no relay moves."""

    def may_close(self) -> bool:
        """Nobody has looked."""
        return False

    def join_supply(self, is_joined: bool) -> bool:
        """There is none."""
        return False

    def heard(self, relay: str) -> bool:
        """Nobody listens."""
        return False


@click.command("verify")
@target_options
@click.option("--no-relays", is_flag=True, help="Leave the relays alone and ask nothing.")
@click.option("--no-network", is_flag=True, help="Do not join the network.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def verify_command(
    port: str | None, directory: Path | None, no_relays: bool, no_network: bool, is_json: bool
) -> None:
    """Test a board: sensors, relays, network, clock, memory, flash, calibration, key, firmware.

    The node is stopped meanwhile and started again at the end. Relays are closed only after you
    agreed, one at a time, on a dead bus or a supply of yours. Exit 0 if nothing failed, else 1.

    Example: trueque board verify --port /dev/ttyACM0
    """
    console = Console(stderr=True, highlight=False)
    with target(port, directory) as found, alone(found.port) as (prompt, state):
        assistant: Assistant = Technician(console)
        if no_relays:
            assistant = Nobody()
        elif found.bench is not None:
            assistant = BenchAssistant(found.bench)
        with console.status("testing") as busy:
            board = BoardAtPrompt(prompt)
            report = _quiet_checks(prompt, state, board, not no_network)
            busy.stop()
            report += commission(board, assistant)
    has_failed = any(check.status == FAIL for check in report)
    if is_json:
        lines = [vars(check) for check in report]
        told = {"node": board.name, "kind": state.kind, "is_good": not has_failed, "checks": lines}
        click.echo(json.dumps(told, indent=1))
    else:
        Console().print(_table(board.name, report))
    if has_failed:
        sys.exit(1)


def _quiet_checks(
    prompt: Prompt, state: BoardState, board: BoardAtPrompt, has_network: bool
) -> list[Check]:
    """Everything that moves nothing."""
    calibration = board.settings.get("calibration", {})
    report = checks.sensor_checks(
        board.settings, board.ask("measure", calibration), board.ask("parts")
    )
    if has_network:
        network = board.ask("network")
        report += checks.network_checks(network, board.ask("time") if network["is_up"] else None)
    report += checks.store_checks(board.ask("memory"), board.ask("flash"))
    return report + checks.identity_checks(
        board.ask("calibrated"), board.ask("public_key"), build_for(state), hashes_on(prompt)
    )


def _table(name: str, report: list[Check]) -> Table:
    table = Table(title=f"self-test of {name}")
    for heading in ("part", "", "found", "what to do"):
        table.add_column(heading)
    for check in report:
        colour = COLOURS[check.status]
        status = f"[{colour}]{check.status}[/{colour}]"
        table.add_row(check.part, status, check.found, check.advice)
    return table
