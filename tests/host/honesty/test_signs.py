"""Honest boards whose PV gives and whose battery discharges are believed for ever."""

from __future__ import annotations

import json

import pytest

from hub.honesty.judge import Judge, Limits
from tools.bench.load_nodes import Pen

LIMITS = Limits(24_000_000, 500_000_000, 25_000_000_000, 1_000)
START_MS = 1_795_743_013_000


def readings(seconds):
    pen = Pen("house-1", b"1" * 32)
    for second in range(1, seconds + 1):
        at_ms = START_MS + second * 1_000
        yield json.loads(pen.payload(second, at_ms)), at_ms + 50


def test_producing_house_is_believed_when_registers_rise_with_its_powers():
    judge = Judge(LIMITS)
    assert all(judge.judge(reading, at_ms).is_plausible for reading, at_ms in readings(900))


@pytest.mark.parametrize("register", ["pv_export_uwh", "battery_export_uwh"])
def test_house_is_a_liar_when_a_register_stands_still_under_power(register):
    judge, lies = Judge(LIMITS), []
    for reading, at_ms in readings(900):
        verdict = judge.judge(reading | {register: 1_000_000}, at_ms)
        lies += [verdict.lie] if verdict.lie else []
    assert lies and register in lies[0]
