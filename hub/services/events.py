"""Demand-response events of a site: the coordinator's word enters; pledges and proofs leave.

At the announcement each house whose agent runs on the hub pledges what its flexible appliances
would use in the event, by their habits; the pledges are accepted as `hub.market.demand_response`
says. In the event the agent keeps those appliances off (hub.bridges.plugs.flexible); afterwards the
house's board tells what the house used, and what counts is its baseline, by the house's habits,
less that. Nothing here reaches a relay or the contract: rewards are the operator's to pay.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub import amounts
from hub.agent.habits import Habit
from hub.config import SiteConfig
from hub.config_tables import GRID
from hub.errors import BadInput
from hub.market.demand_response import Pledge, Proof, accept
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store

EVENTS = "demand response"  # where the store keeps them
KEPT = 100
LONGEST_AHEAD_MINUTES, LONGEST_MINUTES = 7 * 1440, 1440  # of the site's time
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
HABIT_DAYS = 5
SHORT_DAY_MS = 6 * HOUR_MS  # a fast bench's: its habits need more than a value a minute
GRACE_MS = 20_000  # for the last readings to come in
SILENT_MS = 60_000  # a meter that said nothing so long before either end proves nothing
Record = dict[str, Any]
Points = list[tuple[float, int]]


@dataclass(frozen=True)
class Announcement:
    """What the coordinator asks for; minutes are the site's, `asked_uwh` None is all there is."""

    in_minutes: int
    for_minutes: int
    reward_gwei_per_kwh: int
    asked_uwh: int | None = None


def announcement_of(body: object) -> Announcement:
    """Return what a request asks for. Raises BadInput or BadAmount."""
    known = {"in_minutes", "for_minutes", "reward", "asked_uwh"}
    if not isinstance(body, dict) or not body.keys() <= known:
        raise BadInput("Say in_minutes, for_minutes, reward, and asked_uwh if there is a limit.")
    ahead = _whole(body.get("in_minutes"), "in_minutes", (0, LONGEST_AHEAD_MINUTES))
    length = _whole(body.get("for_minutes"), "for_minutes", (1, LONGEST_MINUTES))
    asked = body.get("asked_uwh")
    if asked is not None:
        asked = _whole(asked, "asked_uwh", (1, 10**15))
    return Announcement(ahead, length, amounts.parse_price_gwei_per_kwh(body.get("reward")), asked)


def _whole(value: object, name: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"{name} must be a whole number from {low} to {high}.")
    return value


