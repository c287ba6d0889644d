"""A site and a board in; the board is a node of it, and the site knows the board's public key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from node.settings import Settings, SettingsError

from hub import board_keys
from hub.chain.board_signature import address_of
from hub.config import SiteConfig
from hub.config_tables import House
from hub.errors import BadInput
from hub.keys import Keys
from hub.provision import AUTHORITY_NAME, FILE_NAME, authority_for_boards, board_settings
from tools.board.errors import BoardError
from tools.board.prompt import Prompt
from tools.board.state import SELECT, BoardState

MEASURED = "calibration"
FITTED = (
    "profile",
    "sensors",
    "divider_ratio",
    "spike_correction",
    "regulator_pwm",
    "mains_voltage_mv",
)
"""What belongs to the board and its wiring, not to the site: kept when it is provisioned again."""
CARRIERS = {"W5500-EVB-Pico": "w5500_evb_pico"}
"""Boards with a network other than the radio, by kind: the setting `board`."""

_IDENTITY = (
    SELECT
    + """
import json, machine
from node import identity
made = identity.load_or_make(machine.unique_id())
print(json.dumps("".join("%02x" % b for b in made.public_key)))
"""
)


@dataclass(frozen=True)
class Wanted:
    """Which node of which site. `wifi_password`: None where the board has a cable."""

    config: SiteConfig
    keys: Keys
    house: House
    ports: dict[str, int]
    wifi_password: str | None
    changes: dict[str, Any]
    may_replace: bool


@dataclass(frozen=True)
class Provisioned:
    """What was done."""

    node: str
    public_key: str
    address: str
    is_calibrated: bool
    replaced: str | None


def is_wired(state: BoardState) -> bool:
    """Tell whether the board has Ethernet and no radio."""
    return state.kind in CARRIERS


def provision(prompt: Prompt, state: BoardState, wanted: Wanted) -> Provisioned:
    """Write settings, authority and update key; have the board make its own key.

    The settings go last: a board without them starts nothing, one with them has all it needs.
    Registers stay. Raises BadInput for another's board.
    """
    before = _settings_of(prompt)
    replaced = _owner(before, wanted)
    if replaced and not wanted.may_replace:
        raise BadInput(f"{prompt.port}: this board is {replaced}; --replace takes it over")
    settings = _settings(state, wanted, before)
    if "broker_ca" in settings:
        prompt.write(AUTHORITY_NAME, _authority(wanted.config))
    public_key = prompt.ask(_IDENTITY, timeout_s=60)
    if not isinstance(public_key, str) or len(public_key) != 128:
        raise BoardError(f"{prompt.port}: the board did not make a key; flash it again")
    board_keys.remember(wanted.config.data_dir, {wanted.house.name: public_key})
    prompt.write(FILE_NAME, json.dumps(settings).encode())
    return Provisioned(
        node=wanted.house.name,
        public_key=public_key,
        address=address_of(bytes.fromhex(public_key)),
        is_calibrated=bool(settings[MEASURED]),
        replaced=replaced,
    )


def _settings_of(prompt: Prompt) -> dict[str, Any]:
    """Return the settings on a board, {} where there are none that can be read."""
    found = prompt.read(FILE_NAME)
    try:
        settings = json.loads(found) if found else {}
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}


def _owner(before: dict[str, Any], wanted: Wanted) -> str | None:
    """Return whose a board is when it is not this node of this site, else None."""
    node = before.get("node")
    if node is None:
        return None
    if node != wanted.house.name:
        return f"{node}, not {wanted.house.name}"
    generations = range(1, wanted.keys.generations.get(node, 1) + 1)
    ours = {_key_of(wanted.keys, node, number) for number in generations}
    return None if before.get("key_up") in ours else f"{node} of another site"


def _key_of(keys: Keys, node: str, generation: int) -> str:
    from wire import signing

    return signing.derive_key(keys.master_key, node, "up", generation).hex()


def _settings(state: BoardState, wanted: Wanted, before: dict[str, Any]) -> dict[str, Any]:
    """Return the new settings, checked by the firmware's own rules."""
    settings = board_settings(wanted.config, wanted.keys, wanted.house, wanted.ports)
    settings.update({name: before[name] for name in (MEASURED, *FITTED) if name in before})
    settings.update(wanted.changes)
    if is_wired(state):
        settings["board"] = CARRIERS[state.kind]
        del settings["wifi_ssid"], settings["wifi_password"]
    elif wanted.wifi_password is not None:
        settings["wifi_password"] = wanted.wifi_password
    try:
        Settings(settings)
    except SettingsError as problem:
        raise BadInput(f"the settings for {wanted.house.name}: {problem}") from None
    return settings


def _authority(config: SiteConfig) -> bytes:
    """Return who must have signed for the broker; the site's own is made if no hub ever ran."""
    path = authority_for_boards(config)
    assert path is not None, "asked for with TLS only"
    return path.read_bytes()
