"""Totals of registers: exact while a board runs, and never counted twice when it does not."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hub.store.metered import Heard, Totals, add, bounded


def heard(boot_id, first, highest):
    return Heard(boot_id, {"a": first}, {"a": highest})


def total(*boots, floor=None):
    return add(Totals(), boots, {"a": floor}).values["a"]


def test_total_is_the_register_when_nothing_happened():
    assert total(heard(1, 100, 200), heard(1, 201, 230)) == 230


def test_register_that_fell_back_by_a_save_interval_is_counted_once():
    # It had saved 150 at least: so it is the same register, and catches up from 160 to 220.
    assert total(heard(1, 100, 200), heard(2, 160, 220), floor=150) == 220


def test_register_that_has_not_caught_up_yet_adds_nothing():
    assert total(heard(1, 100, 200), heard(2, 160, 190), floor=150) == 200


def test_total_goes_on_when_the_board_was_replaced():
    # 40 lies below what was saved: another register, which rose from 40 to 70.
    found = add(Totals(), [heard(1, 100, 200), heard(2, 40, 70)], {"a": 150})
    assert found.values["a"] == 230
    assert found.bases == {"a": 160}
    assert add(found, [heard(2, 71, 90)], {"a": 150}).values["a"] == 250


def test_register_adds_nothing_when_it_falls_without_a_restart():
    assert total(heard(1, 100, 200), heard(1, 40, 70), floor=150) == 200


def test_register_is_none_until_its_sensor_is_fitted():
    assert total(heard(1, None, None)) is None
    assert total(heard(1, None, None), heard(2, 5, 9)) == 9


def test_late_total_stays_between_its_neighbours():
    late = Totals(1, {"a": 500, "b": 1, "c": None}, {})
    assert bounded(late, {"a": 100, "b": 7}, {"a": 300}).values == {"a": 300, "b": 7, "c": None}


@given(
    st.lists(
        st.tuples(st.integers(0, 1_000), st.integers(0, 1_000), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_totals_never_fall_and_never_exceed_what_was_metered(steps):
    """A board meters `rise`, then may lose power, and with it up to `lost` of its last rise."""
    register = metered = 0
    boots, at = itertools.count(1), Totals()
    boot = next(boots)
    before = 0
    for rise, lost, is_cut in steps:
        first = register
        register += rise
        metered += rise
        at = add(at, [heard(boot, first, register)], {"a": first - lost})
        assert before <= at.values["a"] <= metered
        assert at.values["a"] >= register
        before = at.values["a"]
        if is_cut:
            register = max(first, register - lost)
            boot = next(boots)


@given(st.lists(st.lists(st.integers(0, 1_000), min_size=1), min_size=1, max_size=8))
def test_sum_over_replaced_boards_is_what_each_rose(boards):
    """Each board starts anew at 0; what it had saved is all that it metered."""
    at, expected, saved = Totals(), 0, None
    for boot, rises in enumerate(boards):
        register = 0
        at_first = at
        at = add(at, [heard(boot, 0, 0)], {"a": saved})
        # A register of 0 is not below 0: nothing was metered before it, and nothing is lost.
        assert at.values["a"] == (at_first.values.get("a") or 0)
        for rise in rises:
            at = add(at, [heard(boot, register, register + rise)], {"a": saved})
            register += rise
        if at.bases or not saved:
            expected += register
        else:
            expected = max(expected, register)
        assert at.values["a"] == expected
        saved = at.values["a"]
