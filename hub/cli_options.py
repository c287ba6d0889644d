"""Options that several commands of the hub share."""

from __future__ import annotations

from pathlib import Path

import click

DEFAULT_DATA = Path("var/site")

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    help="The site's directory: configuration, keys, store, chain.",
)
