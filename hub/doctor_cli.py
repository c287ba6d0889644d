"""`trueque hub doctor`: everything about a site is examined; findings and remedies are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub import doctor as doctors
from hub.cli_options import data_option
from hub.doctor.findings import FAILED, GOOD, WARNING, Finding
from hub.errors import TruequeError

_STYLES = {GOOD: "green", WARNING: "yellow", FAILED: "bold red"}


@click.command()
@data_option
@click.option("--fix", is_flag=True, help="Offer to do what can be done without harm.")
@click.option("--yes", is_flag=True, help="With --fix: don't ask.")
@click.option("--json", "as_json", is_flag=True, help="Plain JSON on standard output.")
def doctor(data: Path, fix: bool, yes: bool, as_json: bool) -> None:
    """Find what is wrong with a site and say what to do; exits 1 when something has failed.

    Example: trueque hub doctor --data var/site --fix
    """
    found = doctors.examine(data)
    if fix and _mend(found, yes):
        found = doctors.examine(data)
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], indent=1))
    else:
        _print(found)
    if any(one.level == FAILED for one in found):
        sys.exit(1)


def _mend(found: list[Finding], is_agreed: bool) -> bool:
    """Do each remedy that the person agrees to; True when one was done."""
    done = False
    for one in found:
        if one.mend is None:
            continue
        if not is_agreed and not click.confirm(f"{one.sentence}: {one.remedy}?", err=True):
            continue
        try:
            one.mend()
        except (OSError, TruequeError) as problem:
            click.echo(f"trueque: {one.remedy}: {problem}", err=True)
            continue
        done = True
    return done


def _plain(one: Finding) -> dict[str, object]:
    return {
        "part": one.part,
        "level": one.level,
        "sentence": one.sentence,
        "remedy": one.remedy,
        "can_be_fixed_here": one.mend is not None,
    }


def _print(found: list[Finding]) -> None:
    console = Console(highlight=False)
    table = Table("part", "", "found", "what to do")
    for one in found:
        remedy = one.remedy + (" (--fix does it)" if one.mend else "")
        level = f"[{_STYLES[one.level]}]{one.level}[/]"
        table.add_row(one.part, level, escape(one.sentence), escape(remedy))
    console.print(table)
    counts = {level: sum(one.level == level for one in found) for level in (WARNING, FAILED)}
    console.print(f"{counts[FAILED]} failed, {counts[WARNING]} warnings")
