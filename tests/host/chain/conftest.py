"""A real Ganache for all tests of the chain, and a fresh market on it for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import to_hex
from web3 import Web3

from hub.chain.client import MarketClient, deploy
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import ChainIdentity, WindowTerms
from hub.chain.rpc import connect
from tests.host.loops import Loop

ETH = 10**18
NAMES = ("administrator", "coordinator", "oracle", "seller", "buyer", "stranger")
MIN_UWH = 1_000
MAX_UWH = 10**9
PRICE = 200_000_000


@dataclass
class Market:
    """A freshly deployed contract with an approved seller and buyer, 1 ETH in the market each."""

    client: MarketClient
    identity: ChainIdentity
    accounts: dict[str, LocalAccount]
    web3: Web3
    ws_url: str

    def __getattr__(self, name: str) -> LocalAccount:
        return self.__dict__["accounts"][name]

    def terms(self, **changes: int) -> WindowTerms:
        now_s = self.client.chain_time_s()
        times = {
            "bid_start": now_s - 60,
            "bid_end": now_s + 100,
            "clear_by": now_s + 200,
            "delivery_start": now_s + 200,
            "delivery_end": now_s + 300,
            "report_by": now_s + 1_000,
            "resolve_by": now_s + 2_000,
        }
        limits = {
            "min_energy_uwh": MIN_UWH,
            "max_energy_uwh": MAX_UWH,
            "min_price": 1,
            "max_price": 10**12,
            "loss_permille": 50,
        }
        return WindowTerms(**{**times, **limits, **changes})

    def open_window(self, **changes: int) -> int:
        return self.client.open_window(self.coordinator, self.terms(**changes))

    def advance_to(self, time_s: int) -> None:
        """Move the chain's clock so that the next block is at `time_s` or just after it."""
        self.request("evm_increaseTime", time_s - self.client.head()[1])
        self.request("evm_mine")

    def request(self, method: str, *params: Any) -> Any:
        """Call one of the dev chain's own methods, which web3 does not know."""
        return self.web3.provider.make_request(method, params)["result"]


def new_accounts() -> dict[str, LocalAccount]:
    return {name: Account.create() for name in NAMES}


def settings_for(
    directory: Path, accounts: dict[str, LocalAccount], port: int = 0
) -> ChainSettings:
    funded = tuple(FundedAccount(to_hex(one.key), 1_000 * ETH) for one in accounts.values())
    return ChainSettings(directory / "chain", directory / "chain.log", funded, port=port)


def deploy_market(chain: Chain, accounts: dict[str, LocalAccount]) -> Market:
    identity = deploy(
        chain.rpc_url, accounts["administrator"], accounts["coordinator"], accounts["oracle"]
    )
    client = MarketClient(chain.rpc_url, identity.address)
    for number, name in enumerate(("seller", "buyer"), 1):
        client.register(accounts[name])
        client.approve(accounts["administrator"], accounts[name].address, f"house-{number}")
        client.deposit(accounts[name], ETH)
    return Market(client, identity, accounts, connect(chain.rpc_url, timeout_s=60.0), chain.ws_url)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture(scope="session")
def accounts() -> dict[str, LocalAccount]:
    return new_accounts()


@pytest.fixture(scope="session")
def chain(
    loop: Loop, accounts: dict[str, LocalAccount], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    chain = Chain(settings_for(tmp_path_factory.mktemp("ganache"), accounts))
    loop.run(chain.start())
    yield chain
    loop.run(chain.stop())


@pytest.fixture
def market(chain: Chain, accounts: dict[str, LocalAccount]) -> Market:
    return deploy_market(chain, accounts)


@pytest.fixture
def own_chain(loop: Loop, tmp_path: Path) -> Iterator[Callable[..., tuple[Chain, Market]]]:
    """Start a chain that one test may kill, with a market on it; all are stopped at its end."""
    started: list[Chain] = []

    def start(name: str = "own") -> tuple[Chain, Market]:
        accounts = new_accounts()
        chain = Chain(settings_for(tmp_path / name, accounts))
        started.append(chain)
        loop.run(chain.start())
        return chain, deploy_market(chain, accounts)

    yield start
    for chain in started:
        loop.run(chain.stop())


@pytest.fixture
def settings_of() -> Callable[..., ChainSettings]:
    """Return the function that makes a chain's settings from a directory and accounts."""
    return settings_for
