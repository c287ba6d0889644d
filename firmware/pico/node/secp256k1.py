"""ECDSA on secp256k1: a key and a digest in, a signature out, or a signature in and a verdict out.

Signatures are the 64 bytes r | vs of EIP-2098: s is the lower of its two values and its spare top
bit says whether the nonce's point has an odd y. Nonces are those of RFC 6979. A public key is the
64 bytes x | y.

Secret numbers go through the same operations whatever they are (curve.py); how long MicroPython's
big integers take for one operation still depends a little on their leading zeros.

`sign_steps` and the like are generators that yield every few ms; `finish` runs one through at once,
`share` lets other tasks run in between.
"""

import asyncio

from wire.signing import hmac_sha256

from node import comb, curve
from node.curve import N

# A step of signing takes up to 7 ms of an RP2040 and leaves up to 3 kB; a collection takes 20 ms
# when a node runs: it must come by itself, before the threshold of whoever shares puts one into a
# step.
_STEPS_BETWEEN_COLLECTIONS = 10
OF_BIG_INTEGERS = 3  # the same for verifying, a step of which leaves up to 8 kB
SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 64
_DIGEST_BYTES = 32
_HIGHEST_LOW_S = N // 2
_PARITY_BIT = 1 << 255


def finish(steps):
    """Run a generator to its end without a pause; return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


async def share(steps, collect=None, before_step=None, between=_STEPS_BETWEEN_COLLECTIONS):
    """Run a generator to its end, other tasks after every step; return its result.

    `collect`: coroutine function that collects garbage in a turn of its own, each `between` steps.
    `before_step()`: may look at what can't wait.
    """
    count = 0
    while True:
        if before_step:
            before_step()
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        await asyncio.sleep(0)
        count += 1
        if collect and count % between == 0:
            await collect()
            await asyncio.sleep(0)  # whoever waited for the collection comes before the next step


def is_private_key(key):
    """Tell whether 32 bytes can be a private key."""
    return len(key) == 32 and 0 < int.from_bytes(key, "big") < N


def public_key_steps(key):
    """Return the public key of a private `key` (32 bytes, see is_private_key)."""
    x, y = yield from comb.multiply_generator_steps(int.from_bytes(key, "big"))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def sign_steps(key, digest):
    """Return the signature of a `digest` (32 bytes) by a private `key` (32 bytes)."""
    secret = int.from_bytes(key, "big")
    number = int.from_bytes(digest, "big") % N
    for nonce in _nonces(key, number.to_bytes(32, "big")):
        yield
        if nonce is None:
            continue
        r, y = yield from comb.multiply_generator_steps(nonce)
        inverse = yield from curve.inverse_steps(nonce, N)
        s = inverse * (number + r * secret) % N
        # A nonce in 2^128 is no use: x must be below N, for EIP-2098 says nothing about the rest.
        if 0 < r < N and s:
            break
    is_high = s > _HIGHEST_LOW_S
    s = (s, N - s)[is_high]
    vs = s | (0, _PARITY_BIT)[(y & 1) ^ is_high]
    return r.to_bytes(32, "big") + vs.to_bytes(32, "big")


def verify_steps(public_key, digest, signature):
    """Return whether `signature` is one of `digest` by that public key. Any bytes are an answer."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    x, y = _two_numbers(public_key)
    r, vs = _two_numbers(signature)
    s = vs & (_PARITY_BIT - 1)
    is_in_range = 0 < r < N and 0 < s <= _HIGHEST_LOW_S
    if not is_in_range or len(digest) != _DIGEST_BYTES or not curve.is_on_curve(x, y):
        return False
    yield
    inverse = yield from curve.inverse_steps(s, N)
    of_generator = int.from_bytes(digest, "big") * inverse % N
    point = yield from curve.combine_steps(of_generator, r * inverse % N, (x, y))
    if not point[2]:
        return False
    found = yield from curve.affine_steps(point)
    # x of the nonce's point, not x modulo N: none else was ever signed with.
    return found[0] == r and found[1] & 1 == vs >> 255


def public_key(key):
    """As `public_key_steps`, at once."""
    return finish(public_key_steps(key))


def sign(key, digest):
    """As `sign_steps`, at once."""
    return finish(sign_steps(key, digest))


def verify(public_key, digest, signature):
    """As `verify_steps`, at once."""
    return finish(verify_steps(public_key, digest, signature))


def _two_numbers(two):
    return int.from_bytes(two[:32], "big"), int.from_bytes(two[32:], "big")


def _nonces(key, digest):
    """Yield the nonces of RFC 6979, section 3.2, with None between: each None is some ms of work.

    `digest`: 32 bytes, reduced modulo N.
    """
    v = b"\x01" * 32
    k = bytes(32)
    for separator in (b"\x00", b"\x01"):
        k = hmac_sha256(k, v + separator + key + digest)
        v = hmac_sha256(k, v)
        yield None
    while True:
        v = hmac_sha256(k, v)
        nonce = int.from_bytes(v, "big")
        if 0 < nonce < N:
            yield nonce
        k = hmac_sha256(k, v + b"\x00")
        v = hmac_sha256(k, v)
