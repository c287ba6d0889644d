"""`trueque board`: a technician's work on boards, one command each."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "list": ("tools.board.list_cli:list_command", "Show which boards are here and what they run."),
    "flash": (
        "tools.board.flash_cli:flash_command",
        "Put MicroPython and the firmware on a board.",
    ),
    "provision": (
        "tools.board.provision_cli:provision_command",
        "Make a board a node of a site: settings, keys, certificate.",
    ),
    "calibrate": (
        "tools.board.calibrate_cli:calibrate_command",
        "Find gain and offset of each channel by known inputs.",
    ),
    "verify": ("tools.board.verify_cli:verify_command", "Let a board test itself; try its relays."),
    "log": ("tools.board.log_cli:log_command", "Follow what a board prints; it keeps running."),
    "keygen": ("tools.board.release_cli:keygen", "Make the key that signs firmware."),
    "release": ("tools.board.release_cli:release", "Compile and sign firmware for the air."),
}


class _Commands(click.Group):
    """Imports a command when it is called, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command("board", cls=_Commands)
def board() -> None:
    """Look after metering boards: from an erased one to a peer that trades.

    Example: trueque board list
    """
