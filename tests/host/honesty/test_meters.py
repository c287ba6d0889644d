"""Two meters of one delivery that disagree: who is to be believed."""

from __future__ import annotations

import itertools

import pytest

from hub.honesty.meters import Final, MeterPairs

NUMBER = itertools.count()


@pytest.fixture
def pairs():
    return MeterPairs(50, 347)


def deliver(pairs, seller, buyer, energies, reason=None):
    name = f"d{next(NUMBER)}"
    said = pairs.hear(name, "seller", Final(seller, energies[0], reason))
    return said | pairs.hear(name, "buyer", Final(buyer, energies[1], reason))


def test_liar_is_found_when_it_disagrees_with_three_in_a_row(pairs):
    assert deliver(pairs, "house-1", "house-2", (34_000, 20_000)) == {}
    assert deliver(pairs, "house-3", "house-2", (34_000, 20_000)) == {}
    found = deliver(pairs, "house-5", "house-2", (34_000, 20_000))
    assert list(found) == ["house-2"]
    assert "20000 against 34000 uWh of house-5" in found["house-2"]


def test_honest_meter_is_cleared_when_it_agrees_with_another(pairs):
    for _ in range(5):
        found = deliver(pairs, "house-1", "house-2", (34_000, 20_000))
        deliver(pairs, "house-1", "house-4", (34_000, 33_500))
        assert "house-1" not in found


@pytest.mark.parametrize("energies", [(34_000, 32_000), (34_000, 34_600), (0, 0)])
def test_losses_and_tolerances_are_no_disagreement(pairs, energies):
    for _ in range(5):
        assert deliver(pairs, "house-1", "house-2", energies) == {}


def test_buyer_who_meters_more_than_was_given_disagrees(pairs):
    for _ in range(2):
        assert deliver(pairs, "house-1", "house-2", (20_000, 34_000)) == {}
    assert set(deliver(pairs, "house-1", "house-2", (20_000, 34_000))) == {"house-1", "house-2"}


def test_board_that_lost_power_is_no_liar(pairs):
    for _ in range(5):
        assert deliver(pairs, "house-1", "house-2", (34_000, 20_000), "rebooted") == {}


def test_final_that_comes_twice_counts_once(pairs):
    for _ in range(5):
        pairs.hear("same", "seller", Final("house-1", 34_000, None))
        assert pairs.hear("same", "buyer", Final("house-2", 20_000, None)) == {}


def deliver_with_gaps(pairs, gaps, energies):
    """Deliver from house-1 to house-2; `gaps`: who said that it lost samples."""
    name, said = f"d{next(NUMBER)}", {}
    for role, node, energy_uwh in zip(
        ("seller", "buyer"), ("house-1", "house-2"), energies, strict=True
    ):
        said |= pairs.hear(name, role, Final(node, energy_uwh, None, node in gaps))
    return said


def test_meter_that_counted_less_gets_more_time_when_it_says_it_lost_samples(pairs):
    for _ in range(8):
        assert deliver_with_gaps(pairs, ("house-2",), (34_000, 20_000)) == {}
    found = deliver_with_gaps(pairs, ("house-2",), (34_000, 20_000))
    assert "in 9 deliveries in a row" in found["house-2"]


def test_meter_is_not_believed_for_ever_when_it_agrees_between_its_lost_samples(pairs):
    for _ in range(8):
        assert deliver_with_gaps(pairs, ("house-2",), (34_000, 20_000)) == {}
        assert deliver_with_gaps(pairs, ("house-2",), (34_000, 33_900)) == {}
    found = deliver_with_gaps(pairs, ("house-2",), (34_000, 20_000))
    assert set(found) == {"house-2"}
    assert "in 9 of 17 deliveries, each time with samples lost" in found["house-2"]


def test_disagreement_counts_whole_when_who_counted_more_lost_samples(pairs):
    for _ in range(2):
        assert deliver_with_gaps(pairs, ("house-1",), (34_000, 20_000)) == {}
    assert "house-2" in deliver_with_gaps(pairs, ("house-1",), (34_000, 20_000))
