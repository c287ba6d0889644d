"""Functions that run from flash on an emulated board: the same answers, their memory free again."""

import ast
import asyncio

import pytest

from tests.hil import bare

FLASH, FLASH_END = 0x10000000, 0x10200000
MOVING = """
import asyncio, gc, machine, rp2, sys
gc.threshold(32768)
from node import delivery, kept_report, signer
from wire import members
# As the node does it: before what moves them is loaded, for that one runs.
modules = dict(sys.modules)
from node import in_place
gc.collect()
before = gc.mem_free()
parts = in_place.parts_of(modules, "")
freed = in_place.run_from_flash(parts, rp2.Flash(), machine.mem32, lambda path: (path, 0))
gc.collect()
gained = gc.mem_free() - before

def told():
    machine_ = delivery.Delivery({"link_lost_ms": 2000, "over_current_ua": 1}, lambda id_: False)
    kept = [machine_.tick(None, True, 5), machine_.hold("updating"), machine_.trip("exposure", 9)]
    kept.append([members.Hex("a", 4).check(text) for text in ("12ab", "12AB", "1")])
    kept.append(kept_report.from_bytes(bytes(range(46))))
    return kept

first = told()
# Whatever else the file system writes, the functions stay.
for round_ in range(60):
    with open("other", "wb") as file:
        file.write(bytes([round_]) * 9000)
words = [machine.mem32[id(each) + 12] for each in
         (delivery.Delivery.tick, members.Hex._check_value, signer.Signer.run)]
print((freed, gained, words, first, told() == first))
"""


@pytest.fixture(scope="module")
def moved(image):
    """(bytes freed as told, bytes freed as counted, addresses, answers, the same later)."""

    async def run():
        async with bare.board(image, bare.firmware(without=("main.py",))) as device:
            out, problem = await device.aexec(MOVING, 600)
            assert problem == b""
            return ast.literal_eval(out.decode())

    return asyncio.run(run())


def test_functions_run_from_flash_when_they_were_moved(moved):
    assert all(FLASH <= address < FLASH_END for address in moved[2])


def test_memory_is_free_again_when_functions_run_from_flash(moved):
    freed, gained = moved[:2]
    assert freed > 3_000
    # What the walk itself keeps is less than a tenth.
    assert gained > 0.9 * freed


def test_functions_answer_the_same_when_they_run_from_flash(moved):
    answers = moved[3]
    assert answers[1] == [("open",), ("status",)]
    assert answers[3] == ["", "out_of_range", "out_of_range"]
    assert moved[4]
