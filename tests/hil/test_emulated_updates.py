"""Packages on an emulated Pico W: mounted, loaded and checked in its memory."""

import asyncio
import json

from tests.hil import bare
from tests.hil.updating import TECHNICIAN, release, row_of

ON_BOARD = """
import gc, json, time
import launcher
gc.threshold(launcher.COLLECT_AFTER_BYTES)
found = {}
def timed(name, act):
    started = time.ticks_us()
    result = act()
    found[name] = time.ticks_diff(time.ticks_us(), started)
    return result
timed("enter_us", lambda: launcher.enter("firmware-a.trq"))
def load():
    from node import program
    return program
timed("load_us", load)
from node.version import RELEASE
from node import block_maths, secp256k1, staging
from node.block_maths import IS_COMPILED
from wire import package
found["release"] = RELEASE
found["is_compiled"] = IS_COMPILED
found["file"] = block_maths.__file__
digest, signature = staging._signed("firmware-a.trq")
key = bytes.fromhex("%s")
longest = {}
def run(name, steps):
    longest[name] = 0
    last = time.ticks_us()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        longest[name] = max(longest[name], time.ticks_diff(time.ticks_us(), last))
        gc.collect()  # it is no part of a step; at its own time it takes 20 ms
        last = time.ticks_us()
started = time.ticks_us()
found["is_genuine"] = run(
    "verify", secp256k1.verify_steps(key, digest, signature)
)
found["verify_us"] = time.ticks_diff(time.ticks_us(), started)
started = time.ticks_us()
with open("firmware-a.trq", "rb") as file:
    size = package.manifest_bytes(file.read(package.HEAD_BYTES))
    run("parse", package.parse_steps(staging._lines(file, package.HEAD_BYTES + size)))
found["parse_us"] = time.ticks_diff(time.ticks_us(), started)
found["longest_steps_us"] = longest
gc.collect()
found["free_bytes"] = gc.mem_free()
print(json.dumps(found))
"""


def test_package_is_mounted_and_its_signature_checked_when_the_board_asks(
    image, tmp_path, record_property
):
    content = release(tmp_path, "armv6m")
    files = bare.firmware() | {"firmware-a.trq": content, "maintenance": b"test"}

    async def run():
        async with bare.board(image, files) as device:
            return await device.aexec(ON_BOARD % TECHNICIAN.public_key, 600)

    out, problem = asyncio.run(run())
    assert problem == b""
    found = json.loads(out.decode().splitlines()[-1])
    for name, value in found.items():
        record_property(name, value)
    print(found, len(content))
    assert found["release"] == row_of(content).number
    assert found["file"].startswith("/firmware/node/")
    assert found["is_compiled"] and found["is_genuine"]
    assert max(found["longest_steps_us"].values()) <= 20_000
    assert found["free_bytes"] >= 60_000
