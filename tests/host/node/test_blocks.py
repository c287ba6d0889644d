"""The compiled block maths must give the numbers of the plain ones, bit for bit."""

import importlib
import json
import os
import random
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from node import block_maths, blocks, plain_blocks
from node.spikes import place_of, shift_table

from tests.host.node.waves import frames_of, sine_codes

FIRMWARE = Path(__file__).parents[3] / "firmware" / "pico"
ON_BOARD = """
import json, sys
from array import array
from node import block_maths
from node.spikes import shift_table
case = json.loads(sys.stdin.read())
frames = array("H", case["frames"])
state = array("i", case["state"])
sums = array("i", case["sums"])
found = []
frame = 0
while frame < case["count"]:
    place = block_maths.find_crossing(frames, state, frame, case["count"])
    if place < 0:
        break
    found.append(place)
    frame = place + 1
table = shift_table(case["is_corrected"])
block_maths.accumulate(frames, sums, table)
product = array("i", case["product"])
block_maths.multiply(frames, product, table)
print(json.dumps([block_maths.IS_COMPILED, found, list(state), list(sums), list(product)]))
"""


def cases():
    chance = random.Random(7)
    waves = [
        sine_codes(5, rate_hz=8000, count=800),
        sine_codes(11.6, rate_hz=8000, count=800),
        [chance.randrange(4096) for _ in range(800)],
        [0] * 800,
        [4095] * 800,
    ]
    for wave in waves:
        state = [0] * blocks.CROSSING_SLOTS
        level = sum(wave) * 256 // len(wave)
        state[blocks.POLE1] = state[blocks.POLE2] = state[blocks.LEVEL] = level
        state[blocks.HYSTERESIS] = 256
        state[blocks.COEFFICIENT] = 32
        state[blocks.STRIDE], state[blocks.OFFSET] = 3, 1
        yield {
            "frames": list(frames_of(wave, steady=(9, 4000))),
            "state": state,
            "sums": sums_of(1, 800),
            "product": product_of(85, 800),
            "is_corrected": wave is not waves[0],
            "count": 800,
        }


def sums_of(channel, count):
    """Return cleared slots of the sums of a channel."""
    return [3, channel, 0, 0, 0, 4095, 0, 0, 0, count]


def product_of(skew, count):
    """Return cleared slots of the product of channels 1 and 2."""
    return [3, 1, 2, 0, 0, blocks.CENTRE, skew, 0, count]


def run_plain(case):
    frames = array("H", case["frames"])
    state, sums = array("i", case["state"]), array("i", case["sums"])
    found, frame = [], 0
    while frame < case["count"]:
        place = plain_blocks.find_crossing(frames, state, frame, case["count"])
        if place < 0:
            break
        found.append(place)
        frame = place + 1
    product = array("i", case["product"])
    table = shift_table(case["is_corrected"])
    plain_blocks.accumulate(frames, sums, table)
    plain_blocks.multiply(frames, product, table)
    return found, list(state), list(sums), list(product)


def run_compiled(case):
    environment = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", "-c", ON_BOARD]
    done = subprocess.run(
        argv, input=json.dumps(case).encode(), capture_output=True, env=environment, check=True
    )
    is_compiled, *result = json.loads(done.stdout)
    assert is_compiled
    return tuple(result)


def test_compiled_maths_equals_plain_maths_when_run_by_micropython():
    for case in cases():
        assert run_compiled(case) == run_plain(case)


def test_plain_maths_is_taken_when_there_is_no_emitter(micropython):
    maths = importlib.reload(block_maths)
    assert not maths.IS_COMPILED
    assert maths.accumulate is plain_blocks.accumulate


def test_sums_are_exact_when_squares_pass_32_bits():
    wave = [0] * 800
    frames = frames_of(wave)
    sums = array("i", sums_of(1, 800))
    for _ in range(4):
        plain_blocks.accumulate(frames, sums, shift_table(False))
    squares = (sums[blocks.SQUARES_HIGH] << 29) + sums[blocks.SQUARES_LOW]
    assert squares == 4 * 800 * 2048 * 2048
    assert sums[blocks.RAILED] == 3200


def test_stored_values_are_never_negative_when_codes_are_at_the_rails():
    for case in cases():
        _, *stored = run_plain(case)
        for slots in stored:
            assert min(slots) >= 0
            assert max(slots) < 1 << 31


@pytest.mark.parametrize("codes", [(0, 0), (0, 4095), (4095, 4095), (4095, 0)])
def test_products_are_exact_when_codes_are_at_the_rails(codes):
    frames = array("H", [0, *codes] * 800)
    for is_corrected in (False, True):
        table = shift_table(is_corrected)
        earlier, later = (code + table[place_of(code)] - blocks.CENTRE for code in codes)
        product = array("i", product_of(85, 800))
        product[blocks.LATER_BEFORE] = later + blocks.CENTRE
        plain_blocks.multiply(frames, product, table)
        lifted = (product[blocks.PRODUCT_HIGH] << 29) + product[blocks.PRODUCT_LOW]
        assert lifted - 800 * blocks.PRODUCT_LIFT == 800 * earlier * later
