"""What the page shows besides the market; a part that is None is not on this hub."""

from __future__ import annotations

from dataclasses import dataclass

from hub.services.agents import AgentDesk
from hub.services.alarms import AlarmDesk
from hub.services.events import EventDesk
from hub.services.wallet_rpc import WalletRpc
from hub.services.wishes import WishDesk
from hub.web.bridges import PageBridges
from hub.web.panel import PanelKeys


@dataclass(frozen=True)
class PageParts:
    panel: PanelKeys | None = None
    bridges: PageBridges | None = None
    wallet_rpc: WalletRpc | None = None
    alarms: AlarmDesk | None = None
    agents: AgentDesk | None = None
    events: EventDesk | None = None
    wishes: WishDesk | None = None


NOTHING_BESIDES = PageParts()
