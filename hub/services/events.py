"""Demand-response events of a site: the coordinator's word enters; pledges and proofs leave.

At the announcement each house whose agent runs on the hub pledges what its flexible appliances
would use in the event, by their habits; the pledges are accepted as `hub.market.demand_response`
says. An agent away is asked, and has until the event begins to accept what is left by then. In
the event the agents keep those appliances off; afterwards the house's board tells what the house
used; what counts is its baseline, by the habits, less that. Nothing here reaches a relay
or the contract: no balance changes; what the operator owes is the sum of the houses' rewards.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub import amounts
from hub.amounts import BadAmount
from hub.config import SiteConfig
from hub.config_tables import GRID
from hub.errors import BadInput
from hub.market.demand_response import Pledge, Proof, accept
from hub.services.baselines import MINUTE_MS, Baselines
from hub.services.promises import left_to_accept_uwh, on_ms, question_to
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store

EVENTS = "demand response"  # where the store keeps them
KEPT = 100
LONGEST_AHEAD_MINUTES, LONGEST_MINUTES = 7 * 1440, 1440  # of the site's time
GRACE_MS = 20_000  # for the last readings to come in
SILENT_MS = 60_000  # a meter that said nothing so long before either end proves nothing
NAMES = {
    "in_minutes": "The minutes until it begins",
    "for_minutes": "The minutes it takes",
    "asked_uwh": "asked_uwh",
}
Record = dict[str, Any]


@dataclass(frozen=True)
class Announcement:
    """What the coordinator asks for; minutes are the site's, `asked_uwh` None is all there is."""

    in_minutes: int
    for_minutes: int
    reward_gwei_per_kwh: int
    asked_uwh: int | None = None


def announcement_of(body: object) -> Announcement:
    """Return what a request asks for. Raises BadAmount with the field that is wrong."""
    known = {"in_minutes", "for_minutes", "reward", "asked", "asked_uwh"}
    if not isinstance(body, dict) or not body.keys() <= known:
        raise BadInput("Say in_minutes, for_minutes, reward, and asked if there is a limit.")
    ahead = _whole(body.get("in_minutes"), "in_minutes", (0, LONGEST_AHEAD_MINUTES))
    length = _whole(body.get("for_minutes"), "for_minutes", (1, LONGEST_MINUTES))
    try:
        reward = amounts.parse_price_gwei_per_kwh(body.get("reward"))
    except BadAmount as problem:
        raise BadAmount("reward", str(problem).replace("price", "reward")) from None
    return Announcement(ahead, length, reward, _asked_uwh(body))


def _asked_uwh(body: Mapping[str, Any]) -> int | None:
    """Return the energy asked for: as people type it, or an integer; None is all there is."""
    if body.get("asked") is not None:
        try:
            return amounts.parse_energy_uwh(body["asked"])
        except BadAmount as problem:
            raise BadAmount("asked", str(problem)) from None
    if body.get("asked_uwh") is not None:
        return _whole(body["asked_uwh"], "asked_uwh", (1, 10**15))
    return None


def _whole(value: object, name: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)  # as a form sends it
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadAmount(name, f"{NAMES[name]} must be a whole number from {low} to {high}.")
    return value


