"""What a home agent away from the hub needs to know, as one record (docs/agents.md)."""

from __future__ import annotations

import dataclasses
from typing import Any

from hub.agent.preferences import preferences_of
from hub.services.market import MarketService
from hub.services.switching import SwitchDesk

MOST_SPAN_S = 3_600
NO_PLUGS: dict[str, Any] = {"plugs": [], "event": None, "switch_word": None}
READING_MEMBERS = (
    "received_at_ms",
    "pv_power_uw",
    "load_power_uw",
    "load_apparent_uva",
    "battery_voltage_uv",
)


class AgentDesk:
    """Reads for agents; what they do they sign: orders for the chain, plugs for `switching`."""

    def __init__(
        self, market: MarketService, contract: str, switching: SwitchDesk | None = None
    ) -> None:
        self._market = market
        self.switching = switching
        self._contract = contract

    def record(self, peer: str, span_s: int) -> dict[str, Any]:
        """Return what the agent of `peer` looks at once a round. Raises Refused for a stranger.

        `span_s`: how far back its house's readings go, an hour at most.
        """
        market = self._market
        address = market.address_of(peer)
        window = market.window_now(peer)
        orders = market.open_orders(window.window_id, peer) if window else []
        trades = market.trades_in(peer, window.window_id) if window else []
        house = market.config.house(peer)
        readings = market.recent_readings(peer, min(max(span_s, 1), MOST_SPAN_S))
        return {
            "now_ms": round(market.now_s() * 1000),
            "contract": self._contract,
            "address": address,
            "preferences": dataclasses.asdict(preferences_of(house, market.config)),
            "window": dataclasses.asdict(window) if window else None,
            "orders": [{"name": name, "order": dataclasses.asdict(one)} for name, one in orders],
            "trades": [dataclasses.asdict(one) for one in trades],
            "counters": [
                {"is_selling": sells, "peer": name, "counter": dataclasses.asdict(one)}
                for sells, name, one in market.counters_to(peer)
            ],
            **market.sellers_record(peer),
            "available_wei": str(market.available_wei(peer)),
            **market.newest_ids(),
            **(self.switching.record(peer) if self.switching else NO_PLUGS),
            "readings": [{name: one[name] for name in READING_MEMBERS} for one in readings],
        }
