"""The broker accounts of bridges and of those who read what they publish, each with its topics."""

from __future__ import annotations

from collections.abc import Callable

from wire import topics

from hub.bridges.config import BridgesConfig
from hub.guests import Guest

MARKET_PREFIX = f"{topics.PREFIX}/market"
HOME_PREFIX = f"{topics.PREFIX}/home"
MARKET_USER = "bridge.market"
HOME_USER = "bridge.home-assistant"
PLUGS_USER = "bridge.plugs"
HOME_ASSISTANT = "homeassistant"


def guests(config: BridgesConfig, password_of: Callable[[str], str]) -> list[Guest]:
    """Return the accounts that the bridges which are on need; none is a board's."""
    found: list[Guest] = []

    def add(name: str, read: tuple[str, ...] = (), write: tuple[str, ...] = ()) -> None:
        found.append(Guest(name, password_of(name), read, write))

    if config.market is not None:
        add(MARKET_USER, write=(f"{MARKET_PREFIX}/#",))
        for reader in config.market.readers:
            add(reader, read=(f"{MARKET_PREFIX}/#",))
    if config.home_assistant is not None:
        prefix = config.home_assistant.prefix
        published = (f"{prefix}/+/+/+/config", f"{HOME_PREFIX}/#")
        add(HOME_USER, read=(f"{prefix}/status",), write=published)
        add(HOME_ASSISTANT, read=(f"{prefix}/#", f"{HOME_PREFIX}/#"), write=(f"{prefix}/status",))
    on_mqtt = [plug for plug in config.plugs if plug.kind == "tasmota-mqtt"]
    if on_mqtt:
        told = tuple(f"{kind}/{one.address}/#" for one in on_mqtt for kind in ("tele", "stat"))
        add(PLUGS_USER, read=told, write=tuple(f"cmnd/{one.address}/#" for one in on_mqtt))
    for plug in on_mqtt:
        topic = plug.address
        add(f"plug.{plug.name}", read=(f"cmnd/{topic}/#", "cmnd/tasmotas/#"),
            write=(f"tele/{topic}/#", f"stat/{topic}/#"))  # fmt: skip
    return found
