"""The site's secrets: one file, readable by its owner only; node keys are derived, not stored."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from wire import signing

from hub.errors import ConfigError
from hub.kept_file import write_whole

ROLES = ("administrator", "coordinator", "oracle")
GRID = "grid"
_MASTER_KEY = re.compile("[0-9a-fA-F]{64}")
_NO_ACCOUNT = {"user": "", "password": ""}
_ACCOUNT = "a table of user and password"
_PRIVATE_KEY = "a private key: 0x and 64 hexadecimal digits"


@dataclass(frozen=True, repr=False)
class Keys:
    """Secrets of one site. `peers` maps a house's name to its chain account.

    `generations` maps a node to the generation of its wire keys: a new one revokes those before.
    `revoked` nodes have none that count.
    """

    master_key: bytes
    administrator: LocalAccount
    coordinator: LocalAccount
    oracle: LocalAccount
    peers: dict[str, LocalAccount]
    broker_passwords: dict[str, str]
    generations: dict[str, int]
    wifi_password: str
    smtp_password: str = ""
    revoked: frozenset[str] = frozenset()
    broker_account: tuple[str, str] | None = None  # user and password at a broker of others
    digest: str = ""  # of the file they were read from
    bridges: dict[str, str] = dataclasses.field(default_factory=dict)  # keys of other services

    def node_key(self, node: str, direction: str) -> bytes:
        """Return the 32-byte wire key of a node, "up" (to the hub) or "down" (to the node)."""
        return signing.derive_key(self.master_key, node, direction, self.generations.get(node, 1))

    def peer_name(self, address: str) -> str | None:
        """Return the house (or the grid) whose account has that address, None for a stranger's."""
        for name, account in self.peers.items():
            if account.address.lower() == address.lower():
                return name
        return GRID if address.lower() == self.grid.address.lower() else None

    def guest_password(self, account: str) -> str:
        """Return the password of a broker account that is no board's (hub/guests.py).

        Derived, so that a site made before has it, too; a new generation revokes it.
        """
        generation = self.generations.get(account, 1)
        told = f"trueque-guest|{account}|{generation}|".encode()
        return hashlib.sha256(told + self.master_key).hexdigest()[:32]

    @functools.cached_property
    def grid(self) -> LocalAccount:
        """The account of the grid: a community's spread and McAfee's surplus go to it.

        Derived, so that a site made before there was one has it, too.
        """
        return Account.from_key(hashlib.sha256(b"trueque-grid|" + self.master_key).digest())

    @functools.cached_property
    def anchor(self) -> LocalAccount:
        """The account that writes hashes to an outside chain; it holds nothing here."""
        return Account.from_key(hashlib.sha256(b"trueque-anchor|" + self.master_key).digest())

    def names_of_accounts(self) -> dict[str, str]:
        """Return the name of every peer, and of the grid, by its address."""
        return {str(one.address): name for name, one in self.peers.items()} | {
            self.grid.address: GRID
        }

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
        if path.exists():
            raise ConfigError(str(path), ["exists already; secrets are never overwritten"])
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(table, indent=1))
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    return load(path, names)


def load(path: Path, houses: Iterable[str]) -> Keys:
    """Read the secrets. Raises ConfigError when the file is missing or too open, and naming every
    field that is wrong or lacks the secret of one of `houses`; never what stands there."""
    digest = digest_of(path)  # first: of what is read below, or of what was before it
    table = _table(path)
    problems = _problems(table, list(houses))
    if problems:
        raise ConfigError(str(path), problems)
    return Keys(
        master_key=bytes.fromhex(table["master_key"]),
        administrator=Account.from_key(table["administrator"]),
        coordinator=Account.from_key(table["coordinator"]),
        oracle=Account.from_key(table["oracle"]),
        peers={name: Account.from_key(key) for name, key in table["peers"].items()},
        broker_passwords=table["broker_passwords"],
        generations=table["generations"],
        wifi_password=table["wifi_password"],
        smtp_password=table.get("smtp_password", ""),
        revoked=frozenset(table.get("revoked", ())),
        broker_account=_account(table),
        digest=digest,
        bridges=table.get("bridges", {}),
    )


def digest_of(path: Path) -> str:
    """Return what tells one state of the file from another, and nothing of what stands there."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(b"trueque-keys|" + path.read_bytes()).hexdigest()[:16]
    return ""


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(str(path), [f"is readable by others; run: chmod 600 {path}"])
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), ["not found; it is made by: trueque hub init"]) from None
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    except ValueError:  # not told: its text would show what stands there
        raise ConfigError(str(path), ["is damaged: not JSON; restore a backup"]) from None
    if not isinstance(table, dict):
        raise ConfigError(str(path), ["is damaged: not a table; restore a backup"])
    return table


def _problems(table: Mapping[str, Any], houses: Sequence[str]) -> list[str]:
    """Name what is wrong with the file's fields, without what stands there."""
    checks: list[tuple[str, object, Callable[[object], bool], str]] = [
        ("master_key", table.get("master_key"), _is_master_key, "64 hexadecimal digits"),
        ("wifi_password", table.get("wifi_password"), _is_text, "text"),
        ("smtp_password", table.get("smtp_password", ""), _is_text, "text"),
        ("broker_account", table.get("broker_account", _NO_ACCOUNT), _is_account, _ACCOUNT),
        ("revoked", table.get("revoked", []), _is_names, "a list of nodes"),
    ]
    bridges = table.get("bridges", {})
    checks += [("bridges", bridges, lambda value: isinstance(value, dict), "a table")]
    if isinstance(bridges, dict):
        checks += [(f"bridges.{one}", bridges[one], _is_text, "text") for one in bridges]
    checks += [(role, table.get(role), _is_private_key, _PRIVATE_KEY) for role in ROLES]
    for name, wanted, is_good, kind in (
        ("peers", houses, _is_private_key, _PRIVATE_KEY),
        ("broker_passwords", ["hub", *houses], _is_password, "text that is not empty"),
        ("generations", (), _is_generation, "a whole number from 1"),
    ):
        found = table.get(name)
        if not isinstance(found, dict):
            checks.append((name, found, lambda value: False, "a table"))
            continue
        members = [*found, *(house for house in wanted if house not in found)]
        checks += [(f"{name}.{one}", found.get(one), is_good, kind) for one in members]
    return [
        f"{name} is missing" if value is None else f"{name} must be {kind}"
        for name, value, is_good, kind in checks
        if not is_good(value)
    ]


def _is_master_key(value: object) -> bool:
    return isinstance(value, str) and _MASTER_KEY.fullmatch(value) is not None


def _is_private_key(value: object) -> bool:
    try:
        Account.from_key(value)
    except Exception:  # eth_keys and eth_utils raise many kinds
        return False
    return isinstance(value, str)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _account(table: Mapping[str, Any]) -> tuple[str, str] | None:
    account = table.get("broker_account")
    return (account["user"], account["password"]) if account else None


def _is_account(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _NO_ACCOUNT.keys()
        and all(isinstance(one, str) for one in value.values())
    )


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_password(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_generation(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
