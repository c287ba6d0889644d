"""STOP over boards that speak the wire: all relays open; trades go on after a person's reset."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from wire import units

from hub.panel.duty import DutyParts, PanelDuty
from hub.panel.latch import StopLatch
from hub.panel.panel import Panel, PanelRefused
from tests.host.hub.doubles import World

AGREED_UWH, BLOCK_UWH = 34_723, 347


class Bench(World):
    """A world with a panel: its duty hears what the hub hears."""

    def start_hub(self):
        super().start_hub()
        self.panel = Panel("page", StopLatch(self.store, self.clock), asyncio.get_running_loop())
        self.said_by_duty: list = []
        parts = DutyParts(self.panel, self.hub, self.dispatch, self.watch, self.store,
                          tuple(self.boards))  # fmt: skip
        self.duty = PanelDuty(parts, asyncio.get_running_loop(), self.said_by_duty.append)
        self.duty.start()

    async def step(self):
        self.may_grant = self.panel.may_deliver()
        await super().step()

    def is_flowing(self):
        return {board.relay for board in self.boards.values()} >= {"in", "out"}

    def is_open(self):
        return all(board.relay == "open" for board in self.boards.values())


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "store.db")
    yield made
    made.panel.close()
    made.store.close()


def test_every_relay_opens_and_stays_open_when_stop_is_pressed(bench):
    async def story():
        bench.start_hub()
        assert await bench.run_until(bench.is_flowing, 60)
        bench.panel.press("stop")
        pressed_at_ms = bench.clock()
        assert await bench.run_until(bench.is_open, 2)
        assert bench.clock() - pressed_at_ms <= 100  # the next message of the hub
        assert not await bench.run_until(lambda: not bench.is_open(), 60)
        assert bench.hub.has_turns is False

    asyncio.run(story())
    assert bench.said_by_duty == ["EMERGENCY STOP: STOP was pressed; every relay was ordered open"]


def test_trades_are_settled_when_a_person_has_reset_the_stop(bench):
    async def story():
        bench.start_hub()
        assert await bench.run_until(bench.is_flowing, 60)
        for key in ("stop", "release"):
            bench.panel.press(key)
        await bench.run_until(lambda: False, 20)
        for key in ("acknowledge", "start"):
            bench.panel.press(key)
        assert await bench.run_until(bench.is_over, 200)

    asyncio.run(story())
    for trade in bench.store.trades():
        assert trade.state == "settled" and abs(trade.settled_uwh - AGREED_UWH) <= BLOCK_UWH
    assert bench.violations == []


def test_board_is_stopped_again_when_it_says_that_it_is_closed(bench):
    async def story():
        bench.start_hub()
        assert await bench.run_until(bench.is_flowing, 60)
        bench.panel.press("stop")
        bench.to_nodes.clear()  # every order is lost on its way
        closed = [one for one in bench.boards.values() if one.relay != "open"]
        for board in closed:
            board.status()
        heard = [(one.name, kind, record) for one in closed for name, kind, record in one.outbox
                 if kind == "status"]  # fmt: skip
        bench.duty.hear([Said(*one) for one in heard])
        stopped = {node for node, kind, record in bench.to_nodes if record["action"] == "stop"}
        assert stopped == {board.name for board in closed} and len(closed) == 2
        # And without any order, each opens by itself at the end of its lease.
        bench.to_nodes.clear()
        assert await bench.run_until(bench.is_open, units.NONCE_LIFE_MS // 1000 + 1)

    asyncio.run(story())


class Said:
    """A stored record, as far as the duty looks at it."""

    def __init__(self, node, kind, record):
        self.node, self.kind, self.record = node, kind, record


def test_restarted_hub_grants_nothing_when_it_was_stopped_before(bench):
    async def story():
        bench.start_hub()
        assert await bench.run_until(bench.is_flowing, 60)
        bench.panel.press("stop")
        await bench.run_until(bench.is_open, 2)
        await bench.kill_hub()
        bench.panel.close()
        bench.start_hub()
        assert "latched since before" in bench.said_by_duty[0]
        assert not await bench.run_until(lambda: not bench.is_open(), 60)

    asyncio.run(story())


def test_lamps_follow_the_bus_when_boards_speak(bench):
    async def story():
        bench.start_hub()
        assert await bench.run_until(bench.is_flowing, 60)
        bench.duty.hear([])
        assert bench.panel.record()["lamps"]["delivery"] == "on"

    asyncio.run(story())


def test_key_of_the_page_is_answered_when_pressed_from_its_thread(bench):
    answers: list = []

    def page(duty):
        answers.append(duty.press("stop")["is_stopped"])
        try:
            duty.press("start")
        except PanelRefused as problem:
            answers.append(str(problem))

    async def story():
        bench.start_hub()
        thread = threading.Thread(target=page, args=(bench.duty,))
        thread.start()
        while thread.is_alive():
            await asyncio.sleep(0.01)

    asyncio.run(story())
    assert answers == [True, "The key 'start' does nothing now."]


def test_permit_goes_at_once_when_the_page_stops_a_hub_that_is_busy(bench):
    async def story():
        bench.start_hub()
        page = threading.Thread(target=bench.duty.press, args=("stop",))
        page.start()
        until = time.monotonic() + 4
        while bench.panel.record()["has_permit"] and time.monotonic() < until:
            time.sleep(0.001)  # of the loop's own time
        assert not bench.panel.record()["has_permit"]
        while page.is_alive():
            await asyncio.sleep(0.01)
        assert bench.panel.is_stopped

    asyncio.run(story())
