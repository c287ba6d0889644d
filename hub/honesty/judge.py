"""A node's readings enter one by one, a sentence leaves where one cannot be true. Pure.

What is believed without proof: a register that rises by no more than can have flowed meanwhile, and
one that fell by no more than a save interval over a restart. Everything else is a lie, or a board
so broken that its figures are worth as little.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wire.records import QUALITY

UW_MS_PER_UWH = 3_600_000
SAVE_INTERVAL_MS = 330_000  # node/store.py saves every five minutes
SLACK_MS = 5_000  # how unevenly two readings may arrive
STRIKES, AMONG = 3, 20  # impossible powers among that many readings
# Energy against the integral of power: over so many readings one after the other, so long.
LEAST_READINGS, LEAST_MS, LONGEST_STEP_MS = 60, 60_000, 5_000
INTEGRAL_PERMILLE, EDGE_MS = 250, 3_000
INTEGRAL_STRIKES = 3  # windows in a row
# So many of them may lag behind for lost samples, which a board could claim for ever.
MOST_EXCUSED, EXCUSED_AMONG = 20, 60
PORTS = ("bus", "pv", "battery", "load")
WAYS = ("import", "export")
Reading = Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """What can flow at most. `dc_power_uw`: at PV and battery; `period_ms`: of readings."""

    bus_power_uw: int
    dc_power_uw: int
    load_power_uw: int
    period_ms: int

    def power_uw(self, port: str) -> int:
        of_port = {"bus": self.bus_power_uw, "load": self.load_power_uw}
        return of_port.get(port, self.dc_power_uw)


@dataclass(frozen=True)
class Verdict:
    """`is_plausible`: may be stored. `lie`: why the node is not to be believed any more."""

    is_plausible: bool = True
    lie: str | None = None


BELIEVED = Verdict()


@dataclass
class _Integral:
    """Power over time and the registers' rise, since the window began."""

    readings: int = 0
    duration_ms: int = 0
    energy: dict[str, int] = field(default_factory=collections.Counter)  # uW ms
    peak_uw: dict[str, int] = field(default_factory=collections.Counter)
    unseen: dict[str, int] = field(default_factory=collections.Counter)  # uW ms: of steps with gaps


class Judge:
    """Judges one node; `base` is the last reading believed before, with its arrival (Unix ms)."""

    def __init__(self, limits: Limits, base: tuple[Reading, int] | None = None) -> None:
        self._limits = limits
        self._base = base
        self._powers: collections.deque[bool] = collections.deque(maxlen=AMONG)
        self._integral = _Integral()
        self._start: Reading | None = None
        self._mismatches = 0
        self._excused: collections.deque[bool] = collections.deque(maxlen=EXCUSED_AMONG)

    def judge(self, reading: Reading, at_ms: int) -> Verdict:
        """Judge the next reading, which came at `at_ms`."""
        base = self._base
        if base is not None and _is_old(reading, base[0]):
            return BELIEVED  # repeated: the store knows
        impossible = self._impossible_power(reading)
        self._powers.append(impossible is not None)
        if sum(self._powers) >= STRIKES:
            return Verdict(False, impossible or "says again and again more power than can flow")
        if impossible is not None:
            return Verdict(False)
        lie = None if base is None else self._register_lie(base, reading, at_ms)
        if lie is None and base is not None:
            lie = self._integral_lie(base, reading, at_ms)
        if lie is not None:
            return Verdict(False, lie)
        self._base = (reading, at_ms)
        return BELIEVED

    def _impossible_power(self, reading: Reading) -> str | None:
        for port in PORTS:
            power_uw, most_uw = reading[f"{port}_power_uw"], self._limits.power_uw(port)
            if power_uw is not None and abs(power_uw) > most_uw:
                return (f"says {power_uw / 1e6:.1f} W at its {port} port, where at most "
                        f"{most_uw / 1e6:.1f} W can flow")  # fmt: skip
        return None

    def _register_lie(self, base: tuple[Reading, int], reading: Reading, at_ms: int) -> str | None:
        before, elapsed_ms = base[0], _elapsed_ms(base, reading, at_ms)
        is_same_boot = before["boot_id"] == reading["boot_id"]
        for port in PORTS:
            most_uw = self._limits.power_uw(port)
            for way in WAYS:
                name = f"{port}_{way}_uwh"
                if before[name] is None or reading[name] is None:
                    continue
                rise_uwh = reading[name] - before[name]
                allowed_ms = elapsed_ms + SLACK_MS + self._limits.period_ms
                most_uwh = most_uw * allowed_ms // UW_MS_PER_UWH + 1
                if rise_uwh > most_uwh:
                    return (f"{name} rose by {rise_uwh} uWh in {elapsed_ms / 1000:.0f} s, in which "
                            f"at most {most_uwh} can have flowed")  # fmt: skip
                if rise_uwh < 0 and is_same_boot:
                    return f"{name} fell by {-rise_uwh} uWh without a restart"
                if -rise_uwh > most_uw * SAVE_INTERVAL_MS // UW_MS_PER_UWH:
                    return (f"{name} fell by {-rise_uwh} uWh over a restart, more than flows "
                            "between two savings")  # fmt: skip
        return None

    def _integral_lie(self, base: tuple[Reading, int], reading: Reading, at_ms: int) -> str | None:
        """Hold the registers' rise against the powers told, as far as readings follow closely."""
        before, step_ms = base[0], _step_ms(base, reading, at_ms)
        follows = (before["boot_id"], before["seq"] + 1) == (reading["boot_id"], reading["seq"])
        if not follows or not 0 < step_ms <= LONGEST_STEP_MS or self._start is None:
            self._integral, self._start = _Integral(), reading
            return None
        window = self._integral
        window.readings += 1
        window.duration_ms += step_ms
        has_gap = bool((reading["quality_flags"] or 0) & QUALITY["samples_lost"])
        for port in PORTS:
            powers = (before[f"{port}_power_uw"], reading[f"{port}_power_uw"])
            if None in powers:
                continue
            for way in WAYS:
                # Power is positive for what the bus, a battery or a load takes, and PV gives.
                sign = 1 if (way == "export") == (port == "pv") else -1
                first, last = (max(sign * power, 0) for power in powers)
                told = (first + last) * step_ms // 2
                window.energy[f"{port}_{way}_uwh"] += told
                window.unseen[f"{port}_{way}_uwh"] += told if has_gap else 0
                peak = window.peak_uw.get(f"{port}_{way}_uwh", 0)
                window.peak_uw[f"{port}_{way}_uwh"] = max(peak, first, last)
        if window.readings < LEAST_READINGS or window.duration_ms < LEAST_MS:
            return None
        found = _mismatch(window, self._start, reading)
        self._integral, self._start = _Integral(), reading
        return self._weigh(found)

    def _weigh(self, found: _Mismatch | None) -> str | None:
        is_excused = found is not None and found.is_excused
        self._excused.append(is_excused)
        if found is None or is_excused:
            self._mismatches = 0
        else:
            self._mismatches += 1
        if found is not None and self._mismatches >= INTEGRAL_STRIKES:
            return found.sentence
        if found is not None and sum(self._excused) > MOST_EXCUSED:
            return f"{found.sentence}, and lost samples explained that too often before"
        return None


