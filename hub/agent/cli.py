"""`trueque agent`: a house's agent as a process of its own, with that house's key."""

from __future__ import annotations

import dataclasses
import os
import signal
import stat
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from hub import config as configuration
from hub import keys as secrets
from hub.agent.backtest_cli import backtest
from hub.agent.wishes_cli import preferences as wishes_command
from hub.cli_options import data_option
from hub.errors import BadInput
from hub.fields import read_table

SWITCHING_SPAN_S = 30  # of readings that decide whether an appliance runs


@click.group()
def agent() -> None:
    """Run a house's agent away from the hub, on a Raspberry Pi in the house, say; try forecasts.

    Example: trueque agent run --peer house-3 --hub http://127.0.0.1:8080 --key house-3.key
    """


agent.add_command(backtest)
agent.add_command(wishes_command)


@agent.command()
@data_option
@click.option("--peer", required=True, help="The house.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def key(data: Path, peer: str, out: Path) -> None:
    """Write a house's key to a file of its own, on the hub's machine.

    Example: trueque agent key --peer house-3 --out house-3.key
    """
    config = configuration.load(data)
    keys = secrets.load(config.keys_path, [house.name for house in config.houses])
    if peer not in keys.peers:
        raise BadInput(f"--peer {peer}: none of {', '.join(keys.peers)}")
    _write_secret(out, "0x" + bytes(keys.peers[peer].key).hex() + "\n")
    click.echo(f'{out}: carry it to the house\'s machine, then set agent = "away" for {peer}')


@agent.command()
@data_option
@click.option("--peer", required=True, help="The house.")
@click.option("--authority", type=click.Path(path_type=Path), show_default=True,
              default=Path("/etc/mosquitto/certs/trueque.pem"),
              help="Where the site's authority (tls/authority.pem) lies there.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def bridge(data: Path, peer: str, authority: Path, out: Path) -> None:
    """Write the configuration of the Mosquitto in a house, which passes on to the hub's.

    Example: trueque agent bridge --peer house-3 --out trueque-bridge.conf
    """
    from hub import running
    from hub.agent.bridge import bridge_conf

    config = configuration.load(data)
    keys = secrets.load(config.keys_path, [house.name for house in config.houses])
    if peer not in [house.name for house in config.houses]:
        raise BadInput(f"--peer {peer}: no house of that name")
    hub = (config.broker.hosts[0], running.known_ports(config)["broker"])
    found = authority if config.broker.tls else None
    _write_secret(out, bridge_conf(peer, keys.broker_passwords[peer], hub, found))
    click.echo(f"{out}: for /etc/mosquitto/conf.d of the house's machine (docs/agents.md)")


@agent.command()
@click.option("--peer", required=True, help="The house.")
@click.option("--hub", "url", required=True, help="Where the hub's page is.")
@click.option("--key", "key_path", type=click.Path(dir_okay=False, exists=True, path_type=Path),
              required=True, help="What `trueque agent key` wrote.")  # fmt: skip
@click.option("--preferences", type=click.Path(dir_okay=False, exists=True, path_type=Path),
              help="TOML with wishes unlike the usual ones (docs/agents.md).")  # fmt: skip
def run(peer: str, url: str, key_path: Path, preferences: Path | None) -> None:
    """Trade for a house until Ctrl-C: forecast, bid, take, by its wishes; switch its appliances.

    The key stays here: orders, and switching of its flexible plugs, are signed before they leave.
    A hub that is away is waited for.

    Example: trueque agent run --peer house-3 --hub http://127.0.0.1:8080 --key house-3.key
    """
    account = _account(key_path)
    wishes = _wishes(preferences)
    from hub.agent.away import AwayAgent
    from hub.agent.remote import RemoteMarket  # web3 takes a second to import
    from hub.agent.runner import HISTORY_MARGIN_S

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *told: stopping.set())
    usual_span_s = max(wishes.get("averaging_s", 60), SWITCHING_SPAN_S) + HISTORY_MARGIN_S
    market = RemoteMarket(url, peer, account, usual_span_s)
    AwayAgent(peer, market, wishes).run(stopping, _say)
    _say("stopped; its orders stand")


def _write_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. Raises BadInput."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        raise BadInput(f"--out {path}: {problem.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _say(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


def _account(path: Path) -> Any:
    """Read a key file. Raises BadInput; never tells what stands there."""
    from eth_account import Account

    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInput(f"--key {path}: is readable by others; run: chmod 600 {path}")
    try:
        return Account.from_key(path.read_text(encoding="ascii").strip())
    except Exception:  # eth_keys and eth_utils raise many kinds
        raise BadInput(f"--key {path}: holds no private key") from None


def _wishes(path: Path | None) -> dict[str, Any]:
    """Read wishes that differ. Raises BadInput naming each wrong field."""
    if path is None:
        return {}
    from hub.agent.preferences import Preferences

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadInput(f"--preferences {path}: {problem}") from None
    known = {one.name: one for one in dataclasses.fields(Preferences)}
    required = {name: 0 for name, one in known.items() if one.default is dataclasses.MISSING}
    problems: list[str] = []
    read_table(Preferences, {**required, "is_prosumer": True, **table}, "preferences", problems)
    problems += [f"preferences.{name} must not be negative" for name, value in table.items()
                 if isinstance(value, int) and value < 0]  # fmt: skip
    if problems:
        raise BadInput(f"--preferences {path}: " + "; ".join(problems))
    return {**table, "partners": tuple(table["partners"])} if "partners" in table else table
