"""The technician's key for releases: made offline, kept under a passphrase, signs manifests."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from hub.errors import BadInput
from hub.updates.signature import is_public_key

SHORTEST_PASSPHRASE = 8
_MEMBER = "public_key"


class TechnicianKey:
    """Signs what boards are to run."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)

    @property
    def public_key(self) -> str:
        """128 hexadecimal digits: what a board's setting `update_key` holds."""
        return self._key.public_key.to_bytes().hex()

    def sign(self, digest: bytes) -> bytes:
        """Return the 64 bytes of EIP-2098 for a digest of 32 bytes."""
        found = self._key.sign_msg_hash(digest)
        return found.r.to_bytes(32, "big") + (found.s | found.v << 255).to_bytes(32, "big")


def create(path: Path, passphrase: str) -> TechnicianKey:
    """Make a key and write it to `path`, encrypted, for its owner only.

    Raises BadInput when the file exists or the passphrase is short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BadInput(f"the passphrase must have {SHORTEST_PASSPHRASE} characters or more")
    secret = secrets.token_bytes(32)
    made = TechnicianKey(secret)
    kept = {_MEMBER: made.public_key, **Account.encrypt(secret, passphrase)}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
    except FileExistsError:
        raise BadInput(f"{path}: exists already; a key is never overwritten") from None
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    return made


def load(path: Path, passphrase: str) -> TechnicianKey:
    """Read a key. Raises BadInput: no such file, no key, another passphrase."""
    kept = _read(path)
    try:
        return TechnicianKey(bytes(Account.decrypt(kept, passphrase)))
    except ValueError:
        raise BadInput(f"{path}: the passphrase is wrong") from None
    except (KeyError, TypeError, AttributeError):
        raise BadInput(f"{path}: not a key made by `trueque board keygen`") from None


def public_key_of(path: Path) -> str:
    """Return the public key in a key file; needs no passphrase. Raises BadInput."""
    found = _read(path).get(_MEMBER)
    if not isinstance(found, str) or not is_public_key(found):
        raise BadInput(f"{path}: not a key made by `trueque board keygen`")
    return found


def _read(path: Path) -> dict[str, object]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    except ValueError:
        raise BadInput(f"{path}: not JSON") from None
    if not isinstance(kept, dict):
        raise BadInput(f"{path}: not a key made by `trueque board keygen`")
    return kept
