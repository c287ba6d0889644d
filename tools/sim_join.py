"""`trueque sim join` and `leave`: a house of the running bench becomes a simulated prosumer."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hub import config as configuration
from hub.cli_options import data_option
from hub.errors import BadInput
from hub.sim.household import Household, read_household
from hub.simulated import assets_path, state_path, switches_path


@click.command()
@click.argument("house")
@click.argument("assets", type=click.Path(dir_okay=False, path_type=Path))
@data_option
def join(house: str, assets: Path, data: Path) -> None:
    """Let HOUSE of a running bench be simulated from ASSETS, a TOML file with [peer] and [weather].

    Within a second its load and generation are those of its appliances and generators, each of
    which the house switches on the page. Its board, virtual too, meters and trades as before.

    Example: trueque sim join house-3 docs/examples/prosumer.toml --data var/site-5
    """
    boards_dir = _boards_dir(house, data)
    household = read_household(assets, house)
    _check_metered(house, household, data)
    switches_path(boards_dir, house).unlink(missing_ok=True)
    path = assets_path(boards_dir, house)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    # A link: what is changed in the file counts within a second, and its CSV paths hold.
    fresh.symlink_to(assets.resolve())
    os.replace(fresh, path)
    for warning in household.warnings():
        click.echo(f"warning: {warning}", err=True)
    names = ", ".join(one.name for one in household.devices) or "none"
    click.echo(f"{house} joins with the devices {names}; switch them on the page as {house}")


@click.command()
@click.argument("house")
@data_option
def leave(house: str, data: Path) -> None:
    """Let HOUSE replay its measured home again.

    Example: trueque sim leave house-3 --data var/site-5
    """
    boards_dir = _boards_dir(house, data)
    path = assets_path(boards_dir, house)
    if not path.is_symlink():
        raise BadInput(f"{house} is not simulated")
    path.unlink()
    for file in (state_path(boards_dir, house), switches_path(boards_dir, house)):
        file.unlink(missing_ok=True)
    click.echo(f"{house} is no longer simulated")


def _check_metered(house: str, household: Household, data: Path) -> None:
    """Refuse generators where no meter would see them: a consumer's board has none for them."""
    houses = configuration.load(data).houses
    is_consumer = any(one.name == house and one.kind == "consumer" for one in houses)
    generators = [one.name for one in household.devices if one.is_generator]
    if is_consumer and generators:
        prosumers = ", ".join(one.name for one in houses if one.kind == "prosumer")
        raise BadInput(
            f"{house} is a consumer: its board has no meter for {', '.join(generators)}; "
            f"join as {prosumers}, or without generators"
        )


def _boards_dir(house: str, data: Path) -> Path:
    config = configuration.load(data)
    names = [one.name for one in config.houses]
    if house not in names:
        raise BadInput(f"{house}: no house of that name; known are {', '.join(names)}")
    return config.boards_dir
