"""Demand-response events: who is accepted, and what the meters prove."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.demand_response import Pledge, Proof, accept, baseline_uwh
from hub.market.records import MarketRefusal

AMOUNTS = st.integers(0, 10**12)


def test_least_demanding_houses_come_first_and_equals_share():
    pledges = [Pledge("a", 600, 5), Pledge("b", 300, 1), Pledge("c", 300, 5), Pledge("d", 100, 9)]
    # b whole, then 500 left for a and c as 2 : 1; d wants more than the reward.
    assert accept(pledges, 8, 800) == {"a": 333, "b": 300, "c": 167, "d": 0}
    assert accept(pledges, 8) == {"a": 600, "b": 300, "c": 300, "d": 0}


@given(
    st.lists(st.tuples(AMOUNTS, st.integers(0, 50)), max_size=8),
    st.integers(0, 50),
    st.none() | AMOUNTS,
)
def test_accepted_is_what_was_asked_or_all_that_is_willing(offers, reward, asked):
    pledges = [Pledge(str(at), uwh, least) for at, (uwh, least) in enumerate(offers)]
    accepted = accept(pledges, reward, asked)
    willing = sum(one.energy_uwh for one in pledges if one.least_gwei_per_kwh <= reward)
    assert sum(accepted.values()) == (willing if asked is None else min(willing, asked))
    assert all(0 <= accepted[one.peer] <= one.energy_uwh for one in pledges)
    assert all(accepted[one.peer] == 0 for one in pledges if one.least_gwei_per_kwh > reward)


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 10**9))
def test_meter_decides_and_nobody_owes(accepted, baseline, metered, reward):
    proof = Proof("a", accepted, baseline, metered, reward)
    assert 0 <= proof.verified_uwh <= accepted
    assert proof.verified_uwh <= max(0, baseline - metered)
    assert proof.verified_uwh + proof.missing_uwh == accepted
    assert proof.reward_wei == proof.verified_uwh * reward


def test_baseline_is_the_mean_of_the_days_before():
    assert baseline_uwh([100, 200, 301]) == 200
    with pytest.raises(MarketRefusal, match="at least one day"):
        baseline_uwh([])


def test_pledges_are_refused_when_they_are_nonsense():
    with pytest.raises(MarketRefusal, match="pledge of a"):
        Pledge("a", -1)
    with pytest.raises(MarketRefusal, match="pledges once"):
        accept([Pledge("a", 1), Pledge("a", 1)], 5)
    with pytest.raises(MarketRefusal, match="neither is negative"):
        accept([], 5, -1)
