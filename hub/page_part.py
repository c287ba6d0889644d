"""What people and neighbours see of a site: page, agents, bridges. Nothing here reaches a relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.board_network import BoardNetwork
from hub.bridges.part import BridgesPart
from hub.bridges.parts import BrokerAddress
from hub.chain_part import ChainPart
from hub.config import SiteConfig
from hub.errors import StoreError
from hub.keys import Keys
from hub.panel.duty import PanelDuty
from hub.site_clock import SiteClock
from hub.store import Store

LOOK_S = 2.0


@dataclass(frozen=True)
class PageNeeds:
    """What the page, the agents and the bridges are made of."""

    config: SiteConfig
    keys: Keys
    store: Store
    clock: SiteClock
    ports: Mapping[str, int]
    network: BoardNetwork
    chain: ChainPart


class PagePart:
    """`start`, then `url`; `stop` at the end."""

    def __init__(self, needs: PageNeeds, panel: PanelDuty, say: Callable[[str], None]) -> None:
        from hub.services.agents import AgentDesk
        from hub.services.alarms import AlarmDesk
        from hub.services.events import EventDesk
        from hub.services.market import MarketService
        from hub.services.switching import SwitchDesk
        from hub.services.wallet_rpc import WalletRpc
        from hub.services.wishes import WishDesk
        from hub.web.parts import PageParts
        from hub.web.server import PageServer

        self._config = needs.config
        self._say = say
        chain = needs.chain
        self._service = MarketService(
            needs.store,
            chain.client,
            needs.keys,
            needs.config,
            clock=needs.clock,
            notices=[needs.network.broker.sentence],
        )
        self._bridges = _bridges(needs, say)
        self._wishes = WishDesk(needs.store, needs.config)
        self._events = EventDesk.of(needs.config, needs.store, needs.clock)
        parts = PageParts(
            panel=panel,
            bridges=self._bridges,
            wallet_rpc=WalletRpc(chain.questions(), chain.identity.address),
            alarms=AlarmDesk(needs.store, may_release=needs.config.panel.kind == "page"),
            agents=AgentDesk(
                self._service,
                chain.identity.address,
                SwitchDesk(self._service, self._bridges, self._events),
            ),
            events=self._events,
            wishes=self._wishes,
        )
        self._server = PageServer(self._service, needs.config, needs.ports["page"], parts)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        """Start the bridges, then the page. Raises PortInUse."""
        self._bridges.start()
        try:
            self._server.start()
        except BaseException:
            self._bridges.stop()
            raise
        self._say(f"page: {self.url}")

    async def run_agents(self) -> None:
        """Let the houses' agents trade until cancelled."""
        from hub.agent.rounds import AgentRunner

        await AgentRunner(self._service, self._config, self._wishes).run()

    async def run_events(self) -> None:
        """Verify demand-response events once they are over, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await asyncio.to_thread(self._events.look)
            except StoreError as problem:
                self._say(f"demand-response events are verified later: {problem}")

    def chain_moved(self) -> None:
        """Show nothing older than the contract's newest events."""
        self._service.chain_moved()

    def stop(self) -> None:
        """End both, the page first."""
        self._server.stop()
        self._bridges.stop()


def _bridges(needs: PageNeeds, say: Callable[[str], None]) -> BridgesPart:
    """They see the store and speak with neighbours."""
    config, broker = needs.config, needs.network.broker
    own = broker.hub_address
    return BridgesPart.of(
        config.bridges,
        needs.store,
        needs.clock,
        needs.keys.names_of_accounts(),
        needs.keys.bridges,
        passwords={one.name: one.password for one in needs.network.guests},
        broker=BrokerAddress(
            broker.host,
            needs.ports["broker"],
            needs.network.authority,
            own if isinstance(own, Path) else None,
        ),
        state_dir=config.data_dir / "bridges",
        boards_dir=config.boards_dir,
        scales=(config.site.model_scale, config.clock.speed),
        not_ours=[one.name for one in config.houses if one.agent != "hub"],
        say=say,
    )
