"""The shared battery: whose energy it is, who pays whom, and that nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.market.amounts import apportion, gwei_text
from hub.market.pool import Pool, PoolTerms, draw, store
from hub.market.records import MarketRefusal


def test_store_shares_room_in_proportion_when_surplus_is_too_much() -> None:
    pool, taken = store(Pool(60), {"a": 100, "b": 50})
    assert taken == {"a": 40, "b": 20}
    assert pool.stored_uwh == {"a": 40, "b": 20}


def test_store_books_the_loss_when_charging_is_imperfect() -> None:
    # 90 %: 100 become 90; a room of 90 takes 100.
    pool, taken = store(Pool(90, charge_permille=900), {"a": 200})
    assert taken == {"a": 100}
    assert pool.total_uwh == 90


def test_draw_serves_own_energy_for_the_fee_when_a_member_has_stored() -> None:
    pool, result = draw(Pool(100, stored_uwh={"a": 50}), {"a": 30}, PoolTerms(200, 10))
    assert result.delivered_uwh == {"a": 30}
    assert result.paid_wei == {"a": 300}
    assert result.earned_wei == {}
    assert result.operator_wei == 300
    assert pool.stored_uwh == {"a": 20}


def test_draw_pays_shares_in_proportion_when_others_need_energy() -> None:
    # c takes 30 of 40 + 20: 20 from a and 10 from b, who earn 190 for each.
    stored = Pool(100, stored_uwh={"a": 40, "b": 20})
    pool, result = draw(stored, {"c": 30}, PoolTerms(200, 10))
    assert result.paid_wei == {"c": 30 * 200}
    assert result.earned_wei == {"a": 20 * 190, "b": 10 * 190}
    assert result.operator_wei == 30 * 10
    assert pool.stored_uwh == {"a": 20, "b": 10}


def test_draw_shares_energy_in_proportion_when_needs_are_too_many() -> None:
    _, result = draw(Pool(30, stored_uwh={"a": 30}), {"b": 40, "c": 20}, PoolTerms(5))
    assert result.delivered_uwh == {"b": 20, "c": 10}


@pytest.mark.parametrize("efficiency", [0, 1001, -1])
def test_pool_refuses_when_an_efficiency_is_impossible(efficiency: int) -> None:
    with pytest.raises(MarketRefusal, match="efficiency"):
        Pool(1, discharge_permille=efficiency)


def test_pool_refuses_when_amounts_are_impossible() -> None:
    with pytest.raises(MarketRefusal, match="more than its capacity"):
        Pool(1, stored_uwh={"a": 2})
    with pytest.raises(MarketRefusal, match="less than no energy"):
        Pool(1, stored_uwh={"a": -2})
    with pytest.raises(MarketRefusal, match="must not be negative"):
        store(Pool(1), {"a": -1})
    with pytest.raises(MarketRefusal, match="fee"):
        PoolTerms(1, 2)


members = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9), max_size=6)
permille = st.integers(500, 1000)


@given(members, members, permille, permille, st.integers(0, 10**12))
def test_pool_keeps_energy_and_money_when_amounts_are_any(
    surplus: dict[str, int], need: dict[str, int], charge: int, discharge: int, capacity: int
) -> None:
    empty = Pool(capacity, charge, discharge)
    full, taken = store(empty, surplus)
    assert empty.stored_uwh == {}
    assert all(0 <= taken[peer] <= surplus[peer] for peer in surplus)
    assert full.total_uwh * 1000 <= sum(taken.values()) * charge
    left, result = draw(full, need, PoolTerms(200, 10))
    assert all(0 <= result.delivered_uwh[peer] <= need[peer] for peer in need)
    drawn_uwh = full.total_uwh - left.total_uwh
    assert sum(result.delivered_uwh.values()) * 1000 <= drawn_uwh * discharge
    paid = sum(result.paid_wei.values())
    assert paid == sum(result.earned_wei.values()) + result.operator_wei


@given(st.integers(0, 10**20), st.lists(st.integers(0, 10**9), max_size=9))
def test_apportion_adds_up_and_stays_fair_when_weights_are_any(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    whole = sum(weights)
    if not whole:
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (-1_500_000_000, "-1.5"),
        (2 * 10**9, "2"),
        (10**27, "1" + "0" * 18),
    ],
)
def test_gwei_text_is_exact_when_amount_is_any(wei: int, text: str) -> None:
    assert gwei_text(wei) == text
