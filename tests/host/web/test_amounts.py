"""What people type: exact integers or one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import amounts
from hub.amounts import BadAmount


@pytest.mark.parametrize(
    ("text", "energy_uwh"),
    [
        ("40", 40_000),
        (" 40 mWh ", 40_000),
        ("34.723", 34_723),
        ("0,5", 500),
        ("0.04 Wh", 40_000),
        ("40000 µWh", 40_000),
        ("1 kWh", 10**9),
        ("4e1", 40_000),
        (40, 40_000),
    ],
)
def test_energy_is_exact_when_typed(text, energy_uwh):
    assert amounts.parse_energy_uwh(text) == energy_uwh


@pytest.mark.parametrize(
    ("text", "price"),
    [("0.2", 200_000_000), ("0.000000001", 1), ("200000000 gwei/kWh", 200_000_000)],
)
def test_price_is_exact_when_typed(text, price):
    assert amounts.parse_price_gwei_per_kwh(text) == price


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Type the energy"),
        ("much", "not a number"),
        ("0", "more than zero"),
        ("-5", "more than zero"),
        ("0.0001", "finer than 1 µWh"),
        ("34,723", "ambiguous"),
        ("40 mW", "unknown unit"),
        ("1e300", "absurdly large"),
        ("1e12", "far more than a house"),
        ("nan", "not a number"),
        ("١٢", "not a number"),
        ("9" * 41, "not a number"),
        (None, "Type the energy"),
        (True, "Type the energy"),
        (1.5, "Type the energy"),
        ([40], "Type the energy"),
    ],
)
def test_energy_is_refused_with_a_sentence_when_it_is_no_amount(text, sentence):
    with pytest.raises(BadAmount, match=sentence) as refusal:
        amounts.parse_energy_uwh(text)
    assert refusal.value.field == "energy"


@given(st.integers(1, amounts.MAX_ENERGY_UWH))
def test_energy_is_the_same_when_its_text_is_read_again(energy_uwh):
    assert amounts.parse_energy_uwh(amounts.energy_text(energy_uwh)) == energy_uwh


@given(st.integers(1, amounts.MAX_PRICE_GWEI_PER_KWH))
def test_price_is_the_same_when_its_text_is_read_again(price):
    assert amounts.parse_price_gwei_per_kwh(amounts.price_text(price)) == price


@given(st.text(max_size=60))
def test_nothing_but_a_sentence_comes_out_when_anything_is_typed(text):
    try:
        assert amounts.parse_energy_uwh(text) > 0
    except BadAmount as refusal:
        assert str(refusal).endswith(".")


def test_money_is_exact_when_it_is_small():
    assert amounts.money_text(1) == "0.000000000000000001 ETH"
    assert amounts.money_text(10**24 + 1) == "1000000.000000000000000001 ETH"
