"""Sums and products modulo the prime of secp256k1: as big integers say, compiled or not."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from node.plain_field import P

from tests.host.node import on_board_field

FIRMWARE = Path(__file__).parents[3] / "firmware" / "pico"
EDGES = (
    *range(4),
    *range(P - 3, P),
    2**32 + 976,
    2**32 + 977,
    P >> 1,
    (P >> 1) + 1,
    2**255,
    2**256 - 2**64,
    *(2**bits - 1 for bits in (16, 17, 32, 48, 224, 240, 255)),
    sum(0xFFFF << 32 * place for place in range(7)),
)
PAIRS = [(a, b) for a in EDGES for b in EDGES]
DRAWN = 1_000


def pairs():
    """Edges with each other, and as many at random, some of few bits."""
    drawn = random.Random(977)
    more = [tuple(drawn.getrandbits(drawn.choice((40, 250, 256))) % P for _ in range(2))
            for _ in range(DRAWN)]  # fmt: skip
    return PAIRS + more


def by_integers(a, b):
    return [f"{each % P:x}" for each in (a + b, a - b, a * b, a * a)]


def test_edges_are_below_p():
    assert all(0 <= each < P for each in EDGES)


@pytest.mark.parametrize("interpreter", ["CPython", "MicroPython"])
def test_sums_and_products_are_those_of_integers(interpreter):
    given = [[f"{a:x}", f"{b:x}"] for a, b in pairs()]
    if interpreter == "CPython":
        found = [on_board_field.answer(case) for case in given]
    else:
        done = subprocess.run(
            [sys.executable, "-m", "micropython_unix", on_board_field.__file__],
            input="\n".join(f"{a} {b}" for a, b in given),
            capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        )  # fmt: skip
        found = [line.split() for line in done.stdout.splitlines()]
    assert found == [by_integers(a, b) for a, b in pairs()]
