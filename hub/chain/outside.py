"""A chain that others run: its address enters; what the hub's own node offers beside it leaves.

The hub starts and ends nothing here, funds nobody on a real site, and never moves its time: such a
chain has none of a dev chain's methods, and its blocks come when they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from hub.chain.records import ChainUnavailable
from hub.chain.rpc import Questions, RpcRefused, shown
from hub.errors import ConfigError

PROBE_PERIOD_S, PROBE_TIMEOUT_S = 10.0, 10.0


def stream_url(rpc_url: str) -> str:
    """Return where a node's WebSocket usually is: the same place, by the other protocol."""
    parts = urlsplit(rpc_url)
    return urlunsplit(parts._replace(scheme={"http": "ws", "https": "wss"}[parts.scheme]))


class OutsideChain:
    """Has the interface of hub.chain.process.Chain, as far as the hub uses it."""

    pid: int | None = None

    def __init__(self, rpc_url: str, ws_url: str, chain_id: int) -> None:
        self.rpc_url = rpc_url
        self.ws_url = ws_url or stream_url(rpc_url)
        self._chain_id = chain_id
        self.is_running = False

    async def start(self) -> None:
        """Ask whether it is the chain that is configured. Raises ChainUnavailable, ConfigError."""
        node = Questions(self.rpc_url, PROBE_TIMEOUT_S)
        try:
            found = int(await asyncio.to_thread(node.ask, "eth_chainId", []), 16)
        except RpcRefused as problem:
            raise ChainUnavailable(f"chain.url {shown(self.rpc_url)}: {problem}") from None
        if found != self._chain_id:
            sentence = f"chain.chain_id is {self._chain_id}, but the chain of chain.url has {found}"
            raise ConfigError("site.toml", [sentence])
        self.is_running = True

    async def supervise(self, say: Callable[[str], None]) -> None:
        """Say when it stops to answer and when it answers again, for ever."""
        while True:
            await asyncio.sleep(PROBE_PERIOD_S)
            try:
                await self.start()
            except ChainUnavailable as problem:
                if self.is_running:
                    say(f"{problem}; trades wait until it answers again")
                self.is_running = False
                continue
            except ConfigError as problem:
                raise ChainUnavailable(f"chain.url leads to another chain now: {problem}") from None

    async def stop(self) -> None:
        """It is not the hub's to end."""
        self.is_running = False
