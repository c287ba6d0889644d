"""Runs on the board (from its prompt): builds a node, times its parts, prints one JSON object."""

# mypy: ignore-errors
# For MicroPython, whose modules have more in them.

import asyncio
import gc
import json
import time

gc.threshold(32_768)  # as launcher.py
from launcher import Boots  # noqa: E402
from node import settings  # noqa: E402
from node.app import Node  # noqa: E402
from node.block_maths import IS_COMPILED  # noqa: E402
from node.program import Hardware, run_from_flash  # noqa: E402
from wire import codec, signing  # noqa: E402
from wire.topics import topic  # noqa: E402

BLOCKS = 20
costs = {}


def cost(name, act, times):
    """Note the mean time of `act()` in us, a collection before and none forced within."""
    node.supervisor.look()
    gc.collect()
    started = time.ticks_us()
    for _ in range(times):
        act()
    costs[name] = time.ticks_diff(time.ticks_us(), started) // times


def block():
    """Take one block of samples; return how long that took in us."""
    stream = node.sampler._stream
    while stream.take() is None:
        time.sleep_ms(1)
    node.supervisor._watchdog.feed()
    started = time.ticks_us()
    node.sampler.step()
    return time.ticks_diff(time.ticks_us(), started)


async def switch():
    """Note what a change of task costs."""
    started = time.ticks_us()
    for _ in range(50):
        await asyncio.sleep(0)
    costs["task_switch_us"] = time.ticks_diff(time.ticks_us(), started) // 50


gc.collect()
costs["free_after_import_bytes"] = gc.mem_free()
wanted = settings.load()
boots = Boots()
run_from_flash(boots)
node = Node(wanted, Hardware, boots, Hardware.machine.WDT(timeout=8_000))
gc.collect()
costs["free_after_build_bytes"] = gc.mem_free()
lease_topic = topic(wanted.node, "lease")
lease = codec.encode(
    lease_topic,
    {"epoch": 1, "seq": 1, "nonce": "00" * 16, "delivery_id": "11" * 16, "counterparty_uwh": 0},
    wanted.key_down,
)
cost("collect_us", gc.collect, 4)
cost("hmac_900_bytes_us", lambda: signing.hmac_sha256(wanted.key_up, b"x" * 900), 10)
cost("send_reading_us", node.send_reading, 4)
cost("send_status_us", node.publisher.send_status, 4)
cost("decode_lease_us", lambda: codec.decode(lease_topic, lease, wanted.key_down), 8)
cost("safety_look_us", lambda: node.safety.step(True), 20)
node.store._saved = None  # they are written again as they are: a board's counts are its own
cost("save_registers_us", node.store.save_registers, 1)
node.sampler.start()
block()
costs["sampler_block_us"] = sum(block() for _ in range(BLOCKS)) // BLOCKS
costs["samples_lost"] = node.sampler._stream.lost
node.sampler._stream.stop()
costs["is_compiled"] = IS_COMPILED
asyncio.run(switch())
print(json.dumps(costs))
