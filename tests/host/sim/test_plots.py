"""What plots say in words and figures; the pictures themselves are looked at."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from hub.sim.clock import Clock
from hub.sim.plots import _alike, _short, _to_the_end


def test_lines_that_hide_one_another_are_shown_as_one():
    stored = np.array([[0.0, 0.0, 5.0, 0.001], [100.0, 100.0, 100.0, 100.05]])
    assert _alike(stored) == [[0, 1, 3], [2]]  # 5 of 100 can be seen, a thousandth cannot
    assert _alike(np.zeros((3, 2))) == [[0, 1]]
    assert _alike(np.zeros((0, 0))) == []


@pytest.mark.parametrize(
    ("energy_kwh", "text"),
    [(12_345.6, "12,346"), (122.4, "122"), (9.876, "9.9"), (0.0123, "0.012"), (0.00046, "<0.01")],
)
def test_energy_is_short_without_an_exponent(energy_kwh, text):
    assert _short(energy_kwh) == text


def test_the_last_slot_is_drawn_to_its_end():
    clock = Clock(datetime.datetime(2017, 6, 5, 10), 60, 2)
    times, values = _to_the_end(clock, np.array([0.0, 1 / 24]), np.array([5.0, 7.0]))
    assert times == pytest.approx([0.0, 1 / 24, 2 / 24])
    assert list(values) == [5.0, 7.0, 7.0]
