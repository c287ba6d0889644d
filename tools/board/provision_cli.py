"""`trueque board provision`: a board becomes a node of a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from node.profiles import PROFILES

from hub import config as configuration
from hub import keys as secrets
from hub.config import FILE_NAME, SiteConfig
from hub.errors import BadInput, ConfigError
from hub.network_config import HOST
from hub.running import known_ports
from tools.board.alone import alone
from tools.board.provisioning import Provisioned, Wanted, is_wired, provision
from tools.board.target import target, target_options


@click.command("provision")
@target_options
@click.option("--node", required=True, help="Which house of the site the board is for.")
@click.option("--site", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="The site's directory, where site.toml and keys.json are.")  # fmt: skip
@click.option("--profile", type=click.Choice(sorted(PROFILES)), help="Which sensors are fitted.")
@click.option("--wifi-password-file", "password_file", help="Instead of asking; - reads stdin.",
              type=click.File(encoding="utf-8"))  # fmt: skip
@click.option("--replace", is_flag=True, help="Take over a board that is another node's.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of sentences.")
def provision_command(
    port: str | None, directory: Path | None, node: str, site: Path, profile: str | None,
    password_file: Any, replace: bool, is_json: bool,
) -> None:  # fmt: skip
    """Write a board's settings, keys and certificate; have it make its signing key.

    The private half of that key never leaves the board; the public half is written into the site,
    and the hub approves it at its next start. Calibration and registers of the board stay.

    Example: trueque board provision --node house-1 --site var/site
    """
    config = configuration.load(site)
    names = [house.name for house in config.houses]
    if node not in names:
        raise BadInput(f"--node: {node!r} is not one of {site}'s houses: {', '.join(names)}")
    keys = secrets.load(config.keys_path, names)
    ports = _reachable_ports(config, is_virtual=directory is not None)
    changes = {"profile": profile} if profile else {}
    with target(port, directory) as board, alone(board.port) as (prompt, state):
        needs_password = not is_wired(state) and board.bench is None
        password = _password(config, keys, password_file) if needs_password else None
        wanted = Wanted(config, keys, config.house(node), ports, password, changes, replace)
        done = provision(prompt, state, wanted)
    _tell(done, is_json)


def _reachable_ports(config: SiteConfig, *, is_virtual: bool) -> dict[str, int]:
    """Return where the board finds broker and time. Raises ConfigError with all that is missing."""
    problems: list[str] = []
    ports: dict[str, int] = {}
    try:
        ports = known_ports(config)
    except ConfigError as problem:
        problems += problem.problems
    if not is_virtual and config.broker.hosts[0] == HOST:
        problems.append(
            f"broker.hosts: it is {HOST}, which no board can reach; name the hub's address in the "
            'boards\' network, and let broker.listen be "0.0.0.0" or that address'
        )
    if problems:
        raise ConfigError(str(config.data_dir / FILE_NAME), problems)
    return ports


def _password(config: SiteConfig, keys: secrets.Keys, file: Any) -> str:
    """Return the WiFi's password: from the file, from the site's secrets, or asked for."""
    if file is not None:
        return str(file.readline()).rstrip("\r\n")
    if keys.wifi_password:
        return keys.wifi_password
    question = f"Password of the WiFi {config.boards.wifi_ssid} (not shown)"
    return str(click.prompt(question, hide_input=True, default="", show_default=False, err=True))


def _tell(done: Provisioned, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps(vars(done), indent=1))
        return
    was = f" (it was {done.replaced})" if done.replaced else ""
    click.echo(f"{done.node}: settings and keys are on the board{was}; it signs as {done.address}.")
    if not done.is_calibrated:
        click.echo("It is not calibrated yet: trueque board calibrate")
    click.echo("The hub approves it when it starts next: trueque hub up")
