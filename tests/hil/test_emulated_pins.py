"""What the relay pins of an emulated board do from its first instruction on."""

import asyncio

import pytest

from tests.hil import bare

RELAY_PINS = (14, 15)
BITES_MS = 8_388
HANGING = b"""
from machine import WDT, Pin
import time

time.sleep_ms(50)
if __import__("machine").reset_cause() != 3:
    WDT(timeout=8000)
    Pin(14, Pin.OUT, value=0)
    while True:
        pass
"""


@pytest.mark.parametrize(("is_active_low", "inactive"), [(True, "HIGH"), (False, "LOW")])
def test_relay_pins_are_only_ever_inactive_when_a_board_boots(image, is_active_low, inactive):
    files = bare.firmware(without=("main.py",), relay_active_low=is_active_low)
    late = b"import time\ntime.sleep_ms(200)\nimport node.app\n"

    async def run():
        async with bare.board(image, files | {"main.py": late}) as device:
            edges = bare.Edges(device, RELAY_PINS)
            device.cut_power()
            started_ms = device.now_s * 1000
            await bare.wait_until(lambda: device.now_s * 1000 > started_ms + 1000, device, 2)
            return started_ms, edges.seen

    started_ms, seen = asyncio.run(run())
    driven = [(at_ms - started_ms, pin, level) for at_ms, pin, level in seen
              if level in ("HIGH", "LOW")]  # fmt: skip
    # main.py, the first to import anything, begins 200 ms later at the earliest.
    assert {pin for at_ms, pin, _ in driven if at_ms < 200} == set(RELAY_PINS)
    assert {level for _, _, level in driven} == {inactive}


def test_relay_opens_when_the_watchdog_bites(image):
    files = bare.firmware(without=("main.py",)) | {"main.py": HANGING}

    async def run():
        async with bare.board(image, files) as device:
            closed = device.mcu.gpio[14]
            await bare.wait_until(lambda: closed.value.name == "LOW", device, 5)
            closed_s = device.now_s
            opened = []
            device.on_reset = lambda: opened.append(device.now_s)
            await bare.wait_until(lambda: opened, device, 10)
            await bare.wait_until(lambda: closed.value.name == "HIGH", device, 2)
            return (opened[0] - closed_s) * 1000

    assert asyncio.run(run()) <= BITES_MS