class EventDesk:
    """Safe from any thread. `plugs_of`: the appliances that a house's agent may switch;
    `away`: houses whose agent answers for itself."""

    def __init__(
        self,
        store: Store,
        clock: SiteClock,
        plugs_of: Mapping[str, Sequence[str]],
        away: Collection[str] = (),
    ) -> None:
        self._store, self._clock, self._plugs_of = store, clock, plugs_of
        self._away = frozenset(away)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, config: SiteConfig, store: Store, clock: SiteClock) -> EventDesk:
        """Compose it for a site."""
        plugs_of = {
            house.name: [
                one.name
                for one in config.bridges.plugs
                if one.house == house.name and one.is_flexible and one.can_switch
            ]
            for house in config.houses
            if house.agent != "none" and house.kind != GRID
        }
        away = [house.name for house in config.houses if house.agent == "away"]
        return cls(store, clock, plugs_of, away)

    def records(self) -> list[Record]:
        """Return the events, the newest first."""
        kept = self._store.state(EVENTS)
        return kept[::-1] if isinstance(kept, list) else []

    def can_announce(self) -> bool:
        """Tell whether any house has an appliance that its agent may keep off."""
        return any(self._plugs_of.values())

    def announce(self, wanted: Announcement) -> Record:
        """Announce an event and take the agents' answers. Raises BadInput."""
        if not self.can_announce():
            raise BadInput(
                "No house has an appliance to do without: set is_flexible of a smart plug "
                "in site.toml, and an agent of its house."
            )
        now_ms = wall_ms()
        start_ms = now_ms + wanted.in_minutes * MINUTE_MS // self._clock.speed
        end_ms = start_ms + max(1000, wanted.for_minutes * MINUTE_MS // self._clock.speed)
        with self._lock:
            kept = self.records()[::-1]
            if any(start_ms < one["end_ms"] and one["start_ms"] < end_ms for one in kept):
                raise BadInput("Another event is announced for that time.")
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
                "operator_owes_wei": None,
                "houses": self._answers(wanted, (now_ms, start_ms, end_ms)),
            }
            self._store.set_state(EVENTS, [*kept, event][-KEPT:])
        return event

    def question(self, house: str) -> Record | None:
        """Return the event that the agent of a house away has not answered, or None."""
        return question_to(self.records(), house, wall_ms())

    def answer(self, house: str, event_id: int, is_willing: bool) -> Record:
        """Take the answer of a house's agent away; return its record. Raises BadInput."""
        with self._lock:
            kept = self.records()[::-1]
            event = next((one for one in kept if one["event_id"] == event_id), None)
            found = None if event is None else event["houses"].get(house)
            if event is None or found is None or not found["is_asked"]:
                raise BadInput(f"Event {event_id} asks nothing of {house} that is not answered.")
            if wall_ms() >= event["start_ms"]:
                raise BadInput(f"Event {event_id} has begun.")
            left_uwh, pledged_uwh = left_to_accept_uwh(event), found["pledged_uwh"]
            found["is_asked"] = False
            if is_willing:
                most_uwh = pledged_uwh if left_uwh is None else left_uwh
                found["accepted_uwh"] = min(pledged_uwh, most_uwh)
            else:
                found["problem"] = "its agent declined"
            self._store.set_state(EVENTS, kept)
            return dict(found)

    def look(self) -> None:
        """Verify events that are over by the houses' meters."""
        now_ms = wall_ms()
        with self._lock:
            kept = self.records()[::-1]
            due = [one for one in kept if not one["is_verified"]]
            due = [one for one in due if one["end_ms"] + GRACE_MS <= now_ms]
            for event in due:
                self._verify(event)
            if due:
                self._store.set_state(EVENTS, kept)

    def _verify(self, event: Record) -> None:
        owed_wei = 0
        for name, house in event["houses"].items():
            if house["accepted_uwh"]:
                self._prove(event, name, house)
                owed_wei += int(house["reward_wei"])
            elif house["is_asked"]:
                house["problem"] = "its agent did not answer"
        event["is_verified"], event["operator_owes_wei"] = True, str(owed_wei)

    def _answers(self, wanted: Announcement, times_ms: tuple[int, int, int]) -> dict[str, Record]:
        """Return what each willing house pledges and what of it is accepted."""
        now_ms, *span = times_ms
        baselines, span_ms = Baselines(self._store, self._clock, now_ms), (span[0], span[1])
        found: dict[str, Record] = {}
        for name, plugs in self._plugs_of.items():
            baseline_uwh = baselines.house_uwh(name, span_ms)
            pledged_uwh = min(baseline_uwh, baselines.plugs_uwh(plugs, span_ms))
            if pledged_uwh > 0:
                found[name] = {
                    "pledged_uwh": pledged_uwh,
                    "accepted_uwh": 0,
                    "is_asked": name in self._away,
                    "baseline_uwh": baseline_uwh,
                    "register": baselines.register_of(name),
                    **dict.fromkeys(("metered_uwh", "verified_uwh", "reward_wei", "problem")),
                }
        here = {name: one for name, one in found.items() if not one["is_asked"]}
        pledges = [Pledge(name, one["pledged_uwh"]) for name, one in here.items()]
        accepted = accept(pledges, wanted.reward_gwei_per_kwh, wanted.asked_uwh)
        for name, house in here.items():
            house["accepted_uwh"] = accepted[name]
        return found

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
        if proof.missing_uwh:
            house["problem"] = self._why_less(name, ends_ms)

    def _why_less(self, name: str, span_ms: tuple[int, int]) -> str:
        """Say which appliances ran although they were promised, as a person may let them."""
        reasons = []
        for plug in self._plugs_of.get(name, ()):
            ran_ms = on_ms(self._store.plug_readings(plug, span_ms[0] - SILENT_MS), span_ms)
            if ran_ms > 0:
                share = ran_ms * 100 // (span_ms[1] - span_ms[0])
                reasons.append(f"{plug} was on for {share} % of it")
        return "; ".join(reasons) or "the rest of the house used more than usual"
