"""Signatures and keys made by the board equal those of libsecp256k1 and of eth-account."""

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import coincurve
import pytest
from eth_account import Account
from eth_keys import keys
from node import comb, curve, secp256k1
from node.curve import N, P

from tests.host.node import on_board_secp256k1

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[2] / "firmware" / "pico"
HALF = N // 2
KEYS = (1, 2, 3, 4, HALF, HALF + 1, N - 3, N - 2, N - 1, 1 << 255, (1 << 128) - 1)
DIGESTS = (0, 1, HALF, N - 1, N, N + 1, (1 << 256) - 1)


def hex_of(number):
    return number.to_bytes(32, "big").hex()


def cases():
    """Edges of keys and digests, and 24 at random (the same in each run)."""
    found = [{"key": hex_of(key), "digest": hex_of(digest)} for key in KEYS for digest in DIGESTS]
    drawn = random.Random(2022)
    for _ in range(24):
        key = drawn.randrange(1, N)
        found.append({"key": hex_of(key), "digest": hex_of(drawn.randrange(1 << 256))})
    return found


def by_library(case):
    """What libsecp256k1 makes of a case, its signature written as EIP-2098 has it."""
    key = coincurve.PrivateKey(bytes.fromhex(case["key"]))
    made = key.sign_recoverable(bytes.fromhex(case["digest"]), hasher=None)
    signature = made[:32] + bytes([made[32] | made[64] << 7]) + made[33:64]
    return {
        "public_key": key.public_key.format(compressed=False)[1:].hex(),
        "signature": signature.hex(),
        "is_verified": True,
        "forged": 0,
    }


def test_signatures_equal_the_librarys_when_signed_by_cpython():
    for case in cases():
        assert on_board_secp256k1.answer(case) == by_library(case)


def test_signatures_equal_the_librarys_when_signed_by_micropython():
    environment = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", str(HERE / "on_board_secp256k1.py")]
    done = subprocess.run(
        argv, input=json.dumps(cases()).encode(), capture_output=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == [by_library(case) for case in cases()]


def test_signature_gives_the_boards_address_when_eth_account_knows_the_key():
    account = Account.create()
    digest = os.urandom(32)
    signature = secp256k1.sign(bytes(account.key), digest)
    signed = account.unsafe_sign_hash(digest)
    assert signature[:32] == signed.r.to_bytes(32, "big")
    vs = signed.s | (signed.v - 27) << 255
    assert signature[32:] == vs.to_bytes(32, "big")
    public_key = keys.PublicKey(secp256k1.public_key(bytes(account.key)))
    assert public_key.to_checksum_address() == account.address


def test_comb_holds_the_sums_its_comment_describes():
    for entry, point in enumerate(curve.COMB):
        teeth = [1 if entry >> place & 1 else -1 for place in range(3)]
        number = (1 << 192) + sum(sign << (64 * place) for place, sign in enumerate(teeth))
        assert coincurve.PrivateKey.from_int(number).public_key.point() == point


def test_multiple_is_right_when_the_last_column_meets_its_own_point():
    """N - 2 t, t an entry's number: the one addition in which both summands are equal."""
    for signs in range(8):
        entry = (1 << 192) + sum((1 if signs >> i & 1 else -1) << (64 * i) for i in range(3))
        for number in (N - 2 * entry, 2 * entry, entry, N - entry):
            x, y = secp256k1.finish(comb.multiply_generator_steps(number))
            assert coincurve.PrivateKey.from_int(number).public_key.point() == (x, y)


def operations_of(steps, monkeypatch):
    """Return what is added and doubled, in order, and the number of steps."""
    done = []
    add, double = comb.Point.add, comb.Point.double
    monkeypatch.setattr(comb.Point, "add", lambda *two: done.append("add") or add(*two))
    monkeypatch.setattr(comb.Point, "double", lambda one: done.append("double") or double(one))
    count = sum(1 for _ in steps)
    monkeypatch.undo()
    return done, count


def test_signing_takes_the_same_operations_whatever_the_key_and_digest(monkeypatch):
    found = []
    for case in cases():
        key, digest = bytes.fromhex(case["key"]), bytes.fromhex(case["digest"])
        found.append(operations_of(secp256k1.sign_steps(key, digest), monkeypatch))
    assert found[0][0] == ["double", "add"] * 63
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": b""},
        {"signature": bytes(64)},
        {"signature": bytes(32) + (1).to_bytes(32, "big")},
        {"signature": N.to_bytes(32, "big") + (1).to_bytes(32, "big")},
        {"signature": b"\xff" * 64},
        {"public_key": b""},
        {"public_key": bytes(64)},
        {"public_key": P.to_bytes(32, "big") * 2},
        {"public_key": b"\xff" * 64},
        {"digest": b""},
        {"digest": b"another digest of just 32 bytes."},
    ],
    ids=str,
)
def test_verification_says_no_when_anything_is_not_what_it_should_be(change):
    key, digest = (7).to_bytes(32, "big"), b"a digest that has just 32 bytes."
    good = {
        "public_key": secp256k1.public_key(key),
        "digest": digest,
        "signature": secp256k1.sign(key, digest),
    }
    assert secp256k1.verify(**good)
    assert not secp256k1.verify(**dict(good, **change))


def test_verification_says_no_when_s_is_the_higher_of_its_two():
    key, digest = (7).to_bytes(32, "big"), bytes(32)
    signature = secp256k1.sign(key, digest)
    r, vs = signature[:32], int.from_bytes(signature[32:], "big")
    s = N - (vs & (1 << 255) - 1)
    # Its top bit is taken for the parity, and what remains is another number.
    assert not secp256k1.verify(secp256k1.public_key(key), digest, r + s.to_bytes(32, "big"))


def test_verification_agrees_with_the_library_when_the_keys_are_g_and_its_opposite():
    for key in (1, N - 1):
        case = {"key": hex_of(key), "digest": hex_of(5)}
        assert on_board_secp256k1.answer(case) == by_library(case)


def test_other_tasks_run_between_steps_when_signing_is_shared():
    key, digest = (7).to_bytes(32, "big"), bytes(32)
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def both():
        task = asyncio.create_task(other())
        signature = await secp256k1.share(secp256k1.sign_steps(key, digest))
        task.cancel()
        return signature

    assert asyncio.run(both()) == secp256k1.sign(key, digest)
    assert len(turns) >= sum(1 for _ in secp256k1.sign_steps(key, digest))
