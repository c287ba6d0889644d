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
from node.program import Hardware  # noqa: E402
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


class Looks:
    """Takes the place of the safety loop's grants and notes the longest time between two."""

    def __init__(self, turns):
        self._grant = turns.grant
        self._at_us = None
        self.longest_us = 0
        turns.grant = self.grant

    def grant(self):
        now_us = time.ticks_us()
        if self._at_us is not None:
            self.longest_us = max(self.longest_us, time.ticks_diff(now_us, self._at_us))
        self._at_us = now_us
        self._grant()


def longest_step():
    """Return the us of the longest step of a signature, its collections apart."""
    steps, longest_us = node.signer._identity.sign_steps(bytes(range(32))), 0
    while True:
        gc.collect()
        started = time.ticks_us()
        try:
            next(steps)
        except StopIteration:
            return longest_us
        longest_us = max(longest_us, time.ticks_diff(time.ticks_us(), started))
        node.supervisor._watchdog.feed()


async def every(period_ms, action):
    while True:
        await node.safety.turns.take()
        action()
        await asyncio.sleep(period_ms / 1000)


async def sign_under_load():
    """Sign a final while the node looks for a closed relay, samples, collects and sends."""
    looks, turns, beat = Looks(node.safety.turns), node.safety.turns, node.supervisor.beat
    node.delivery.is_relay_needed = lambda: True  # the safety loop at its fastest
    work = (
        node.supervisor.run(),
        node.safety.run(lambda: beat("safety"), lambda: True),
        node.sampler.run(lambda: beat("sampler"), lambda count: None, turns),
        node.collector.run(turns),
        every(1_000, node.send_reading),
        every(2_000, node.publisher.send_status),
        every(250, lambda: beat("link")),
        node.signer.run(turns),
    )
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(4)
    costs["longest_between_looks_us"] = looks.longest_us
    looks.longest_us = 0
    final = {"delivery_id": "11" * 16, "role": "seller", "phase": "final", "energy_uwh": 34_723,
             "counterparty_uwh": 34_650, "elapsed_ms": 20_000, "register_uwh": 34_723,
             "reason": "energy_reached"}  # fmt: skip
    node.store.keep_final(final)
    started = time.ticks_us()
    node.signer.wake()
    while not any(entry.kind == "signature" for entry in node.outbox._entries):
        await asyncio.sleep(0.005)
    costs["sign_under_load_us"] = time.ticks_diff(time.ticks_us(), started)
    costs["longest_between_looks_signing_us"] = looks.longest_us
    for task in tasks:
        task.cancel()


gc.collect()
costs["free_after_import_bytes"] = gc.mem_free()
wanted = settings.load()
node = Node(wanted, Hardware, Boots())
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
node.registers.add("bus_import", 10**9, 10**6)
cost("save_registers_us", node.store.save_registers, 1)
node.sampler.start()
block()
costs["sampler_block_us"] = sum(block() for _ in range(BLOCKS)) // BLOCKS
costs["samples_lost"] = node.sampler._stream.lost
node.sampler._stream.stop()
costs["longest_step_of_signing_us"] = longest_step()
costs["is_compiled"] = IS_COMPILED
asyncio.run(switch())
asyncio.run(sign_under_load())
print(json.dumps(costs))
