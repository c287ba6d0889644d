"""Packages on an emulated Pico W: mounted, loaded and checked in its memory; trials that end."""

import asyncio
import json
import random

from launcher import Boots

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
manifest, signature = staging._read_manifest("firmware-a.trq")
key = bytes.fromhex("%s")
longest = 0
steps = secp256k1.verify_steps(key, package.signed_digest(manifest), signature)
started = last = time.ticks_us()
while True:
    try:
        next(steps)
    except StopIteration as end:
        found["is_genuine"] = end.value
        break
    now = time.ticks_us()
    longest = max(longest, time.ticks_diff(now, last))
    last = now
found["verify_us"] = time.ticks_diff(time.ticks_us(), started)
found["longest_step_us"] = longest
steps = package.parse_steps(manifest)
started = last = time.ticks_us()
while True:
    try:
        next(steps)
    except StopIteration:
        break
    now = time.ticks_us()
    longest = max(longest, time.ticks_diff(now, last))
    last = now
found["parse_us"] = time.ticks_diff(time.ticks_us(), started)
found["longest_step_us"] = longest
gc.collect()
found["free_bytes"] = gc.mem_free()
print(json.dumps(found))
"""
CUTS = 25


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
    assert found["longest_step_us"] <= 20_000
    assert found["free_bytes"] >= 60_000


def trial_files(directory, number):
    """Return the files of a board whose next boot is the first of a trial."""
    content = release(directory, "armv6m", number=number)
    Boots(str(directory) + "/").begin_trial("a", number)
    kept = {path.name: path.read_bytes() for path in directory.glob("boots.[01]")}
    return bare.firmware() | kept | {"firmware-a.trq": content}


def boots_of(device, directory):
    """Return the board's record as its next boot finds it."""
    from tools.emulation.flash import read_files

    for name, content in read_files(device.mcu).items():
        if name.startswith("boots."):
            (directory / name).write_bytes(content)
    return Boots(str(directory) + "/")


def test_firmware_before_runs_again_when_the_new_one_never_reaches_a_hub(image, tmp_path):
    files = trial_files(tmp_path, 90)

    async def run():
        async with bare.board(image, files) as device:
            await bare.wait_until(lambda: device.resets >= 1, device, 140)
            ended_s = device.now_s
            await bare.wait_until(lambda: device.now_s > ended_s + 3, device, 30)
            return ended_s, boots_of(device, tmp_path)

    ended_s, boots = asyncio.run(run())
    assert 115 < ended_s < 135
    assert boots.failed[:2] == [90, "hub_not_reached"]
    assert (boots.active, boots.trial) == ("", None)


def test_a_trial_ends_and_never_bricks_when_power_fails_at_random(image, tmp_path):
    files = trial_files(tmp_path, 91)
    chance = random.Random(6)

    async def run():
        async with bare.board(image, files) as device:
            boots = []
            for _ in range(CUTS):
                device.flash.cut_power_at(chance.randint(1, 12), chance.randint(0, 256),
                                          device.cut_power)  # fmt: skip
                until_s = device.now_s + chance.uniform(0.3, 4)
                await bare.wait_until(lambda until_s=until_s: device.now_s > until_s, device, 60)
                device.cut_power()
                boots.append(boots_of(device, tmp_path).trial)
            return boots, boots_of(device, tmp_path)

    trials, boots = asyncio.run(run())
    assert trials[-1] is None
    assert boots.failed[:2] == [91, "kept_resetting"]
