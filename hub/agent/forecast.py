"""Readings of one house in, the energy it can sell or must buy in the next delivery window out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.agent.habits import Habit
from hub.agent.house_wishes import STORE_FIRST
from hub.agent.preferences import Preferences

SECONDS_PER_HOUR = 3_600
LEAST_READINGS = 3


@dataclass(frozen=True)
class Forecast:
    """Expected mean powers (uW, at the scale of the bench) and what follows from them (uWh)."""

    pv_power_uw: int
    load_power_uw: int
    stored_uwh: int
    surplus_uwh: int
    need_uwh: int


class Habits:
    """What a house usually generates and uses, learnt from its readings (`hub.agent.habits`)."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._pv = Habit(preferences.day_s, is_proportional=True)
        self._load = Habit(preferences.day_s, is_proportional=False)
        self._newest_ms = 0

    def note(self, readings: Sequence[Mapping[str, Any]]) -> None:
        """Take readings, oldest first; those seen before are left out."""
        for reading in readings:
            at_ms = reading["received_at_ms"]
            if at_ms <= self._newest_ms:
                continue
            self._newest_ms = at_ms
            load_uw = _load_uw(reading, self._preferences)
            if load_uw is not None:
                self._load.note(at_ms / 1000, load_uw)
            self._pv.note(at_ms / 1000, reading["pv_power_uw"] or 0)

    def expect(self, ahead_s: int, length_s: int) -> tuple[int, int] | None:
        """Return mean PV and load to expect from `ahead_s` after the newest reading on."""
        start_s = self._newest_ms / 1000 + max(ahead_s, 0)
        pv_uw = self._pv.expect(start_s, start_s + length_s)
        load_uw = self._load.expect(start_s, start_s + length_s)
        return None if pv_uw is None or load_uw is None else (pv_uw, load_uw)


def forecast(
    readings: Sequence[Mapping[str, Any]],
    delivery_s: int,
    preferences: Preferences,
    habits: Habits | None = None,
    ahead_s: int = 0,
) -> Forecast | None:
    """Forecast by the house's habits; without any the mean of the latest readings goes on.

    `readings` are oldest first, with `received_at_ms` and the members of a wire reading;
    `delivery_s` is the length of the delivery window, `ahead_s` the time until it. The surplus is
    what PV leaves over the own load in that window plus what the battery holds above its reserve;
    for a house that stores before it sells, less what still goes into the battery, of which it
    sells nothing.
    The need is the load that PV leaves uncovered until the next delivery window; a battery does
    not lessen it, since what is bought cheaply can be stored. Returns None where a forecast would
    be a guess: too few readings, or no metered load.
    """
    recent = _recent(readings, preferences.averaging_s)
    loads = [load for reading in recent if (load := _load_uw(reading, preferences)) is not None]
    if len(recent) < LEAST_READINGS or not loads:
        return None
    pv = later_pv = _mean([reading["pv_power_uw"] or 0 for reading in recent])
    load = later_load = _mean(loads)
    if habits is not None:
        pv, load = habits.expect(ahead_s, delivery_s) or (pv, load)
        later_pv, later_load = habits.expect(ahead_s, preferences.need_horizon_s) or (pv, load)
    stored = _stored_above_reserve_uwh(recent[-1], preferences)
    sold_of_battery = stored
    if preferences.order == STORE_FIRST:
        sold_of_battery = -_room_uwh(recent[-1], preferences)
    return Forecast(
        pv_power_uw=pv,
        load_power_uw=load,
        stored_uwh=stored,
        surplus_uwh=max(0, (pv - load) * delivery_s // SECONDS_PER_HOUR + sold_of_battery),
        need_uwh=max(0, (later_load - later_pv) * preferences.need_horizon_s // SECONDS_PER_HOUR),
    )


def _recent(readings: Sequence[Mapping[str, Any]], span_s: int) -> list[Mapping[str, Any]]:
    if not readings:
        return []
    newest = readings[-1]["received_at_ms"]
    return [one for one in readings if one["received_at_ms"] > newest - span_s * 1_000]


def _load_uw(reading: Mapping[str, Any], preferences: Preferences) -> int | None:
    """Return the load at bench scale: real power where it is metered, else apparent power.

    Apparent power is an upper bound of the real one, so a house never sells what it needs.
    """
    full_scale = reading["load_power_uw"]
    if full_scale is None:
        full_scale = reading["load_apparent_uva"]
    return None if full_scale is None else full_scale // preferences.model_scale


def _stored_above_reserve_uwh(reading: Mapping[str, Any], preferences: Preferences) -> int:
    level = _level_permille(reading, preferences)
    if level is None:
        return 0
    above = level - preferences.battery_reserve_permille
    return max(0, above) * preferences.battery_usable_uwh // 1_000


def _room_uwh(reading: Mapping[str, Any], preferences: Preferences) -> int:
    level = _level_permille(reading, preferences)
    return 0 if level is None else (1_000 - level) * preferences.battery_usable_uwh // 1_000


def _level_permille(reading: Mapping[str, Any], preferences: Preferences) -> int | None:
    """Return how full the battery is by its voltage, None without a battery."""
    voltage_uv = reading["battery_voltage_uv"]
    if voltage_uv is None:
        return None
    span_uv = preferences.battery_full_uv - preferences.battery_empty_uv
    level: int = (voltage_uv - preferences.battery_empty_uv) * 1_000 // span_uv
    return min(max(level, 0), 1_000)


def _mean(values: Sequence[int]) -> int:
    return sum(values) // len(values)
