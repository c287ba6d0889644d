"""The forecast on trial: measured hours of houses in, its errors beside naive forecasts' out.

At the end of every hour each method forecasts the mean power of one later hour from what was
measured until then, as a house's agent does before a delivery. Naive are: the last hour goes on
(`persistence`), the same hour of the day before (`yesterday`), the mean of that hour over all days
seen (`usual day`). An order made by a forecast costs half the span of the tariffs for each kWh it
is wrong: what is short is bought at retail, what is left over sold at feed-in, and both would have
had the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hub.agent.habits import SLOTS_A_DAY, Habit

Values = npt.NDArray[np.float64]

HORIZONS_H = (1, 2, 3, 6)
NAIVE = ("persistence", "yesterday", "usual day")
AGENT = "agent"
METHODS = (*NAIVE, AGENT)
QUANTITIES = ("pv", "load", "net")
UW_PER_W = 1_000_000
HOUR_S = 3600


@dataclass(frozen=True)
class Measured:
    """Days of one house, in a row: hourly mean powers in W."""

    house: str
    pv_w: Values
    load_w: Values


@dataclass(frozen=True)
class Tried:
    """Errors of one method for one quantity and horizon, over all houses and hours, in W."""

    method: str
    quantity: str
    horizon_h: int
    forecasts: int
    mae_w: float
    rmse_w: float
    bias_w: float


def backtest(
    houses: Iterable[Measured], horizons_h: Sequence[int] = HORIZONS_H, learning_days: int = 1
) -> list[Tried]:
    """Try every method on every hour after `learning_days`. Raises ValueError for too few days."""
    errors: dict[tuple[str, str, int], list[Values]] = {}
    for measured in houses:
        for key, wrong_w in _errors(measured, horizons_h, learning_days):
            errors.setdefault(key, []).append(wrong_w)
    if not any(len(part) for part in errors.get((AGENT, "net", horizons_h[-1]), [])):
        raise ValueError("a backtest needs more days than the forecast learns from")
    tried = []
    for horizon_h in horizons_h:
        for quantity in QUANTITIES:
            for method in METHODS:
                found = np.concatenate(errors[method, quantity, horizon_h])
                tried.append(
                    Tried(
                        method,
                        quantity,
                        horizon_h,
                        len(found),
                        round(float(np.abs(found).mean()), 3),
                        round(float(np.sqrt((found**2).mean())), 3),
                        round(float(found.mean()), 3),
                    )
                )
    return tried


def _errors(
    measured: Measured, horizons_h: Sequence[int], learning_days: int
) -> Iterable[tuple[tuple[str, str, int], Values]]:
    """Yield (method, quantity, horizon) with its forecasts less what came, in W."""
    pv_w = _forecasts(measured.pv_w, horizons_h, is_proportional=True)
    load_w = _forecasts(measured.load_w, horizons_h, is_proportional=False)
    first = learning_days * SLOTS_A_DAY
    for horizon_h in horizons_h:
        made = slice(first, max(first, len(measured.pv_w) - horizon_h))
        came = slice(made.start + horizon_h, made.stop + horizon_h)
        for method in METHODS:
            key = (method, horizon_h)
            pv_wrong_w = pv_w[key][made] - measured.pv_w[came]
            load_wrong_w = load_w[key][made] - measured.load_w[came]
            yield (method, "pv", horizon_h), pv_wrong_w
            yield (method, "load", horizon_h), load_wrong_w
            yield (method, "net", horizon_h), load_wrong_w - pv_wrong_w


def _forecasts(
    values: Values, horizons_h: Sequence[int], *, is_proportional: bool
) -> dict[tuple[str, int], Values]:
    """Return each method's forecasts in W, the one made when hour `i` has ended at place `i`."""
    hours = len(values)
    habit = Habit(SLOTS_A_DAY * HOUR_S, is_proportional=is_proportional)
    made = {(name, ahead): np.full(hours, np.nan) for name in METHODS for ahead in horizons_h}
    for hour in range(hours):
        habit.note(hour * HOUR_S, round(values[hour] * UW_PER_W))
        for ahead in horizons_h:
            target = hour + ahead
            expected_uw = habit.expect(target * HOUR_S, (target + 1) * HOUR_S)
            assert expected_uw is not None  # an hour was noted
            made[AGENT, ahead][hour] = expected_uw / UW_PER_W
            made["persistence", ahead][hour] = values[hour]
            day_before = target - SLOTS_A_DAY
            if day_before >= 0:
                made["yesterday", ahead][hour] = values[day_before]
                made["usual day", ahead][hour] = values[day_before::-SLOTS_A_DAY].mean()
    return made


def order_loss(tried: Tried, span_per_kwh: float) -> float:
    """Return what orders by this forecast lose in a day, in the money of the tariffs' span."""
    return tried.mae_w / 1000 * 24 * span_per_kwh / 2


def rows(tried: Sequence[Tried], span_per_kwh: float) -> list[dict[str, Any]]:
    """Return one record a line: errors, and `skill`: 1 - error / the best naive one's error."""
    best = {
        (one.quantity, one.horizon_h): min(
            other.mae_w
            for other in tried
            if other.method in NAIVE
            and (other.quantity, other.horizon_h) == (one.quantity, one.horizon_h)
        )
        for one in tried
    }
    found = []
    for one in tried:
        naive_w = best[one.quantity, one.horizon_h]
        record: dict[str, Any] = {**vars(one)}
        record["skill"] = round(1 - one.mae_w / naive_w, 4) if naive_w > 0 else None
        record["order_loss_per_day"] = (
            round(order_loss(one, span_per_kwh), 5) if one.quantity == "net" else None
        )
        found.append(record)
    return found
