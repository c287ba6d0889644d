"""All tasks of a node at once: what any of them raises opens the relays."""

import asyncio
import contextlib
import importlib
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import node
import pytest

from tests.host.node.rig import Hardware, Rig, delivery_id

FIRST = delivery_id(1)


async def run_until(node, condition):
    """Run all tasks of `node` until `condition()` holds, then end them as a reset would."""
    running = asyncio.create_task(node.run())
    try:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.01)
    finally:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        for task in others:
            with contextlib.suppress(asyncio.CancelledError):
                await task
    assert running.done()


def broken(*_):
    raise ZeroDivisionError


@pytest.fixture
def delivering(rig):
    rig.lease(FIRST)
    rig.close(FIRST)
    assert rig.relay() == "in"
    return rig


@pytest.mark.parametrize("part", ["safety.step", "sampler.step", "link._serve", "send_reading"])
def test_relays_open_when_any_task_raises(delivering, monkeypatch, part):
    node = delivering.node
    owner = node
    *names, method = part.split(".")
    for name in names:
        owner = getattr(owner, name)
    monkeypatch.setattr(owner, method, broken)
    monkeypatch.setattr("node.turns.random.getrandbits", lambda bits: 0)
    asyncio.run(run_until(node, lambda: node.supervisor.has_failed))
    assert delivering.relay() == "open"
    assert node.delivery.fault == "exception"
    delivering.ticks.advance_ms(8_100)
    node.supervisor.look()
    assert delivering.machine.has_starved()


def test_relays_open_when_the_program_is_stopped(delivering):
    node = delivering.node
    beats = []
    node.supervisor.beat = beats.append
    asyncio.run(run_until(node, lambda: "safety" in beats))
    assert delivering.relay() == "open"


def test_link_gives_no_sign_of_life_when_it_is_stuck(rig, monkeypatch):
    async def stuck():
        await asyncio.Event().wait()

    monkeypatch.setattr("node.link.TICK_MS", 1)
    monkeypatch.setattr(rig.node.link, "_serve", stuck)
    beats, rounds = [], []
    rig.node.supervisor.beat = beats.append

    def has_run():
        rounds.append(rig.node.link._wake.is_set())
        return len(rounds) == 40  # some hundred ticks

    asyncio.run(run_until(rig.node, has_run))
    assert "link" in beats and beats.count("link") < 5


def test_boot_is_told_when_the_node_starts(rig):
    asyncio.run(run_until(rig.node, lambda: len(rig.node.outbox) >= 1))
    rig.collect()
    assert rig.records("event", code="boot")


def interrupt():
    raise KeyboardInterrupt


def test_relays_open_when_a_technician_interrupts_the_program(ticks, monkeypatch):
    for name in ("machine", "network", "rp2"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    started = importlib.import_module("node.program")
    monkeypatch.setattr("node.settings.load", lambda: SimpleNamespace(node="house-1"))
    monkeypatch.setattr(started, "forget", lambda name: None)  # other tests need it
    monkeypatch.setattr(started, "Hardware", Hardware(ticks))
    # As on a board: there Ctrl-C leaves asyncio.run without any task's own ending.
    history = []
    interrupted = SimpleNamespace(run=interrupt, relays=SimpleNamespace())
    interrupted.relays.open = lambda: history.append("open")
    monkeypatch.setattr("node.app.Node", lambda *_: interrupted)
    program = runpy.run_path(str(Path(node.__file__).parents[1] / "main.py"), run_name="board")
    with pytest.raises(KeyboardInterrupt):
        program["main"]()
    assert history == ["open"]


def test_node_runs_on_a_board_with_a_cable(ticks, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch, board="w5500_evb_pico", wifi_ssid="", wifi_password="")
    node = rig.node
    shown = []
    monkeypatch.setattr(node.led, "show", shown.append)
    asyncio.run(run_until(node, lambda: "connecting" in shown))
    assert node.network.is_up()
    history = rig.hardware.network.history
    assert history == [("hostname", "house-1"), ("active", True), ("dhcp4", True)]
    # GP16 to GP21 belong to the Ethernet chip, GP25 is the board's own LED there.
    assert rig.machine.levels[22] == 0 and not {16, 17, 18, 19, 20, 21} & set(rig.machine.levels)


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_leds_are_written_once_while_a_relay_is_closed(rig, monkeypatch, role):
    written = []
    for pin in (rig.node.led._pin, rig.node.switchboard._led):
        drive = pin.value
        monkeypatch.setattr(pin, "value", lambda *level, pin=pin, drive=drive: (
            written.append(pin.number), drive(*level)))  # fmt: skip
    for _ in range(2):  # the first step of a code is lit, the second dark
        rig.node.show()
    del written[:]
    rig.lease(FIRST)
    rig.close(FIRST, role)
    assert rig.relay() != "open"
    for _ in range(600):  # a minute of steps
        rig.node.show()
    assert sorted(written, key=str) == [16, "LED"]
    assert rig.machine.levels["LED"] == 1


def test_buyers_led_is_lit_while_the_house_receives(delivering):
    node = delivering.node
    assert delivering.machine.levels[16] == 1
    for _ in range(20):
        node.show()
        assert delivering.machine.levels["LED"] == 1
    delivering.command("open", FIRST)
    for _ in range(20):
        node.show()
    assert delivering.machine.levels[16] == 0 and delivering.machine.levels["LED"] == 0
