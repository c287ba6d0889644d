"""A node's credentials: revoked or made anew in keys.json, in one step, while a hub may run.

A node has a password at the broker and two wire keys, which follow from the master key and the
node's generation. What is changed here counts for a running hub once it reads the file again
(`Site.take_credentials`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hub.errors import BadInput, ConfigError
from hub.kept_file import write_whole

PASSWORD_BYTES = 18


def new_password() -> str:
    """Return a fresh random password for the broker."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def revoke(path: Path, node: str) -> None:
    """Void a node's password and wire keys; it gets new ones by `rotate` only."""

    def change(table: dict[str, Any]) -> None:
        revoked = set(table.setdefault("revoked", []))
        table["revoked"] = sorted(revoked | {node})
        # Even if the mark above were lost with a backup, what the board knows opens nothing.
        _renew(table, node)

    _change(path, node, change)


def rotate(path: Path, node: str) -> None:
    """Give a node a new password and new wire keys; the old ones are void."""

    def change(table: dict[str, Any]) -> None:
        table["revoked"] = [one for one in table.get("revoked", []) if one != node]
        _renew(table, node)

    _change(path, node, change)


def _renew(table: dict[str, Any], node: str) -> None:
    table["broker_passwords"][node] = new_password()
    generations = table["generations"]
    generations[node] = generations.get(node, 1) + 1


def keep_bridge_key(path: Path, name: str, value: str) -> None:
    """Write down a key of another service; a running hub takes it up when it starts again."""

    def change(table: dict[str, Any]) -> None:
        table.setdefault("bridges", {})[name] = value

    _rewrite(path, change)


def _change(path: Path, node: str, change: Callable[[dict[str, Any]], None]) -> None:
    def checked(table: dict[str, Any]) -> None:
        if node not in table["peers"]:
            raise BadInput(f"{path}: no node {node!r}; there are {', '.join(table['peers'])}")
        change(table)

    _rewrite(path, checked)


def _rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Apply a change to the file, which `hub.keys.load` has found good before."""
    with _held(path):
        table = json.loads(path.read_text(encoding="utf-8"))
        change(table)
        try:
            write_whole(path, json.dumps(table, indent=1))
        except OSError as problem:
            raise ConfigError(str(path), [str(problem.strerror)]) from None


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """One change at a time: two at once would lose one of them."""
    with path.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
