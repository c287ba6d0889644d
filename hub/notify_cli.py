"""`trueque hub notify`: who is told of what; a trial letter to each."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub import config as configuration
from hub import keys as secrets
from hub.cli_options import data_option
from hub.errors import BadInput
from hub.notices.config import Subscriber
from hub.site_clock import wall_ms


@click.command()
@data_option
@click.option(
    "--try", "is_trial", is_flag=True, help="Send each a letter now, and say how it went."
)
@click.option("--secret", "is_secret", is_flag=True,
              help="Print the key that signs letters to webhooks.")  # fmt: skip
def notify(data: Path, is_trial: bool, is_secret: bool) -> None:
    """Show who is told of alarms, markets and trades, and try the way to them.

    Example: trueque hub notify --try
    """
    config = configuration.load(data)
    keys = secrets.load(config.keys_path, [house.name for house in config.houses])
    from hub.notices.ways import LetterRefused, post, send_mail, webhook_secret
    from hub.store import LetterRow

    if is_secret:
        click.echo(webhook_secret(keys.master_key).hex())
        return
    if not config.notices.subscribers:
        raise BadInput(f"{data}/site.toml: nobody stands in [[notify]] (docs/operating.md)")
    table = Table("name", "by", "of", *(["trial"] if is_trial else []))
    all_went = True
    for one in config.notices.subscribers:
        row = [escape(one.name), escape(one.email or one.webhook), _of(one)]
        if is_trial:
            at_ms = wall_ms()
            letter = LetterRow(one.name, "trial", "A trial", "Letters reach you.\n", at_ms, at_ms)
            try:
                if one.email:
                    send_mail(
                        config.notices.smtp, keys.smtp_password, config.site.name, one, letter
                    )
                else:
                    post(webhook_secret(keys.master_key), config.site.name, one, letter)
                row.append("taken")
            except LetterRefused as refused:
                row.append(f"[red]{escape(str(refused))}[/]")
                all_went = False
        table.add_row(*row)
    Console(highlight=False).print(table)
    if not all_went:
        sys.exit(1)


def _of(one: Subscriber) -> str:
    return ", ".join(one.wants) + (f" of {one.house}" if one.house else "")
