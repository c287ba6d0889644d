"""Public keys of the boards: what provisioning read enters, addresses for the contract leave.

`<data_dir>/board_keys.json` maps a house to the public key its board printed, 128 hex digits. It
holds no secret: the private key never left the board. A house that is not in it has a board that
cannot sign, or whose key nobody wrote down, and the oracle's word counts for it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import coincurve

from hub.chain.board_signature import address_of
from hub.errors import ConfigError
from hub.kept_file import OPEN, write_whole

FILE_NAME = "board_keys.json"
_PUBLIC_KEY = re.compile("[0-9a-f]{128}")


def addresses(path: Path) -> dict[str, str]:
    """Return the address of each house's board, none when there is no such file.

    `path`: of the file. Raises ConfigError naming every wrong field.
    """
    return {house: address_of(bytes.fromhex(key)) for house, key in _read(path).items()}


def remember(data_dir: Path, keys: dict[str, str]) -> Path:
    """Write down public keys (house -> 128 hex digits) beside those known; return the file.

    Raises ConfigError. The hub approves them with the houses when it starts.
    """
    path = data_dir / FILE_NAME
    _check(keys, str(path))
    write_whole(path, json.dumps({**_read(path), **keys}, indent=1) + "\n", OPEN)
    return path


def _read(path: Path) -> dict[str, str]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise ConfigError(str(path), [str(problem.strerror)]) from None
    except ValueError:
        raise ConfigError(str(path), ["is not JSON"]) from None
    return _check(table, str(path))


def _check(table: object, source: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(source, ["must be a table of houses and public keys"])
    problems = [
        f"{house} must be a public key, 128 lower-case hexadecimal digits"
        for house, key in table.items()
        if not isinstance(key, str) or not _PUBLIC_KEY.fullmatch(key) or not _is_point(key)
    ]
    if problems:
        raise ConfigError(source, problems)
    return table


def _is_point(key: str) -> bool:
    try:
        coincurve.PublicKey(b"\x04" + bytes.fromhex(key))
    except ValueError:
        return False
    return True