@dataclass(frozen=True)
class _Mismatch:
    """Energy that is not the integral of its power. `is_excused`: lost samples explain it."""

    sentence: str
    is_excused: bool


def _mismatch(window: _Integral, start: Reading, reading: Reading) -> _Mismatch | None:
    excused = None
    for name, energy in window.energy.items():
        if start[name] is None or reading[name] is None:
            continue
        rise_uwh, told_uwh = reading[name] - start[name], energy // UW_MS_PER_UWH
        allowed_uwh = max(rise_uwh, told_uwh) * INTEGRAL_PERMILLE // 1000
        allowed_uwh += window.peak_uw[name] * EDGE_MS // UW_MS_PER_UWH + 1
        if abs(rise_uwh - told_uwh) <= allowed_uwh:
            continue
        sentence = (f"{name} rose by {rise_uwh} uWh in {window.duration_ms / 1000:.0f} s, its own "
                    f"powers make {told_uwh}")  # fmt: skip
        # A board that says it lost samples may have counted less meanwhile, never more.
        unseen_uwh = window.unseen[name] // UW_MS_PER_UWH
        if not -allowed_uwh - unseen_uwh <= rise_uwh - told_uwh < 0:
            return _Mismatch(sentence, is_excused=False)
        excused = _Mismatch(sentence, is_excused=True)
    return excused


def _is_old(reading: Reading, base: Reading) -> bool:
    return bool(reading["seq"] <= base["seq"])


def _step_ms(base: tuple[Reading, int], reading: Reading, at_ms: int) -> int:
    """Return the time between two readings by the board's clock, else by their arrival."""
    before, now = base[0]["t_ms"], reading["t_ms"]
    return int(at_ms - base[1] if before is None or now is None else now - before)


def _elapsed_ms(base: tuple[Reading, int], reading: Reading, at_ms: int) -> int:
    """Return the longest time that can lie between two readings.

    Those of a board that was offline come all at once: then its own clock tells, as far as that
    does not claim to know the future.
    """
    arrived_ms = max(at_ms - base[1], 0)
    before, now = base[0]["t_ms"], reading["t_ms"]
    if before is None or now is None or now > at_ms + SLACK_MS:
        return arrived_ms
    return int(max(arrived_ms, now - before))