class EventDesk:
    """Safe from any thread. `plugs_of`: the appliances that a house's agent may switch."""

    def __init__(
        self, store: Store, clock: SiteClock, plugs_of: Mapping[str, Sequence[str]]
    ) -> None:
        self._store, self._clock, self._plugs_of = store, clock, plugs_of
        self._lock = threading.Lock()

    @classmethod
    def of(cls, config: SiteConfig, store: Store, clock: SiteClock) -> EventDesk:
        """Compose it for a site."""
        plugs = config.bridges.plugs
        return cls(
            store,
            clock,
            {
                house.name: [
                    one.name
                    for one in plugs
                    if one.house == house.name and one.is_flexible and one.can_switch
                ]
                for house in config.houses
                if house.agent == "hub" and house.kind != GRID
            },
        )

    def records(self) -> list[Record]:
        """Return the events, the newest first."""
        kept = self._store.state(EVENTS)
        return kept[::-1] if isinstance(kept, list) else []

    def announce(self, wanted: Announcement) -> Record:
        """Announce an event and take the agents' answers. Raises BadInput."""
        now_ms = wall_ms()
        start_ms = now_ms + wanted.in_minutes * MINUTE_MS // self._clock.speed
        end_ms = start_ms + max(1000, wanted.for_minutes * MINUTE_MS // self._clock.speed)
        with self._lock:
            kept = self.records()[::-1]
            if any(start_ms < one["end_ms"] and one["start_ms"] < end_ms for one in kept):
                raise BadInput("Another event is announced for that time.")
            houses = self._answers(wanted, (now_ms, start_ms, end_ms))
            event = {
                "event_id": 1 + max((one["event_id"] for one in kept), default=0),
                "announced_at_ms": now_ms,
                "start_ms": start_ms,
                "end_ms": end_ms,
                "start_local": self._clock.at(start_ms).isoformat(timespec="seconds"),
                "end_local": self._clock.at(end_ms).isoformat(timespec="seconds"),
                "reward_gwei_per_kwh": wanted.reward_gwei_per_kwh,
                "asked_uwh": wanted.asked_uwh,
                "is_verified": False,
                "houses": houses,
            }
            self._store.set_state(EVENTS, [*kept, event][-KEPT:])
        return event

    def look(self) -> None:
        """Verify events that are over by the houses' meters."""
        now_ms = wall_ms()
        with self._lock:
            kept = self.records()[::-1]
            due = [one for one in kept if not one["is_verified"]]
            due = [one for one in due if one["end_ms"] + GRACE_MS <= now_ms]
            for event in due:
                for name, house in event["houses"].items():
                    if house["accepted_uwh"]:
                        self._prove(event, name, house)
                event["is_verified"] = True
            if due:
                self._store.set_state(EVENTS, kept)

    def _answers(self, wanted: Announcement, times_ms: tuple[int, int, int]) -> dict[str, Record]:
        """Return what each willing house pledges and what of it is accepted."""
        now_ms, start_ms, end_ms = times_ms
        span_ms = (start_ms, end_ms)
        since_ms = now_ms - HABIT_DAYS * DAY_MS // self._clock.speed
        latest = self._store.latest_readings()
        loads = self._loads(latest, (since_ms, now_ms))
        found: dict[str, Record] = {}
        for name, plugs in self._plugs_of.items():
            baseline_uwh = self._expected_uwh(loads.get(name, []), span_ms)
            flexible_uwh = sum(
                self._expected_uwh(
                    [
                        (row["at_ms"] / 1000, row["power_uw"])
                        for row in self._store.plug_readings(plug, since_ms)
                        if row["power_uw"] is not None
                    ],
                    span_ms,
                )
                for plug in plugs
            )
            pledged_uwh = min(baseline_uwh, flexible_uwh)
            if pledged_uwh > 0:
                found[name] = {
                    "pledged_uwh": pledged_uwh,
                    "baseline_uwh": baseline_uwh,
                    "register": _register(latest[name]),
                    **dict.fromkeys(("metered_uwh", "verified_uwh", "reward_wei", "problem")),
                }
        pledges = [Pledge(name, one["pledged_uwh"]) for name, one in found.items()]
        accepted = accept(pledges, wanted.reward_gwei_per_kwh, wanted.asked_uwh)
        for name, house in found.items():
            house["accepted_uwh"] = accepted[name]
        return found

    def _loads(self, latest: Mapping[str, Record], span_ms: tuple[int, int]) -> dict[str, Points]:
        """Return the metered load of each house over its habits' days: seconds and uW, in order."""
        since_ms, now_ms = span_ms
        if DAY_MS // self._clock.speed > SHORT_DAY_MS:
            rows: list[Record] = list(self._store.each_period(60, since_ms, now_ms))
            newest_ms = max((row["start_ms"] + MINUTE_MS for row in rows), default=now_ms - HOUR_MS)
            rows += self._store.readings_between(max(newest_ms, now_ms - HOUR_MS), now_ms)
        else:
            rows = self._store.readings_between(since_ms, now_ms)
        found: dict[str, Points] = {}
        for row in rows:
            if row["node"] in latest:
                is_real = _register(latest[row["node"]]) == REAL
                power = row["load_power_uw" if is_real else "load_apparent_uva"]
                at_ms = row["start_ms"] if "start_ms" in row else row["received_at_ms"]
                if power is not None:
                    found.setdefault(row["node"], []).append((at_ms / 1000, power))
        return found

    def _expected_uwh(self, points: Iterable[tuple[float, int]], span_ms: tuple[int, int]) -> int:
        """Return the energy that the habit behind these powers makes expect in a span."""
        habit = Habit(DAY_MS / 1000 / self._clock.speed, is_proportional=False)
        for at_s, power_uw in points:
            habit.note(at_s, power_uw)
        mean_uw = habit.expect(span_ms[0] / 1000, span_ms[1] / 1000)
        return 0 if mean_uw is None else mean_uw * (span_ms[1] - span_ms[0]) // HOUR_MS

    def _prove(self, event: Record, name: str, house: Record) -> None:
        """Write down what the house's meter proves; one that was silent proves nothing."""
        ends_ms = (event["start_ms"], event["end_ms"])
        registers = [self._store.registers_at(name, at_ms)[house["register"]] for at_ms in ends_ms]
        is_silent = any(
            not self._store.readings_between(at_ms - SILENT_MS, at_ms, name) for at_ms in ends_ms
        )
        if is_silent or registers[0] is None or registers[1] is None:
            house["problem"] = "its meter was silent"
            house["verified_uwh"], house["reward_wei"] = 0, "0"
            return
        metered_uwh = registers[1] - registers[0]
        proof = Proof(
            name,
            house["accepted_uwh"],
            house["baseline_uwh"],
            metered_uwh,
            event["reward_gwei_per_kwh"],
        )
        house["metered_uwh"], house["verified_uwh"] = metered_uwh, proof.verified_uwh
        house["reward_wei"] = str(proof.reward_wei)


REAL, APPARENT = "load_import_uwh", "load_apparent_uvah"


def _register(reading: Mapping[str, Any]) -> str:
    """Return the register of a house's load: apparent energy where no voltage is metered."""
    return APPARENT if reading["load_power_uw"] is None else REAL


def is_held_off(events: Iterable[Record], house: str, now_ms: int) -> bool:
    """Tell whether a house has promised to keep its flexible appliances off now."""
    return any(
        one["start_ms"] <= now_ms < one["end_ms"]
        and one["houses"].get(house, {}).get("accepted_uwh", 0) > 0
        for one in events
    )
