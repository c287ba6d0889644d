"""What runs where: one hub per data directory, its ports, and the file that tells others."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.config import FILE_NAME, SiteConfig
from hub.errors import ConfigError, PortInUse, TruequeError
from hub.processes import free_port, is_port_open, is_udp_port_taken
from hub.store import Store

STATE_FILE = "hub.json"
# "Read keys.json again." Not SIGHUP: that a closed terminal sends, and a hub should end then.
KEYS_SIGNAL = signal.SIGUSR1
# "Look at the store again: somebody else wrote into it."
LOOK_SIGNAL = signal.SIGUSR2
LOCK_FILE = "hub.lock"


class AlreadyRunning(TruequeError):
    """Another hub has this data directory."""


@contextlib.contextmanager
def only_hub(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process. Raises AlreadyRunning."""
    path = data_dir / LOCK_FILE
    with path.open("a+") as file:
        try:
            # The kernel drops it when the process ends, however it ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(
                f"a hub (process {file.read().strip() or 'unknown'}) runs in {data_dir} already; "
                "stop it first, or choose another --data"
            ) from None
        withdraw(data_dir)  # what a hub that was killed left announced
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def known_ports(config: SiteConfig) -> dict[str, int]:
    """Return the ports on which boards reach the hub, for the settings of a board.

    Those of site.toml, else those the hub keeps. Raises ConfigError when there are none yet.
    """
    remembered: dict[str, int] = {}
    if config.store_path.exists():
        store = Store.join(config.store_path)
        try:
            remembered = store.state("ports") or {}
        finally:
            store.close()
    ports = {
        name: getattr(config, name).port or remembered.get(name, 0) for name in ("broker", "ntp")
    }
    problems = [
        f"{name}.port: give a port of your choice, or start the hub once (trueque hub up)"
        for name, port in ports.items()
        if not port
    ]
    if problems:
        raise ConfigError(str(config.data_dir / FILE_NAME), problems)
    return ports


def choose_ports(config: SiteConfig, store: Store) -> dict[str, int]:
    """Return the ports of broker, time server, chain and page.

    A configured port is taken as it is; 0 takes the one of last time, or a free one, and keeps it.
    Raises PortInUse naming the setting.
    """
    remembered = store.state("ports") or {}
    chosen: dict[str, int] = {}
    for name in ("broker", "ntp", "chain", "page"):
        configured: int = getattr(config, name).port
        is_taken = is_udp_port_taken if name == "ntp" else is_port_open
        if configured:
            is_ours = (
                config.ntp.serve if name == "ntp" else name != "broker" or not config.broker.url
            )
            if is_ours and is_taken(configured):
                raise PortInUse(name, configured, f"{name}.port")
            chosen[name] = configured
            continue
        port = remembered.get(name, 0)
        while not port or is_taken(port) or port in chosen.values():
            port = free_port()
        chosen[name] = port
    store.set_state("ports", chosen)
    return chosen


def announce(data_dir: Path, state: dict[str, Any]) -> None:
    """Write what runs where, once everything is ready."""
    path = data_dir / STATE_FILE
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    # The chain's address is secret: with it the chain can be rewritten.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), **state}, file, indent=1)
    os.replace(fresh, path)


def withdraw(data_dir: Path) -> None:
    """Take the announcement back."""
    (data_dir / STATE_FILE).unlink(missing_ok=True)


def tell(data_dir: Path, number: signal.Signals) -> None:
    """Send a signal to the hub of that directory, if one runs."""
    state = announced(data_dir)
    if state is not None:
        os.kill(state["pid"], number)


def announced(data_dir: Path) -> dict[str, Any] | None:
    """Return what a running hub announced, None when none runs."""
    try:
        state: dict[str, Any] = json.loads((data_dir / STATE_FILE).read_text(encoding="utf-8"))
        os.kill(state["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return state
