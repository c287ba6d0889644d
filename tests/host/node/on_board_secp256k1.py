"""Sign and verify what stands in stdin (JSON), print what comes out; for both interpreters.

In: [{"key", "digest"}], hex. Out: [{"public_key", "signature", "is_verified", "forged": n}].
"""

import json
import sys

from node import secp256k1


def answer(case):
    """Return what the board makes of one case; `forged` counts changed signatures that pass."""
    key, digest = bytes.fromhex(case["key"]), bytes.fromhex(case["digest"])
    public_key = secp256k1.public_key(key)
    signature = secp256k1.sign(key, digest)
    forged = 0
    for place in (31, 32):
        changed = bytearray(signature)
        changed[place] ^= 0x80
        forged += secp256k1.verify(public_key, digest, bytes(changed))
    return {
        "public_key": public_key.hex(),
        "signature": signature.hex(),
        "is_verified": secp256k1.verify(public_key, digest, signature),
        "forged": forged,
    }


if __name__ == "__main__":
    print(json.dumps([answer(case) for case in json.loads(sys.stdin.read())]))
