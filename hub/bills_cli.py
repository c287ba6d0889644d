"""`trueque bills`: exported files enter, a verdict on them leaves; no hub and no site needed."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hub import bill_check, board_keys
from hub.bills_print_cli import print_bills
from hub.errors import BadInput
from hub.store.messages import SNAPSHOT_COLUMNS

Row = dict[str, Any]
_TEXTS = ("node", "peer", "address", "signature")
_BILL_COLUMNS = ("peer", "start_ms", "end_ms", *bill_check.BILLED)
_NULLABLE = (*bill_check.BILLED, *bill_check.REGISTERS, "t_ms")

existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def bills() -> None:
    """Print bills, and check them against what boards signed.

    Example: trueque bills verify snapshots.csv --bills bills.csv --keys var/site/board_keys.json
    """


bills.add_command(print_bills)


@bills.command()
@click.argument("snapshots", type=existing_file)
@click.option("--bills", "bills_path", type=existing_file, help="Bills to check against them.")
@click.option("--keys", "keys_path", type=existing_file,
              help="Public keys of the boards, as provisioning wrote them down.")  # fmt: skip
@click.option("--rpc", help="A node of the chain, to ask the contract for the boards' keys.")
@click.option("--contract", help="The contract's address there.")
@click.option("--model-scale", type=click.IntRange(min=1), default=100, show_default=True,
              help="site.model_scale of the site that made the bills.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def verify(snapshots: Path, bills_path: Path | None, keys_path: Path | None, rpc: str | None,
           contract: str | None, model_scale: int, as_json: bool) -> None:  # fmt: skip
    """Verify exported snapshots and, with them, bills: exit 0 when all agrees, else 1.

    Example: trueque bills verify snapshots.csv --bills bills.csv --keys board_keys.json
    """
    keys = _keys(keys_path, rpc, contract)
    rows = _read(snapshots, SNAPSHOT_COLUMNS, _is_signature)
    billed = _read(bills_path, _BILL_COLUMNS) if bills_path else []
    found = bill_check.check(rows, billed, keys, model_scale)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), indent=1))
    else:
        for problem in found.problems:
            click.echo(problem)
        wrong = f"{len(found.problems)} problems" if found.problems else "all agree"
        click.echo(f"{found.snapshots} snapshots, {found.figures} billed figures: {wrong}")
    sys.exit(1 if found.problems else 0)


def _keys(path: Path | None, rpc: str | None, contract: str | None) -> dict[str, str]:
    if path is not None and rpc is not None:
        raise BadInput("take the boards' keys from one place: --keys FILE or --rpc URL, not both")
    if (path is None) == (rpc is None) or (rpc is None) != (contract is None):
        raise BadInput("give the boards' keys: --keys FILE, or --rpc URL with --contract ADDRESS")
    if path is not None:
        return board_keys.addresses(path)
    from hub.chain.client import MarketClient

    assert rpc is not None and contract is not None
    peers = MarketClient(rpc, contract).peers()
    return {peer.node_id: peer.node_key for peer in peers if peer.node_id and peer.node_key}


def _is_signature(row: Row) -> str | None:
    text = row["signature"]
    is_hex = len(text) == 128 and all(digit in "0123456789abcdef" for digit in text)
    return None if is_hex else "signature must be 128 hexadecimal digits"


def _read(
    path: Path, columns: tuple[str, ...], problem_of: Callable[[Row], str | None] = lambda row: None
) -> list[Row]:
    """Read columns of an exported CSV. Raises BadInput naming file, line and field."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise BadInput(f"{path}: column {missing[0]} is missing")
        rows = []
        for number, texts in enumerate(reader, 2):
            where = f"{path}, line {number}"
            row = {name: _value(name, texts[name], where) for name in columns}
            problem = problem_of(row)
            if problem:
                raise BadInput(f"{where}: {problem}")
            rows.append(row)
    return rows


def _value(name: str, text: str | None, where: str) -> Any:
    if name in _TEXTS and text:
        return text
    if text == "" and name in _NULLABLE:
        return None
    try:
        number = int(text or "")
    except ValueError:
        raise BadInput(f"{where}: {name} must be a whole number, not {text!r}") from None
    if not 0 <= number < 2**64:
        raise BadInput(f"{where}: {name} must be from 0 to 2^64 - 1, not {text}")
    return number
