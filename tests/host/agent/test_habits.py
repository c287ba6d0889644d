"""The habits of a house, and the backtest of the forecast made of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from hub.agent.backtest import Measured, backtest, order_loss, rows
from hub.agent.forecast import Habits, forecast
from hub.agent.habits import Habit
from hub.agent.preferences import Preferences
from hub.errors import BadInput
from tools.cli import cli

DAY_S, HOUR_S = 86_400, 3_600


def habit_of(days: list[list[int]], *, is_proportional: bool = False) -> Habit:
    habit = Habit(DAY_S, is_proportional=is_proportional)
    for number, day in enumerate(days):
        for hour, power_uw in enumerate(day):
            habit.note(number * DAY_S + hour * HOUR_S, power_uw)
    return habit


def test_the_latest_power_is_expected_when_no_day_has_passed():
    habit = habit_of([[100, 300]])
    assert habit.expect(5 * HOUR_S, 6 * HOUR_S) == 300


def test_nothing_is_expected_when_nothing_was_measured():
    assert Habit(DAY_S, is_proportional=True).expect(0, HOUR_S) is None


def test_yesterdays_hour_is_expected_when_today_is_as_usual():
    day = [hour * 1_000 for hour in range(24)]
    habit = habit_of([day, day[:12]])
    assert habit.expect(DAY_S + 15 * HOUR_S, DAY_S + 16 * HOUR_S) == 15_000
    # Over two hours: their mean.
    assert habit.expect(DAY_S + 15 * HOUR_S, DAY_S + 17 * HOUR_S) == 15_500


def test_a_cloud_takes_the_share_of_the_sun_that_it_takes_now_when_it_stays():
    day = [10_000] * 24
    habit = habit_of([day, [10_000] * 11 + [5_000]], is_proportional=True)
    # Half is missing now; 600 permille of that an hour later.
    assert habit.expect(DAY_S + 12 * HOUR_S, DAY_S + 13 * HOUR_S) == 7_000


def test_an_unusual_load_is_expected_to_fade():
    habit = habit_of([[1_000] * 24, [1_000] * 11 + [3_000]])
    # 2,000 more than usual; 450 permille of that after one hour, 450 of that after two.
    assert habit.expect(DAY_S + 12 * HOUR_S, DAY_S + 13 * HOUR_S) == 1_900
    assert habit.expect(DAY_S + 13 * HOUR_S, DAY_S + 14 * HOUR_S) == 1_405


def test_an_agent_forecasts_the_evening_from_its_habits_when_it_has_some():
    wish = Preferences(1, 1, 10**9, is_prosumer=False, day_s=1_440, need_horizon_s=60)
    habits = Habits(wish)
    # One bench day: 2 W of load but for the evening's 8 W, and the next one's noon.
    readings = [
        {
            "received_at_ms": 1_000 * second,
            "pv_power_uw": None,
            "load_power_uw": 8_000_000 if 18 <= second // 60 % 24 < 21 else 2_000_000,
            "load_apparent_uva": None,
            "battery_voltage_uv": None,
        }
        for second in range(0, 1_440 + 720, 5)
    ]
    habits.note(readings)
    habits.note(readings)  # what was seen before does not count twice
    found = forecast(readings, 60, wish, habits, ahead_s=6 * 60 + 5)
    assert found is not None
    assert (found.load_power_uw, found.need_uwh) == (8_000_000, 8_000_000 * 60 // 3_600)
    assert forecast(readings, 60, wish).load_power_uw == 2_000_000


def measured(days: int) -> Measured:
    hours = np.arange(24 * days)
    sun = np.maximum(0, np.sin((hours % 24 - 6) / 12 * np.pi)) * 3_000
    return Measured("a", sun, 500 + 200.0 * (hours % 24 >= 18))


def test_every_method_is_right_when_all_days_are_alike_but_persistence():
    tried = {(one.method, one.quantity, one.horizon_h): one for one in backtest([measured(4)])}
    assert tried["agent", "pv", 3].mae_w < 1e-3
    assert tried["yesterday", "net", 6].mae_w < 1e-3
    assert tried["persistence", "pv", 3].mae_w > 500


def test_errors_are_those_of_the_definition_when_a_day_differs():
    loads = [100.0] * 48
    loads[40] = 500.0
    tried = backtest([Measured("a", np.zeros(48), np.array(loads))], [1], learning_days=1)
    naive = {one.method: one for one in tried if one.quantity == "load"}
    # 23 forecasts of hours 25 to 47: one hour of them is 400 W off for `yesterday`,
    # two for `persistence`: the hour itself and the one after it.
    assert naive["yesterday"].forecasts == 23
    assert naive["yesterday"].mae_w == pytest.approx(400 / 23, abs=1e-3)
    assert naive["persistence"].mae_w == pytest.approx(800 / 23, abs=1e-3)
    assert naive["persistence"].bias_w == pytest.approx(0)
    # 400/23 W wrong each hour at half of 0.20: what orders lose in a day.
    assert order_loss(naive["yesterday"], 0.2) == pytest.approx(0.4 / 23 * 24 * 0.1, abs=1e-5)


def test_skill_is_against_the_best_naive_forecast():
    tried = backtest([measured(5)], [2])
    best = min(one.mae_w for one in tried if one.quantity == "pv" and one.method != "agent")
    [agent] = [r for r in rows(tried, 0.2) if r["quantity"] == "pv" and r["method"] == "agent"]
    assert best == 0 and agent["skill"] is None


def test_command_beats_every_naive_forecast_of_the_bundled_homes(tmp_path):
    plot = tmp_path / "b.png"
    done = CliRunner().invoke(cli, ["agent", "backtest", "--json", "--plot", str(plot)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)["rows"]
    skills = {
        (row["quantity"], row["horizon_h"]): row["skill"]
        for row in found
        if row["method"] == "agent"
    }
    assert len(skills) == 12
    assert min(skills.values()) > 0, skills
    assert skills["net", 1] > 0.1
    assert plot.stat().st_size > 10_000


def test_command_names_file_row_and_column_when_an_hour_is_missing(tmp_path):
    path = tmp_path / "house.csv"
    path.write_text("at,load_w,pv_w\n2026-01-01T00:00,1,0\n2026-01-01T02:00,1,0\n")
    done = CliRunner().invoke(cli, ["agent", "backtest", "--csv", str(path)])
    assert isinstance(done.exception, BadInput)
    assert str(done.exception) == (
        f"{path}, row 3, at: 2026-01-01T02:00:00 does not follow the row above it: a clock change "
        "or missing rows; write the times in UTC or with their offset (2026-03-29T03:00+02:00)"
    )
    path.write_text("load_w,pv_w\n" + "1,0\n" * 24)
    done = CliRunner().invoke(cli, ["agent", "backtest", "--csv", str(path)])
    assert isinstance(done.exception, BadInput)
    assert "needs more days" in str(done.exception)
