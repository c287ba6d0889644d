"""A house's appliances under its agent away from the hub: plugs and readings in, switching out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.bridges.plugs.sunlight import SPAN_MS, SunlightRule
from hub.errors import BadInput, TruequeError

LOOK_MS = 5_000


class House(Protocol):
    """What it needs of hub.agent.remote.RemoteMarket."""

    def now_s(self) -> float: ...
    def plugs(self) -> Sequence[Mapping[str, Any]]: ...
    def recent_readings(self, node: str, span_s: int) -> Sequence[Mapping[str, Any]]: ...
    def switch_plug(self, name: str, is_on: bool) -> None: ...
    def event(self) -> Mapping[str, Any] | None: ...
    def answer_event(self, event_id: int, is_willing: bool) -> int: ...


class Appliances:
    """`act` at each round of the agent; it looks at the plugs every few seconds."""

    def __init__(
        self, peer: str, house: House, model_scale: int, least_reward_gwei_per_kwh: int = 0
    ) -> None:
        """For less than the least reward it takes part in no demand-response event."""
        self._peer, self._house = peer, house
        self._least_reward = least_reward_gwei_per_kwh
        self._rule = SunlightRule(model_scale)
        self._looked_at_ms = -LOOK_MS

    def act(self) -> list[str]:
        """Switch what should be switched; return a sentence for each attempt.

        Raises BadInput where the hub does not take this agent's key.
        """
        now_ms = round(self._house.now_s() * 1000)
        if 0 <= now_ms - self._looked_at_ms < LOOK_MS:
            return []
        self._looked_at_ms = now_ms
        said = [self._answer(), *(self._look(plug, now_ms) for plug in self._house.plugs())]
        return [sentence for sentence in said if sentence is not None]

    def _answer(self) -> str | None:
        """Promise what an event asks for, if its reward is enough, or decline."""
        event = self._house.event()
        if event is None:
            return None
        name = f"event {event['event_id']}"
        is_willing = event["reward_gwei_per_kwh"] >= self._least_reward
        try:
            accepted_uwh = self._house.answer_event(event["event_id"], is_willing)
        except BadInput:
            raise
        except TruequeError as problem:
            return f"cannot answer {name} yet: {problem}"
        if not is_willing:
            return f"takes no part in {name}: its reward is too small"
        return f"takes part in {name}: {accepted_uwh} uWh"

    def _look(self, plug: Mapping[str, Any], now_ms: int) -> str | None:
        name, is_on, age_ms = plug["name"], plug["is_on"], plug["age_ms"]
        if is_on is None or age_ms is None or age_ms > SPAN_MS:
            return None
        may_switch = self._rule.may_switch(name, plug["power_uw"], now_ms)
        if not may_switch or plug["is_left_alone"]:
            return None
        readings = self._house.recent_readings(self._peer, SPAN_MS // 1000)
        promised = plug.get("is_promised_off", False)  # in a demand-response event
        wanted = not promised and self._rule.wanted(name, is_on, readings)
        if wanted is is_on:
            return None
        self._rule.note_switching(name, now_ms)
        return self._switch(name, wanted)

    def _switch(self, name: str, is_on: bool) -> str:
        word = "on" if is_on else "off"
        try:
            self._house.switch_plug(name, is_on)
        except BadInput:
            raise
        except TruequeError as problem:
            return f"cannot turn {name} {word}: {problem}"
        return f"turned {name} {word}"
