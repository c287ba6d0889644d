"""`trueque board`: a technician's work on boards, one command each."""

from __future__ import annotations

import click

from tools.board.calibrate_cli import calibrate_command
from tools.board.flash_cli import flash_command
from tools.board.list_cli import list_command


@click.group()
def board() -> None:
    """Look after metering boards: from an erased one to a peer that trades.

    Example: trueque board list && trueque board flash
    """


for _command in (list_command, flash_command, calibrate_command):
    board.add_command(_command)
