"""Which readings can't be true, and which only look strange."""

from __future__ import annotations

import pytest
from wire.records import QUALITY

from hub.honesty.judge import Judge, Limits
from tests.host.hub.samples import reading

LIMITS = Limits(
    bus_power_uw=24_000_000, dc_power_uw=500_000_000, load_power_uw=10**10, period_ms=1_000
)
START_MS = 1_700_000_000_000
LOST = QUALITY["samples_lost"]


class Board:
    """Says readings with registers that follow its power, unless told otherwise."""

    def __init__(self, **known):
        self.judge = Judge(LIMITS)
        self.seq, self.at_ms, self.boot_id = 0, START_MS, 1
        self.register_uwh = 1_000_000
        self.rest = 0

    def say(self, power_uw=6_250_000, rise_uwh=None, seconds=1.0, t_ms=None, **changes):
        self.seq += 1
        self.at_ms += int(seconds * 1_000)
        if rise_uwh is None:
            self.rest += max(power_uw, 0) * int(seconds * 1_000)
            rise_uwh, self.rest = divmod(self.rest, 3_600_000)
        self.register_uwh += rise_uwh
        record = reading(
            self.seq,
            boot_id=self.boot_id,
            t_ms=t_ms,
            bus_power_uw=power_uw,
            bus_import_uwh=self.register_uwh,
            bus_export_uwh=0,
            **changes,
        )
        return self.judge.judge(record, self.at_ms)


@pytest.fixture
def board():
    made = Board()
    assert made.say().is_plausible
    return made


def test_honest_board_is_believed_for_hours(board):
    for second in range(10_000):
        power_uw = 0 if second % 50 < 20 else 6_250_000 + second % 7 * 1_000
        verdict = board.say(power_uw)
        assert verdict.is_plausible and verdict.lie is None


def test_jump_forward_is_a_lie_when_so_much_cannot_have_flowed(board):
    verdict = board.say(rise_uwh=1_000_000)
    assert "rose by 1000000 uWh in 1 s" in verdict.lie and not verdict.is_plausible


def test_rise_is_believed_when_the_board_was_away_long_enough(board):
    assert board.say(rise_uwh=5_000_000, seconds=3_600).lie is None


def test_rise_is_believed_when_old_readings_come_all_at_once(board):
    board.say(seconds=3_600, t_ms=board.at_ms)
    for minute in range(1, 50):  # told now, metered then
        said_ms = START_MS + 3_600_000 - (50 - minute) * 60_000
        verdict = board.say(rise_uwh=100_000, seconds=0.01, t_ms=said_ms)
        assert verdict.lie is None, verdict


def test_time_from_the_future_does_not_make_a_jump_true(board):
    board.say(t_ms=board.at_ms)
    assert board.say(rise_uwh=10**9, t_ms=board.at_ms + 10**12).lie is not None


def test_fall_is_a_lie_under_the_same_boot(board):
    assert "without a restart" in board.say(rise_uwh=-1).lie


@pytest.mark.parametrize(("fall_uwh", "is_lie"), [(600_000, False), (3_000_000, True)])
def test_fall_over_a_restart_is_believed_up_to_a_save_interval(board, fall_uwh, is_lie):
    board.register_uwh += 0
    board.boot_id = 2
    board.register_uwh = 5_000_000
    board.judge = Judge(LIMITS, (reading(1, bus_import_uwh=5_000_000, bus_power_uw=0,
                                         bus_export_uwh=0), board.at_ms))  # fmt: skip
    assert (board.say(rise_uwh=-fall_uwh, power_uw=0).lie is not None) == is_lie


def test_one_impossible_power_is_left_out_and_three_are_a_lie(board):
    first = board.say(900_000_000, rise_uwh=0)
    assert not first.is_plausible and first.lie is None
    assert board.say(rise_uwh=0).is_plausible
    assert board.say(900_000_000, rise_uwh=0).lie is None
    assert "900.0 W at its bus port" in board.say(-900_000_000, rise_uwh=0).lie.replace("-", "")


def test_register_that_is_not_the_integral_of_its_power_is_a_lie_after_three_minutes(board):
    found = []
    for second in range(400):
        lie = board.say(6_250_000, rise_uwh=2 * 1_736).lie
        if lie:
            found.append((second, lie))
            break
    assert found and 180 <= found[0][0] <= 200
    assert "its own powers make" in found[0][1]


def test_register_that_stands_still_while_power_flows_is_a_lie(board):
    assert any(board.say(6_250_000, rise_uwh=0).lie for _ in range(400))


def test_register_that_lags_is_believed_when_the_board_says_it_lost_samples(board):
    for _ in range(600):
        assert board.say(rise_uwh=868, quality_flags=LOST).lie is None  # half of 6.25 W


def test_register_that_lags_for_ever_is_a_lie_when_the_board_always_claims_lost_samples(board):
    found = [board.say(rise_uwh=868, quality_flags=LOST).lie for _ in range(22 * 60)]
    assert "lost samples explained that too often" in next(filter(None, found))


def test_register_that_lags_now_and_then_is_believed_when_the_board_says_it_lost_samples(board):
    for minute in range(240):
        lags = minute % 4 == 0
        for _ in range(60):
            verdict = board.say(rise_uwh=868 if lags else None, quality_flags=LOST * lags)
            assert verdict.lie is None


def test_register_that_lags_is_a_lie_when_few_readings_tell_of_lost_samples(board):
    flags = (LOST if second % 20 == 0 else 0 for second in range(400))
    assert any(board.say(rise_uwh=868, quality_flags=one).lie for one in flags)


def test_register_that_runs_ahead_is_a_lie_when_the_board_says_it_lost_samples(board):
    found = [board.say(rise_uwh=2 * 1_736, quality_flags=LOST).lie for _ in range(400)]
    assert any(found)


def test_repeated_reading_is_no_news(board):
    board.seq -= 1
    assert board.say(rise_uwh=-500).lie is None
