"""`trueque board`: a technician's work on boards, one command each."""

from __future__ import annotations

import click

from hub.lazy_group import LazyGroup

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
    "bench": ("tools.board.bench_cli:bench_command", "Time a board's own work on it."),
    "keygen": ("tools.board.release_cli:keygen", "Make the key that signs firmware."),
    "release": ("tools.board.release_cli:release", "Compile and sign firmware for the air."),
}


@click.command("board", cls=LazyGroup, places=_COMMANDS)
def board() -> None:
    """Look after metering boards: from an erased one to a peer that trades.

    Example: trueque board list
    """
