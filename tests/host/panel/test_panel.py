"""The panel on mock pins: what STOP takes away comes back by a person only."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import PartMissing
from hub.panel import pins
from hub.panel.latch import StopLatch
from hub.panel.panel import Panel, PanelRefused
from tests.host.panel.conftest import Made


def permit(made):
    return bool(made.panel._permit.value)


def test_contactors_have_no_permit_when_the_hub_has_not_started(made):
    assert not permit(made)
    assert not made.panel.may_deliver()


def test_deliveries_may_run_when_started_on_the_page(made):
    made.panel.start()
    assert permit(made) and made.panel.may_deliver()
    assert made.panel.record()["keys"] == ["stop"]


def test_contactors_wait_for_a_finger_when_the_permit_comes_back(made):
    made.panel.start()
    for key in ("stop", "release", "acknowledge"):
        made.panel.press(key)
    assert permit(made) and not made.panel.may_deliver()
    made.panel.press("start")
    assert made.panel.may_deliver()


def test_permit_goes_at_once_when_stop_is_pressed_and_the_loop_is_busy(made):
    made.panel.start()
    made.box.press("stop")  # the loop has not run since
    assert not permit(made)
    assert made.calls == []
    made.settle()
    assert made.calls[0] == "stop" and made.panel.is_stopped


def test_stop_is_found_when_its_edge_was_missed(made):
    made.panel.start()
    made.panel._estop.when_activated = None
    made.box.press("stop")
    made.panel.look()
    assert made.panel.is_stopped and not permit(made) and made.calls == ["stop"]


def test_stop_stays_when_the_button_springs_back(made):
    made.panel.start()
    made.panel.press("stop")
    made.panel.press("release")
    made.settle()
    assert made.panel.is_stopped and not permit(made)
    assert made.panel.record()["reason"] == "STOP was pressed"
    assert made.panel.record()["since_ms"] == 5_000


def test_acknowledging_is_refused_when_stop_is_still_pressed(made):
    made.panel.start()
    made.panel.press("stop")
    with pytest.raises(PanelRefused, match="turn it until it springs out"):
        made.panel.acknowledge()
    with pytest.raises(PanelRefused, match="does nothing now"):
        made.panel.press("acknowledge")
    made.box.press("acknowledge")  # the button of the panel itself
    made.settle()
    assert made.panel.is_stopped


def test_stop_is_reset_when_the_panels_own_button_is_pressed(made):
    made.panel.start()
    made.panel.press("stop")
    made.panel.press("release")
    made.box.press("acknowledge")
    made.settle()
    assert not made.panel.is_stopped and permit(made)


def test_stop_is_remembered_when_the_hub_starts_again(made, kept):
    made.panel.start()
    made.panel.press("stop")
    again = Made(kept)
    again.panel.start()
    assert again.panel.is_stopped and not permit(again) and not again.panel.may_deliver()
    assert again.panel.record()["keys"] == ["stop", "acknowledge"]
    again.close()


def test_relays_are_ordered_open_when_the_stop_cannot_be_kept(made, kept, monkeypatch):
    made.panel.start()

    def refuse(name, value):
        raise OSError("no space left")

    monkeypatch.setattr(kept, "set_state", refuse)
    with pytest.raises(OSError, match="no space"):
        made.panel.stop("button")
    assert made.calls == ["stop"] and made.panel.is_stopped and not permit(made)


def test_relays_are_ordered_open_once_when_stop_is_pressed_twice(made):
    made.panel.start()
    made.panel.stop("button")
    made.panel.stop("page")
    assert made.calls.count("stop") == 1
    assert made.panel.record()["reason"] == "STOP was pressed"


def test_contactors_drop_when_the_hub_ends(made):
    made.panel.start()
    assert made.box.is_closed
    made.panel.close()
    assert not made.box.is_closed
    made.panel.close()  # twice does nothing


def test_delivery_waits_when_a_contactor_drops_by_itself(made):
    made.panel.start()
    made.box._contactor.drive_high()  # a blown fuse F10
    made.settle()
    assert not made.panel.may_deliver() and not made.panel.is_stopped
    assert made.panel.record()["lamps"]["fault"] == "on"
    assert made.calls == ["change"] * len(made.calls) and made.calls


def test_lamps_show_what_they_stand_for_when_lit(made):
    made.panel.start()
    made.settle()
    made.panel.show(is_market_open=True, is_delivering=False, has_fault=False)
    assert made.panel.record()["lamps"] == {"market": "on", "delivery": "off", "fault": "off"}
    made.panel.show(is_market_open=False, is_delivering=True, has_fault=True)
    assert made.panel.record()["lamps"] == {"market": "off", "delivery": "on", "fault": "on"}
    assert made.panel._leds["delivery"].is_lit and not made.panel._leds["market"].is_lit
    made.panel.stop("page")
    assert made.panel.record()["lamps"]["fault"] == "blinking"


def test_open_wire_reads_as_stop_when_the_cable_is_off(made):
    made.box._estop.drive_high()  # the pull-up alone
    made.panel.start()
    assert made.panel.is_stopped and not permit(made)


def test_pins_are_asked_for_plainly_when_there_are_none(kept, monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nothing")
    loop = asyncio.new_event_loop()
    with pytest.raises(PartMissing, match="install the package lgpio, elsewhere set panel.kind"):
        Panel("gpio", StopLatch(kept), loop)
    loop.close()


def test_page_can_stop_but_not_reset_when_the_panel_is_real(kept, monkeypatch):
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory

    monkeypatch.setattr(Device, "pin_factory", MockFactory())
    for pin, is_high in ((pins.ESTOP_SENSE, False), (pins.CONTACTOR_SENSE, False),
                         (pins.ACKNOWLEDGE_BUTTON, True)):  # fmt: skip
        found = Device.pin_factory.pin(pin)
        (found.drive_high if is_high else found.drive_low)()
    made = Made(kept, "gpio")
    made.panel.start()
    assert made.panel.record()["keys"] == ["stop"] and made.panel.may_deliver()
    made.panel.press("stop")
    assert made.calls[0] == "stop" and not permit(made)
    assert made.panel.record()["reason"] == "STOP on the page was pressed"
    with pytest.raises(PanelRefused, match="Only a person at the panel"):
        made.panel.press("acknowledge")
    button = Device.pin_factory.pin(pins.ACKNOWLEDGE_BUTTON)
    button.drive_low()
    made.settle()
    assert not made.panel.is_stopped
    made.close()
