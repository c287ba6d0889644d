"""What is written in a Cortex-M's own instructions, on one: the same numbers as viper's."""

import asyncio

from tests.hil import bare
from tools.board.firmware_files import ARCHITECTURE, compiled, source_files

COMPARING = """
import random
from array import array
from node import block_maths, blocks_viper, field_thumb, field_viper, spikes

def drawn(size):
    return random.randrange(size)

def block(kind):
    size, lowest = ((4096, 0), (3, 0), (50, 4046), (4096, 0))[kind]
    codes = array("H", [min(4095, lowest + drawn(size)) for _ in range(1200)])
    sums = array("i", [3, drawn(3), drawn(1 << 20), 7, drawn(1 << 29), 4095, 0, 0, 0, 0])
    sums[8], sums[9] = drawn(400), drawn(401)
    return codes, sums

random.seed(3)
differing = []
crossings = 0
for number in range(60):
    codes, sums = block(number % 4)
    table, other = spikes.shift_table(number % 3 > 0), array("i", sums)
    block_maths.accumulate(codes, sums, table)
    blocks_viper.accumulate(codes, other, table)
    if list(sums) != list(other):
        differing.append(number)
for number in range(60):
    codes, _ = block(number % 4)
    table = spikes.shift_table(number % 3 > 0)
    product = array("i", [3, drawn(3), drawn(3), 7, drawn(1 << 29), drawn(4096), drawn(256), 0, 0])
    product[7], product[8] = drawn(400), drawn(401)
    other = array("i", product)
    block_maths.multiply(codes, product, table)
    blocks_viper.multiply(codes, other, table)
    if list(product) != list(other):
        differing.append(("multiply", number))
for number in range(120):
    codes, _ = block(number % 4)
    if number % 2:  # a wave, so that there are crossings
        period = 20 + drawn(200)
        codes = array("H", [2048 + (drawn(1500) if i // 3 % period * 2 < period else -drawn(1500))
                            for i in range(1200)])
    level = 256 * (1500 + drawn(1000))
    state = array("i", [256 * drawn(4096), 256 * drawn(4096), level, drawn(20_000), drawn(2),
                        drawn(1024), 0, drawn(1 << 20), 3, drawn(3)])
    other = array("i", state)
    at, stop = drawn(400), drawn(401)
    while True:
        found = block_maths.find_crossing(codes, state, at, stop)
        if found != blocks_viper.find_crossing(codes, other, at, stop):
            differing.append(("found", number))
        if list(state) != list(other):
            differing.append(("crossing", number))
        if found < 0 or differing:
            break
        crossings += 1
        at = found + 1
for number in range(200):
    a, b = [array("H", [(0, 0xFFFF, drawn(65536))[drawn(3)] for _ in range(16)]) for _ in "ab"]
    wide, other = array("H", [1] * 32), array("H", [2] * 32)
    field_thumb.product(wide, a, b)
    field_viper.product(other, a, b)
    if list(wide) != list(other):
        differing.append(("product", list(a), list(b)))
ours = (block_maths.accumulate, block_maths.multiply, block_maths.find_crossing)
viper = (blocks_viper.accumulate, blocks_viper.multiply, blocks_viper.find_crossing)
print([a is not b for a, b in zip(ours, viper)], crossings > 50, differing)
"""


def test_sums_and_products_are_vipers_when_the_board_is_a_cortex_m(image):
    files = compiled(source_files(), ARCHITECTURE)
    modules = {name: content for name, content in files.items() if name.startswith("node/")}

    async def run():
        async with bare.board(image, modules) as device:
            return await device.aexec(COMPARING, 600)

    assert asyncio.run(run()) == (b"[True, True, True] True []\r\n", b"")
