"""Long pieces of work: one after each look of the safety loop, in the order they asked."""

import asyncio
import gc
import itertools

import pytest
from node import turns
from node.collector import COUNT_EVERY, PERIOD_MS, Collector
from node.turns import Turns


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def test_work_begins_one_by_one_in_order_when_turns_are_granted():
    async def run():
        turns, done = Turns(), []

        async def work(name):
            await turns.take()
            done.append(name)

        tasks = [asyncio.create_task(work(name)) for name in "abc"]
        seen = []
        for _ in range(4):
            await settle()
            seen.append("".join(done))
            turns.grant()
        await asyncio.gather(*tasks)
        return seen

    assert asyncio.run(run()) == ["", "a", "ab", "abc"]


def test_samples_go_first_and_alone_when_a_turn_is_granted():
    async def run():
        turns, done = Turns(), []

        async def work(name, take):
            await take()
            done.append(name)

        waiting = (("reading", turns.take), ("save", turns.take))
        waiting += (("samples", turns.take_for_samples),)
        tasks = [asyncio.create_task(work(*each)) for each in waiting]
        await settle()
        seen = []
        for _ in tasks:
            turns.grant()
            await settle()
            seen.append(list(done))
        return seen

    first = ["samples", "reading"]
    assert asyncio.run(run()) == [first[:1], first, [*first, "save"]]


def test_granted_turn_is_gone_when_nobody_waited_for_it():
    async def run():
        turns = Turns()
        turns.grant()
        late = asyncio.create_task(turns.take())
        await settle()
        was_done = late.done()
        turns.grant()
        await late
        return was_done

    assert asyncio.run(run()) is False


def test_safety_grants_no_turn_when_it_had_something_to_do(rig):
    granted = []
    safety = rig.node.safety
    safety.turns.grant = lambda: granted.append("turn")

    async def run():
        looking = asyncio.create_task(safety.run(lambda: None, lambda: True))
        await settle()
        looking.cancel()

    safety.step = lambda is_link_up: True
    asyncio.run(run())
    assert granted == []
    safety.step = lambda is_link_up: False
    asyncio.run(run())
    assert granted == ["turn"]


@pytest.mark.parametrize("is_relay_needed", [False, True])
def test_collector_counts_what_a_collection_left_unless_a_relay_is_needed(
    monkeypatch, is_relay_needed
):
    collected = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append("collect"))
    monkeypatch.setattr(gc, "mem_free", lambda: collected.append("count") or 4711, raising=False)
    monkeypatch.setattr("node.collector.PERIOD_MS", 0)
    monkeypatch.setattr("node.collector.NEEDED_PERIOD_MS", 0)
    assert PERIOD_MS * COUNT_EVERY <= 10_000  # how old the figure of an idle board is at most

    async def run():
        collector, turns = Collector(lambda: is_relay_needed), Turns()
        collected.clear()
        running = asyncio.create_task(collector.run(turns))
        for _ in range(COUNT_EVERY):
            await settle()
            turns.grant()
        await settle()
        running.cancel()
        return collector.free_bytes

    assert asyncio.run(run()) == 4711
    assert collected == ["collect"] * COUNT_EVERY + ["count"] * (not is_relay_needed)


def test_status_is_sent_once_and_in_a_turn_when_it_was_wanted_twice(rig):
    publisher, turns, seen = rig.node.publisher, Turns(), []
    publisher.send_status = lambda: seen.append("status")

    async def run():
        telling = asyncio.create_task(publisher.run(turns))
        publisher.want_status()
        publisher.want_status()
        await settle()
        assert seen == []
        for _ in range(2):
            turns.grant()
            await settle()
        telling.cancel()

    publisher.send_wanted_status()  # of the boot
    seen.clear()
    asyncio.run(run())
    assert seen == ["status"]


def looks_of(rig, *at_ms, is_leased=True):
    """Return at which of these times, in ms, the safety loop looked out of its turn."""
    safety, seen = rig.node.safety, []
    if is_leased:
        rig.lease("00" * 16)
    safety.step = lambda is_link_up: seen.append("look")
    asyncio.run(stopped(safety))
    looked, now_ms = [], 0
    for then_ms in at_ms:
        rig.ticks.advance_ms(then_ms - now_ms)
        now_ms = then_ms
        seen.clear()
        safety.look_before_work()
        looked += [now_ms] * len(seen)
    return looked


async def stopped(safety):
    """Let the loop look once, then hold it up for ever."""
    looking = asyncio.create_task(safety.run(lambda: None, lambda: True))
    await settle()
    looking.cancel()


def test_safety_looks_before_other_work_when_its_last_look_is_not_fresh(rig):
    assert looks_of(rig, 5, 9, 12, 16, 18, 26) == [9, 18, 26]


def test_safety_looks_in_no_hurry_when_no_relay_is_needed(rig):
    assert looks_of(rig, 100, 1_000, is_leased=False) == []


def test_relay_opens_before_a_message_is_read_when_the_last_look_is_not_fresh(rig):
    rig.lease("00" * 16)
    rig.close("00" * 16)
    asyncio.run(stopped(rig.node.safety))
    order = []
    rig.node.commands.receive = lambda topic, payload: order.append(rig.relay())
    rig.set_bus(12_000_000, 1_400_000)  # 1.4 A of 1 A
    rig.ticks.advance_ms(21)
    rig.node.receive("any", b"")
    assert order == ["open"]


def test_old_figures_wait_when_a_delivery_is_near(rig):
    offline, asked = rig.node.offline, []
    offline._backlog.oldest = lambda: asked.append("oldest")
    rig.lease("00" * 16)
    offline.next_unsent()
    assert asked == []
    rig.command("open", "00" * 16)
    offline.next_unsent()
    assert asked == ["oldest"]


class Late:
    """Whether an action may come, told as often as it is asked; in no time."""

    def __init__(self, monkeypatch, answers):
        self.answers, self.slept_ms, self.acted = answers, [], 0
        monkeypatch.setattr(turns.asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds):
        if self.acted:
            raise asyncio.CancelledError
        self.slept_ms.append(round(seconds * 1000))

    async def take(self):
        """Take a turn of a board that does nothing else."""

    def may(self):
        return next(self.answers)

    def act(self):
        self.acted += 1

    def run(self):
        """Act once."""
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(turns.every(1_000, self.act, self, self.may))
        return self.slept_ms[1:]  # the first is until the phase


def test_action_waits_when_it_may_not_come_yet(monkeypatch):
    late = Late(monkeypatch, iter([False, False, True]))
    assert late.run() == [turns.LATE_LOOK_MS] * 2
    assert late.acted == 1


def test_action_comes_in_the_end_when_it_never_may(monkeypatch):
    late = Late(monkeypatch, itertools.repeat(False))
    assert sum(late.run()) == turns.LATE_MS
    assert late.acted == 1
