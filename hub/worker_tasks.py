"""How the hub and its ingest workers connect, and what each worker is told to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.board_network import BoardNetwork
from hub.config import SiteConfig
from hub.errors import ConfigError
from hub.honesty.judge import Limits
from hub.keys import Keys
from hub.mqtt.mosquitto import HUB_USER, hub_users
from hub.site_clock import SiteClock
from hub.store import Store
from hub.store.place import StoreUrl

STATE_NAME = "ingest_workers"  # in the store: how many have a session at the broker


@dataclass(frozen=True, repr=False)
class Way:
    """Where the broker is and who the hub is there."""

    address: tuple[str, int] | Path
    user: str
    password: str
    authority: Path | None
    prefix: str

    def client_id(self, name: str) -> str:
        """Return the name of a session: several hubs may share a broker of others."""
        return f"{self.prefix}-{name}"


def way_of(config: SiteConfig, keys: Keys, network: BoardNetwork) -> Way:
    """Return the hub's way to the broker. Raises ConfigError when an account is missing."""
    address = network.broker.hub_address
    if not config.broker.url:
        password = keys.broker_passwords[HUB_USER]
        return Way(address, HUB_USER, password, network.authority, "trueque")
    if keys.broker_account is None:
        needed = 'broker.url needs the hub\'s account there: "broker_account": {"user", "password"}'
        raise ConfigError(str(config.keys_path), [needed])
    user, password = keys.broker_account
    return Way(address, user, password, network.authority, f"trueque-{config.site.name}")


def worker_tasks(
    config: SiteConfig, store: Store, clock: SiteClock, way: Way, limits: Limits
) -> list[dict[str, Any]]:
    """Return a task for each worker; those that an earlier hub had more of give up their share."""
    workers = config.ingest.workers
    before = store.state(STATE_NAME) or 0
    store.set_state(STATE_NAME, workers)
    place, address = config.store_path, way.address
    store_words = {"url": str(place)} if isinstance(place, StoreUrl) else {"path": str(place)}
    return [
        {
            "address": str(address) if isinstance(address, Path) else list(address),
            "user": name if not config.broker.url else way.user,
            "password": way.password,
            "authority": str(way.authority) if way.authority else None,
            "client_id": way.client_id(name),
            "name": name,
            "retire": number > workers,
            "store": store_words,
            "limits": asdict(limits),
            "clock": {
                "start_local": clock.start_local.isoformat(),
                "started_at_ms": clock.started_at_ms,
                "speed": clock.speed,
                "zone": clock.zone.key,
            },
        }
        for number, name in enumerate(hub_users(max(workers, before))[1:], 1)
    ]
