"""What Sonoff plugs say and hear on the local network: AES-128-CBC under the MD5 of a device's key.

The cipher is the makers', weak as it is: the key's MD5, PKCS7, base64, no authentication.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from hub.bridges.foreign import BadAnswer, read_object

BLOCK_BITS = 128


def _cipher(device_key: str, iv: bytes) -> Cipher[modes.CBC]:
    key = hashlib.md5(device_key.encode(), usedforsecurity=False).digest()
    return Cipher(algorithms.AES(key), modes.CBC(iv))


def decrypt(data: str, iv: str, device_key: str) -> dict[str, Any]:
    """Return the record in base64 `data`. Raises BadAnswer, also when the key is another's."""
    try:
        raw = base64.b64decode(data, validate=True)
        decryptor = _cipher(device_key, base64.b64decode(iv, validate=True)).decryptor()
        padded = decryptor.update(raw) + decryptor.finalize()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        plain = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise BadAnswer("what the plug says cannot be read: is its device key right?") from None
    return read_object(plain)


def encrypt(record: dict[str, Any], device_key: str) -> tuple[str, str]:
    """Return (data, iv) of a record, in base64."""
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update(json.dumps(record).encode()) + padder.finalize()
    iv = secrets.token_bytes(BLOCK_BITS // 8)
    encryptor = _cipher(device_key, iv).encryptor()
    raw = encryptor.update(padded) + encryptor.finalize()
    return base64.b64encode(raw).decode(), base64.b64encode(iv).decode()
