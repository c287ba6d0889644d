"""`trueque board list`: which boards are here, and what is on them."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hub.errors import TruequeError
from tools.board.errors import BoardError, NoBoard
from tools.board.line import check_line
from tools.board.ports import boot_drives, serial_boards
from tools.board.prompt import Prompt
from tools.board.state import BoardState, look

NOTHING = (
    "no board found: plug one in with a cable that carries data, or hold its BOOTSEL button while "
    "you plug it in"
)


@click.command("list")
@click.option("--port", "ports", multiple=True, help="Look here too, such as socket://HOST:PORT.")
@click.option("--no-ask", is_flag=True, help="Leave running boards alone: ports only.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
def list_command(ports: tuple[str, ...], no_ask: bool, is_json: bool) -> None:
    """Show the boards that are plugged in, what they run and whose they are.

    Asking interrupts a board: its relays open, and it starts again afterwards. With --no-ask only
    the ports are shown. Exit code 1 when no board answers at a port named by --port.

    Example: trueque board list --json
    """
    numbers = {each.port: each.serial_number for each in serial_boards()}
    ask = (lambda port: _try(port) if port in ports else None) if no_ask else _ask
    found = [
        _board(port, numbers.get(port, ""), ask(port)) for port in dict.fromkeys((*numbers, *ports))
    ]
    is_wrong = any(each["port"] in ports and each["problem"] for each in found)
    for drive in boot_drives():
        place = str(drive.path) if drive.path else f"{drive.label} (not mounted)"
        found.append({**_board(place, "", None), "kind": f"{drive.chip}, BOOTSEL"})
    if is_json:
        click.echo(json.dumps({"boards": found}, indent=1))
    elif found:
        Console().print(_table(found))
    else:
        click.echo(NOTHING, err=True)
    if is_wrong:
        raise SystemExit(TruequeError.exit_code)


def _ask(port: str) -> BoardState | str:
    """Return what is on a board, or why it does not say."""
    try:
        with Prompt(port) as prompt:
            state = look(prompt)
            if state.has_program and not state.is_waiting:
                prompt.restart()
            return state
    except (BoardError, NoBoard) as problem:
        return str(problem)


def _try(port: str) -> str | None:
    """Return why a port can't be opened, if it can't; the board is not interrupted."""
    try:
        check_line(port)
    except (BoardError, NoBoard) as problem:
        return str(problem)
    return None


def _board(port: str, serial_number: str, answer: BoardState | str | None) -> dict[str, Any]:
    state = answer if isinstance(answer, BoardState) else None
    return {
        "port": port,
        "kind": state.kind if state else None,
        "unique_id": state.unique_id if state else serial_number,
        "micropython": state.micropython_text if state else None,
        "node": state.node if state else None,
        "firmware": state.firmware if state else None,
        "is_waiting": state.is_waiting if state else None,
        "problem": answer if isinstance(answer, str) else None,
    }


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table("port", "kind", "MicroPython", "node", "firmware", "")
    for each in found:
        note = each["problem"] or ("not flashed to the end" if each["is_waiting"] else "")
        cells = [each[name] or "-" for name in ("kind", "micropython", "node", "firmware")]
        table.add_row(each["port"], *cells, note)
    return table
