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
for number in range(60):
    codes, sums = block(number % 4)
    table, other = spikes.shift_table(number % 3 > 0), array("i", sums)
    block_maths.accumulate(codes, sums, table)
    blocks_viper.accumulate(codes, other, table)
    if list(sums) != list(other):
        differing.append(number)
for number in range(200):
    a, b = [array("H", [(0, 0xFFFF, drawn(65536))[drawn(3)] for _ in range(16)]) for _ in "ab"]
    wide, other = array("H", [1] * 32), array("H", [2] * 32)
    field_thumb.product(wide, a, b)
    field_viper.product(other, a, b)
    if list(wide) != list(other):
        differing.append(("product", list(a), list(b)))
print(block_maths.accumulate is not blocks_viper.accumulate, differing)
"""


def test_sums_and_products_are_vipers_when_the_board_is_a_cortex_m(image):
    files = compiled(source_files(), ARCHITECTURE)
    modules = {name: content for name, content in files.items() if name.startswith("node/")}

    async def run():
        async with bare.board(image, modules) as device:
            return await device.aexec(COMPARING, 600)

    assert asyncio.run(run()) == (b"True []\r\n", b"")
