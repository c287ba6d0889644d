"""`trueque board log`: what a board prints, as it prints it; nothing is typed to the board."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import serial

from tools.board.errors import CableLost
from tools.board.line import open_line
from tools.board.target import target, target_options


@click.command("log")
@target_options
def log_command(port: str | None, directory: Path | None) -> None:
    """Follow what a board prints until Ctrl-C. The board is not interrupted, then or before.

    Example: trueque board log --port /dev/ttyACM0
    """
    with target(port, directory) as found, open_line(found.port) as line:
        try:
            while True:
                said = line.read(max(1, line.in_waiting))
                sys.stdout.write(said.decode(errors="replace").replace("\r", ""))
                sys.stdout.flush()
        except KeyboardInterrupt:
            click.echo("(the board keeps running)", err=True)
        except (OSError, serial.SerialException) as problem:
            raise CableLost(found.port) from problem
