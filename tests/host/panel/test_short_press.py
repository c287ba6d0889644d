"""STOP in every order with release, acknowledge and START, before and after the loop has looked."""

from __future__ import annotations

import itertools
import threading

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from hub.panel import pins
from hub.panel.panel import PanelRefused
from tests.host.panel.conftest import Kept, Made

KEYS = ("stop", "release", "acknowledge", "start")
LOOP = "the loop has its turn"


def permit(made):
    return bool(made.panel._permit.value)


def push(made, *keys):
    """Push keys at the bench itself: the loop hears of them when it has its turn."""
    for key in keys:
        made.box.press(key)


@pytest.fixture
def wired(kept, monkeypatch):
    """A panel on the pins of a Pi, all of them as on a bench at rest, contactors closed."""
    monkeypatch.setattr(Device, "pin_factory", MockFactory())
    for pin in (pins.ESTOP_SENSE, pins.CONTACTOR_SENSE):
        Device.pin_factory.pin(pin).drive_low()
    Device.pin_factory.pin(pins.ACKNOWLEDGE_BUTTON).drive_high()
    made = Made(kept, "gpio")
    yield made
    made.close()


def test_stop_is_latched_when_it_is_released_before_the_loop_looks(made):
    made.panel.start()
    made.settle()
    made.calls.clear()
    push(made, "stop", "release")
    assert not permit(made) and not made.panel.may_deliver()
    made.settle()
    assert made.panel.is_stopped and not permit(made)
    assert made.calls.count("stop") == 1
    with pytest.raises(PanelRefused, match="does nothing now"):
        made.panel.press("start")
    made.panel.press("acknowledge")
    assert not made.panel.is_stopped and permit(made) and not made.panel.may_deliver()
    made.panel.press("start")
    made.settle()
    assert made.panel.may_deliver() and made.calls.count("stop") == 1


def test_stop_is_latched_when_its_wire_breaks_for_a_moment(wired):
    wired.panel.start()
    wire = Device.pin_factory.pin(pins.ESTOP_SENSE)
    for _ in range(3):  # a loose terminal
        wire.drive_high()
        wire.drive_low()
    wired.settle()
    assert wired.panel.is_stopped and not permit(wired) and wired.calls.count("stop") == 1
    assert wired.panel.record()["reason"] == "STOP was pressed"
    button = Device.pin_factory.pin(pins.ACKNOWLEDGE_BUTTON)
    button.drive_low()
    wired.settle()
    assert not wired.panel.is_stopped and permit(wired) and wired.panel.may_deliver()


def test_stop_is_latched_when_it_was_pressed_before_the_hub_listened(wired):
    wired.panel._estop.when_activated = None
    Device.pin_factory.pin(pins.ESTOP_SENSE).drive_high()
    Device.pin_factory.pin(pins.ESTOP_SENSE).drive_low()  # while chain and broker start
    wired.panel.start()
    assert wired.panel.is_stopped and not permit(wired)


def test_acknowledging_does_nothing_when_stop_springs_out_before_the_loop_looks(made):
    made.panel.start()
    push(made, "stop", "acknowledge", "release")
    made.settle()
    assert made.panel.is_stopped and not permit(made)


def test_stop_wins_when_it_follows_the_acknowledging_before_the_loop_looks(made):
    made.panel.start()
    push(made, "stop", "release")
    made.settle()
    push(made, "acknowledge", "stop", "release")
    made.panel.look()  # as for a message of a board, before the loop hears of the button
    made.settle()
    assert made.panel.is_stopped and not permit(made)


def test_stop_wins_when_it_is_heard_while_the_reset_is_written(made, kept, monkeypatch):
    made.panel.start()
    made.panel.press("stop")
    made.panel.press("release")
    write = kept.set_state

    def pressed_meanwhile(name, value):
        write(name, value)
        if value is None:
            push(made, "stop", "release")

    monkeypatch.setattr(kept, "set_state", pressed_meanwhile)
    made.panel.acknowledge()
    assert made.panel.is_stopped and not permit(made) and kept["emergency_stop"] is not None
    assert made.calls.count("stop") == 2


def test_stop_is_remembered_when_the_hub_ends_before_the_loop_looks(made, kept):
    made.panel.start()
    push(made, "stop", "release")
    made.panel.close()
    made.settle()
    again = Made(kept)
    again.panel.start()
    assert again.panel.is_stopped and not permit(again)
    again.close()


def test_stop_of_the_page_is_taken_when_one_is_latched_already(wired):
    wired.panel.start()
    wired.panel.press("stop")
    wired.panel.press("stop")
    assert wired.panel.is_stopped and wired.calls.count("stop") == 1


def test_permit_goes_at_once_when_the_page_stops_and_the_loop_is_busy(wired):
    wired.panel.start()
    page = threading.Thread(target=wired.panel.hear_page_stop)
    page.start()
    page.join(10)
    assert not permit(wired) and wired.calls == []  # the loop has not run since
    wired.settle()
    assert wired.panel.is_stopped and wired.calls == ["stop"]
    assert wired.panel.record()["reason"] == "STOP on the page was pressed"


@pytest.mark.parametrize("first", [*KEYS, LOOP])
def test_stop_is_latched_until_acknowledged_whatever_the_order(first):
    """Every five steps of a person and the loop, beside the four lines of the table in docs."""
    for rest in itertools.product((*KEYS, LOOP), repeat=4):
        made, is_pressed, is_stopped = Made(Kept()), False, False
        made.panel.start()
        for step in (first, *rest):
            if step == LOOP:
                made.settle()
                continue
            push(made, step)
            is_pressed = step == "stop" or (is_pressed and step != "release")
            is_stopped = is_pressed or (is_stopped and step != "acknowledge")
        made.settle()
        order = (first, *rest)
        assert made.panel.is_stopped == is_stopped, order
        assert permit(made) == (not is_stopped), order
        assert not (is_stopped and made.box.is_closed), order
        assert ("stop" in order) == ("stop" in made.calls), order
        made.close()
