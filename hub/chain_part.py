"""The site's chain: the node's process is started and watched; the contract found and the houses
admitted to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hub import membership
from hub.chain.client import MarketClient
from hub.chain.identity import deploy
from hub.chain.outside import OutsideChain
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import ChainIdentity, ChainUnavailable, Cursor
from hub.chain.rpc import Questions, shown
from hub.config import SiteConfig
from hub.errors import ConfigError, PartMissing, PortInUse
from hub.keys import ROLES, Keys
from hub.store import IdentityRow, Store

FIRST_FUNDS_WEI = 10_000 * 10**18
CHAIN_PAUSES_S = (0.2, 1.0, 5.0, 10.0)


class ChainPart:
    """`client`, `identity`, `domain` and `origin`, the block before the contract's first one, are
    there once `start` and `join` are over.
    """

    identity: ChainIdentity
    origin: Cursor | None
    client: MarketClient
    domain: bytes

    def __init__(
        self, config: SiteConfig, keys: Keys, store: Store, port: int, say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._keys = keys
        self._store = store
        self._say = say
        self._process = _node(config, keys, port)
        self.restarts = 0  # of the site's own node

    @property
    def rpc_url(self) -> str:
        return self._process.rpc_url

    @property
    def ws_url(self) -> str:
        return self._process.ws_url

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def sentence(self) -> str:
        """Say whose chain it is."""
        if isinstance(self._process, OutsideChain):
            return f"chain {shown(self.rpc_url)} is run by others: the hub starts none"
        return f"chain {shown(self.rpc_url)} is the site's own, reachable for the hub alone"

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    def questions(self) -> Questions:
        """Return what single questions can be asked through."""
        return Questions(self.rpc_url)

    async def start(self) -> None:
        """Start the node. Raises ChainUnavailable, PartMissing, PortInUse."""
        await self._process.start()

    async def join(self) -> None:
        """Find or deploy the contract and admit the houses."""
        self._say(self.sentence)
        self.identity = await asyncio.to_thread(self._find_contract)
        address = self.identity.address
        self.origin = await asyncio.to_thread(
            MarketClient(self.rpc_url, address).block_before, self.identity
        )
        first_block = self.origin.block_number + 1 if self.origin is not None else 0
        self.client = MarketClient(self.rpc_url, address, first_block)
        self.domain = await asyncio.to_thread(self.client.domain)
        self._say(f"chain {self.identity.chain_id} at {shown(self.rpc_url)}, "
                  f"contract {self.identity.address}")  # fmt: skip
        await asyncio.to_thread(
            membership.admit_houses, self._config, self._keys, self.client, self._say
        )

    async def supervise(self) -> None:
        """Start the node again whenever it ends. Raises ChainUnavailable when that fails."""
        if isinstance(self._process, OutsideChain):
            return await self._process.supervise(self._say)
        while True:
            what = await self._process.watch()
            self.restarts += 1
            self._say(f"chain {what}; starting it again")
            for pause_s in CHAIN_PAUSES_S:
                await asyncio.sleep(pause_s)
                try:
                    await self.start()
                    break
                except (ChainUnavailable, PartMissing, PortInUse) as problem:
                    self._say(str(problem))
            else:
                raise ChainUnavailable("the chain cannot be started again; see log/chain.log")

    async def stop(self) -> None:
        await self._process.stop()

    def _find_contract(self) -> ChainIdentity:
        """Return the store's contract after checking that the chain has it; deploy the first."""
        known = self._store.identity()
        if known is not None:
            identity = ChainIdentity(**asdict(known))
            MarketClient(self.rpc_url, identity.address).check_identity(identity)
            return identity
        keys = self._keys
        self._check_means()
        identity = deploy(self.rpc_url, keys.administrator, keys.coordinator, keys.oracle)
        self._store.bind_identity(IdentityRow(**asdict(identity)))
        return identity

    def _check_means(self) -> None:
        """Name the roles that cannot pay for a transaction. Raises ConfigError."""
        node = self.questions()
        poor = []
        for role in ROLES:
            address = getattr(self._keys, role).address
            if not int(node.ask("eth_getBalance", [address, "latest"]), 16):
                poor.append(f"the {role} {address} has no ETH on it: send it some")
        if poor:
            raise ConfigError(f"chain {shown(self.rpc_url)}", poor)


def _node(config: SiteConfig, keys: Keys, port: int) -> Chain | OutsideChain:
    wanted = config.chain
    if wanted.url:
        return OutsideChain(wanted.url, wanted.ws_url, wanted.chain_id)
    funded = (FundedAccount(_hex(one.key), FIRST_FUNDS_WEI) for one in keys.accounts.values())
    return Chain(
        ChainSettings(
            data_dir=config.data_dir / "chain",
            log_path=config.log_dir / "chain.log",
            accounts=tuple(funded),
            port=port,
            chain_id=wanted.chain_id,
        )
    )


def _hex(key: Any) -> str:
    return "0x" + bytes(key).hex()
