"""The site's secrets: one file, readable by its owner only; node keys are derived, not stored."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from wire import signing

from hub.errors import ConfigError

ROLES = ("administrator", "coordinator", "oracle")


@dataclass(frozen=True, repr=False)
class Keys:
    """Secrets of one site. `peers` maps a house's name to its chain account.

    `generations` maps a node to the generation of its wire keys: a new one revokes those before.
    """

    master_key: bytes
    administrator: LocalAccount
    coordinator: LocalAccount
    oracle: LocalAccount
    peers: dict[str, LocalAccount]
    broker_passwords: dict[str, str]
    generations: dict[str, int]
    wifi_password: str

    def node_key(self, node: str, direction: str) -> bytes:
        """Return the 32-byte wire key of a node, "up" (to the hub) or "down" (to the node)."""
        return signing.derive_key(self.master_key, node, direction, self.generations.get(node, 1))

    def peer_name(self, address: str) -> str | None:
        """Return the house whose account has that address, None for a stranger's."""
        for name, account in self.peers.items():
            if account.address.lower() == address.lower():
                return name
        return None

    @property
    def accounts(self) -> dict[str, LocalAccount]:
        """All accounts by name, roles first."""
        roles = {role: getattr(self, role) for role in ROLES}
        return {**roles, **self.peers}


def _new_private_key() -> str:
    return "0x" + secrets.token_hex(32)


def create(path: Path, houses: Iterable[str]) -> Keys:
    """Generate the secrets of a new site into `path` (mode 0600). Raises ConfigError if it exists.

    Every value is random: there is no default secret.
    """
    names = list(houses)
    table = {
        "master_key": secrets.token_hex(32),
        **{role: _new_private_key() for role in ROLES},
        "peers": {name: _new_private_key() for name in names},
        "broker_passwords": {name: secrets.token_urlsafe(18) for name in ["hub", *names]},
        "generations": {name: 1 for name in names},
        "wifi_password": "",  # virtual boards have no radio; a technician writes the real one here
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(str(path), ["exists already; secrets are never overwritten"]) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(table, file, indent=1)
    return load(path, names)


def load(path: Path, houses: Iterable[str]) -> Keys:
    """Read the secrets. Raises ConfigError when the file is missing, damaged, too open or lacks
    the keys of one of `houses`."""
    try:
        mode = path.stat().st_mode & 0o777
        table = json.loads(path.read_text(encoding="utf-8"))
        if mode & 0o077:
            raise ConfigError(str(path), [f"is readable by others; run: chmod 600 {path}"])
        keys = Keys(
            master_key=bytes.fromhex(table["master_key"]),
            administrator=Account.from_key(table["administrator"]),
            coordinator=Account.from_key(table["coordinator"]),
            oracle=Account.from_key(table["oracle"]),
            peers={name: Account.from_key(key) for name, key in table["peers"].items()},
            broker_passwords=dict(table["broker_passwords"]),
            generations=dict(table["generations"]),
            wifi_password=str(table["wifi_password"]),
        )
    except FileNotFoundError:
        raise ConfigError(str(path), ["not found; it is made by: trueque hub init"]) from None
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        # Only the kind of fault is told: the text of the exception might hold a key.
        raise ConfigError(str(path), [f"is damaged ({type(problem).__name__})"]) from None
    lacking = [name for name in houses if name not in keys.peers]
    if lacking:
        raise ConfigError(str(path), [f"has no keys for {', '.join(lacking)}"])
    return keys
