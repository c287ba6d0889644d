"""The rounds of an agent away from the hub: look once a second, trade, switch, wait for a hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from hub.agent.appliances import Appliances
from hub.agent.preferences import with_own
from hub.agent.remote import RemoteMarket
from hub.agent.runner import Agent
from hub.errors import BadInput, TruequeError

LOOK_S = 1.0
LONGEST_PAUSE_S = 30.0


class AwayAgent:
    """One house's agent: `run` until told to stop. Asks the hub, for nobody tells from afar."""

    def __init__(self, peer: str, market: RemoteMarket, wishes: Mapping[str, Any]) -> None:
        """`wishes`: what differs from the hub's preferences for this house."""
        self._peer, self._market, self._wishes = peer, market, wishes
        self._trader: Agent | None = None
        self._appliances: Appliances | None = None

    def run(self, stopping: threading.Event, say: Callable[[str], None]) -> None:
        """Go round until `stopping`. Raises BadInput where hub and key do not belong together."""
        pause_s, is_away = LOOK_S, False
        while not stopping.is_set():
            try:
                self._market.refresh()
                if is_away and self._trader is not None:
                    say("the hub is back")
                pause_s, is_away = LOOK_S, False
                self._round(say)
            except BadInput:
                raise
            except TruequeError as problem:
                if not is_away:
                    say(f"waiting: {problem}")
                is_away, pause_s = True, min(2 * pause_s, LONGEST_PAUSE_S)
            stopping.wait(pause_s)

    def _round(self, say: Callable[[str], None]) -> None:
        if self._trader is None or self._appliances is None:
            wish = with_own(self._market.default_preferences(), self._wishes)
            self._trader = Agent(self._peer, self._market, wish)
            self._appliances = Appliances(
                self._peer, self._market, wish.model_scale, wish.event_reward_gwei_per_kwh
            )
            say(f"trading for {self._peer} at {self._market.url}")
        for action in (*self._trader.act(), *self._appliances.act()):
            say(str(action))
