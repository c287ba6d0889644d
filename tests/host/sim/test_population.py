"""Homes made from the bundled ones."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from hub.sim import homes
from hub.sim.clock import Clock
from hub.sim.population import Population
from hub.sim.scenario import Group, Peer
from hub.sim.series import Series

CLOCK = Clock(datetime.datetime(2016, 8, 8), 15, 7 * 96)
TEMPLATE = Peer("home", Series("test", constant=0.0))


def population(clock=CLOCK, **changes):
    return Population(Group(TEMPLATE, **{"count": 50, "seed": 7, **changes}), clock)


def test_hours_keep_their_energy_when_slots_are_shorter():
    # 8 August 2016 is the first hour of the bundled file: 868 Wh.
    values = homes.home_values(1, "load_w", CLOCK)
    assert values[:4].tolist() == [868.0] * 4
    assert values.mean() == pytest.approx(homes.hourly_w()["load_w"][:168, 0].mean())


def test_any_date_maps_to_the_same_weekday_when_the_year_differs():
    monday = Clock(datetime.datetime(2024, 8, 5), 60, 24)
    expected = Clock(datetime.datetime(2016, 8, 8), 60, 24)
    assert homes.hours_of(monday).tolist() == homes.hours_of(expected).tolist()


def test_pv_peaks_at_the_given_power_when_it_is_scaled():
    assert homes.home_values(9, "pv_w", CLOCK, peak_w=10_000).max() <= 10_000
    table = homes.hourly_w()["pv_w"]
    year = Clock(datetime.datetime(2017, 1, 1), 60, 8760)
    assert homes.home_values(9, "pv_w", year, peak_w=10_000).max() == pytest.approx(10_000)
    assert table.max() > 0


def test_block_is_the_same_when_asked_for_in_pieces():
    made = population()
    whole_load, whole_pv = made.block(0, 200)
    pieces = [made.block(start, min(start + 37, 200)) for start in range(0, 200, 37)]
    assert np.array_equal(whole_load, np.concatenate([load for load, _ in pieces]))
    assert np.array_equal(whole_pv, np.concatenate([pv for _, pv in pieces]))


def test_homes_differ_by_seed_and_repeat_with_it():
    first, again = population().block(0, 8)[0], population().block(0, 8)[0]
    other = population(seed=8).block(0, 8)[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_mean_load_is_near_the_bundled_one_when_homes_are_many():
    load_w, _ = population(count=2000).block(0, CLOCK.slots)
    bundled_w = homes.hourly_w()["load_w"][homes.hours_of(CLOCK)].mean()
    # Sizes spread by 25 %: 2000 of them have a mean within some 0.6 % of 1; three times that.
    assert load_w.mean() == pytest.approx(bundled_w, rel=0.02)


def test_share_of_prosumers_is_met_exactly():
    made = population(count=623, prosumer_share=295 / 623)
    assert made.has_pv.sum() == 295
    assert np.count_nonzero(made.block(48, 49)[1][0]) == 295


def test_elastic_homes_use_the_same_energy_at_other_times(simulated):
    text = """
[scenario]
slots = 24
slot_minutes = 60
[tariffs]
retail_eur_per_kwh = { "00:00" = 0.2, "12:00" = 0.4 }
[[group]]
count = 3
prosumer_share = 0
elastic_share = SHARE
"""
    rigid = simulated(text.replace("SHARE", "0"))
    elastic = simulated(text.replace("SHARE", "0.2"))
    assert elastic.totals["load"] == pytest.approx(rigid.totals["load"])
    afternoon = slice(12, 24)
    assert elastic.details["load"][afternoon].sum() < 0.95 * rigid.details["load"][afternoon].sum()


def test_homes_are_the_bundled_ones_when_nothing_is_stochastic():
    load_w, pv_w = population(count=8, source="homes").block(0, 96)
    assert np.array_equal(load_w, homes.hourly_w()["load_w"][homes.hours_of(CLOCK)[:96]])
    assert np.array_equal(pv_w, homes.hourly_w()["pv_w"][homes.hours_of(CLOCK)[:96]])
