"""Power that fails in each write of a delivery, and again in each write of the start after that."""

import pytest

pytest.importorskip("littlefs", reason="littlefs-python is not installed")

from tests.host.power.chip import ALL, EARLY, HALF
from tests.host.power.course import Life, check, run_to_cut, writes_of, writes_until_done
from tests.host.thorough import examples

SHARES = (EARLY, HALF, ALL)
AGES = range(1, 1 + examples(2))


@pytest.fixture(scope="module")
def past():
    """`past(age)`: the flash of a board that has saved so many times."""
    kept = {}

    def made(age):
        if age not in kept:
            with pytest.MonkeyPatch.context() as patch:
                kept[age] = Life(patch).past(age)
        return kept[age]

    return made


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("share", SHARES)
def test_delivery_is_told_once_and_counted_once_when_power_fails_in_any_write(
    past, monkeypatch, share, age
):
    closed = []

    def one(nth):
        life = Life(monkeypatch, past(age))
        is_cut = run_to_cut(life, life.course, nth, share)
        life.fail()
        life.restart()
        check(life)
        closed.append(life.was_closed)
        return is_cut

    assert writes_until_done(one) > 20
    assert closed.count(True) > 15 and closed.count(False) > 5


@pytest.mark.parametrize("place", range(3))
def test_delivery_is_told_once_and_counted_once_when_power_fails_in_the_next_start_too(
    past, monkeypatch, place
):
    """The first cut in each third write: the places together take all."""
    starts = []

    def one(nth, second):
        life = Life(monkeypatch, past(1))
        assert run_to_cut(life, life.course, nth, SHARES[(place + 1) % 3])
        life.fail()
        is_cut = run_to_cut(life, life.restart, second, SHARES[place])
        life.fail()
        life.restart()
        check(life)
        return is_cut

    life = Life(monkeypatch, past(1))
    for nth in range(1 + place, 1 + writes_of(life, life.course), 3):
        starts.append(writes_until_done(lambda second, nth=nth: one(nth, second)))
    assert sum(starts) > 50
