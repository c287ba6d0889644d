"""Measures what the contract's calls cost: a throwaway chain enters, gas beside a reference leaves.

The reference is a published contract for the same purpose that has no escrow, no roles and no
settlement, measured on the same Ganache with the same compiler settings (gas, its second product
and later ones): deploy, createProduct, createProduct_buyer, purchaseProduct.
"""

from __future__ import annotations

import asyncio
import json
import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import to_hex
from web3.types import RPCEndpoint

from hub.chain.artefact import load_artefact
from hub.chain.board_signature import sign_report
from hub.chain.client import MarketClient, deploy
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import (
    BILATERAL,
    UNIFORM,
    Attempted,
    DeliveryReport,
    Fill,
    Receipt,
    WindowTerms,
)
from hub.chain.rpc import connect
from hub.errors import TruequeError

REFERENCE_GAS = {"deploy": 1_252_568, "offer": 119_817, "bid": 119_774, "take": 170_996}
REFERENCE_LIFE_GAS = REFERENCE_GAS["offer"] + REFERENCE_GAS["take"]
PAIRS = 10
ROLES = ("administrator", "coordinator", "oracle")
PEERS = tuple(f"{side}-{n}" for n in range(1, PAIRS + 1) for side in ("seller", "buyer"))
BATCH_TRADES = 50
ENERGY_UWH = 50_000
METERED_UWH = 49_750  # both meters a little below the energy agreed: pays and refunds
PRICE = 200_000_000  # gwei per kWh
WEI_PER_ETH = 10**18


@dataclass(frozen=True)
class Row:
    """One measured value; `ratio` = value / baseline, both None without a baseline."""

    name: str
    value: int
    unit: str
    baseline: int | None
    ratio: float | None


def _row(name: str, value: int, baseline: int | None) -> Row:
    ratio = None if baseline is None else round(value / baseline, 4)
    return Row(name, value, "gas", baseline, ratio)


async def measure_gas() -> list[Row]:
    """Run a whole trade twice on a chain of its own; the second one, in steady state, counts."""
    accounts: dict[str, LocalAccount] = {name: Account.create() for name in (*ROLES, *PEERS)}
    funded = tuple(FundedAccount(to_hex(one.key), 100 * WEI_PER_ETH) for one in accounts.values())
    with tempfile.TemporaryDirectory(prefix="trueque-gas-") as directory:
        place = Path(directory)
        chain = Chain(ChainSettings(place / "chain", place / "chain.log", funded))
        await chain.start()
        try:
            return await asyncio.to_thread(_measure_on, chain.rpc_url, accounts)
        finally:
            await chain.stop()


def _measure_on(rpc_url: str, accounts: dict[str, LocalAccount]) -> list[Row]:
    identity = deploy(
        rpc_url, accounts["administrator"], accounts["coordinator"], accounts["oracle"]
    )
    market = _Market(MarketClient(rpc_url, identity.address), rpc_url, accounts)
    market.admit_peers()
    window_id = market.open_window(BILATERAL)
    market.trade_once(window_id)
    gas = {"deploy": _deployment_gas(rpc_url), **market.trade_once(window_id)}
    gas["bid_with_preferences"] = market.prefer(window_id)
    gas |= market.trade_in_batch()
    rows = [_row(name, value, REFERENCE_GAS.get(name)) for name, value in gas.items()]
    life = gas["offer"] + gas["take"] + gas["report"]
    in_batch = ("clear", "close", "report")
    life_batch = gas["offer"] + gas["bid"] + sum(gas[f"batch_{one}_per_trade"] for one in in_batch)
    return [
        *rows,
        _row("life_bilateral", life, REFERENCE_LIFE_GAS),
        _row("life_batch", life_batch, REFERENCE_LIFE_GAS),
    ]


def _deployment_gas(rpc_url: str) -> int:
    """Return the gas of the libraries and the contract, each alone in its block."""
    eth = connect(rpc_url).eth
    blocks = range(1, 2 + len(load_artefact().libraries))
    return sum(eth.get_block(number)["gasUsed"] for number in blocks)


class _Market:
    """Peers with signing boards, and what their trades cost."""

    def __init__(
        self, client: MarketClient, rpc_url: str, accounts: dict[str, LocalAccount]
    ) -> None:
        self._client = client
        self._web3 = connect(rpc_url)
        self._accounts = accounts
        self._boards: dict[str, LocalAccount] = {name: Account.create() for name in PEERS}

    def admit_peers(self) -> None:
        """Register, approve with a board key, and fund all peers."""
        client, accounts = self._client, self._accounts
        for name in PEERS:
            board = self._boards[name].address
            client.register(accounts[name])
            client.approve(accounts["administrator"], accounts[name].address, name, board)
            client.deposit(accounts[name], WEI_PER_ETH)

    def open_window(self, mechanism: int) -> int:
        now_s = self._client.chain_time_s()
        terms = WindowTerms(
            bid_start=now_s,
            bid_end=now_s + 3_600,
            clear_by=now_s + 7_200,
            delivery_start=now_s + 3_600,
            delivery_end=now_s + 7_200,
            report_by=now_s + 93_600,
            resolve_by=now_s + 180_000,
            min_energy_uwh=1_000,
            max_energy_uwh=10**9,
            min_price=1,
            max_price=10**12,
            loss_permille=50,
            mechanism=mechanism,
            is_strict=True,
        )
        return self._client.open_window(self._accounts["coordinator"], terms)

    def trade_once(self, window_id: int) -> dict[str, int]:
        """Offer, bid, take the offer, report both boards' signatures; return the gas of each."""
        client, oracle = self._client, self._accounts["oracle"]
        seller, buyer = self._accounts["seller-1"], self._accounts["buyer-1"]
        offer = client.execute(seller, "offer", window_id, ENERGY_UWH, PRICE)
        bid = client.execute(buyer, "bid", window_id, ENERGY_UWH, PRICE, False)
        take = client.execute(buyer, "take", _ids(offer, "order_id")[0], ENERGY_UWH, PRICE)
        delivered = self._signed(_ids(take, "trade_id")[0], 1)
        report = client.report_signed(oracle, delivered)
        receipts = {"offer": offer, "bid": bid, "take": take, "report": report}
        return {name: receipt.gas_used for name, receipt in receipts.items()}

    def prefer(self, window_id: int) -> int:
        """Bid with priority, for accepted sellers only; return the bid's gas."""
        client, accounts = self._client, self._accounts
        seller, buyer = accounts["seller-1"], accounts["buyer-1"]
        client.accept_seller(buyer, seller.address, True)
        client.grant_priority(accounts["administrator"], buyer.address, 2)
        return client.execute(buyer, "bid", window_id, ENERGY_UWH, PRICE, True).gas_used

    def trade_in_batch(self) -> dict[str, int]:
        """Clear, close and report one book; return the gas for each trade of it."""
        client, accounts = self._client, self._accounts
        window_id = self.open_window(UNIFORM)
        fills = [self._place_pair(window_id, 1 + n % PAIRS) for n in range(BATCH_TRADES)]
        provider = self._web3.provider
        provider.make_request(RPCEndpoint("evm_increaseTime"), [3_600])
        coordinator = accounts["coordinator"]
        clear = client.clear(coordinator, window_id, fills, (PRICE, PRICE))
        close = client.close_book(coordinator, window_id, 10 * BATCH_TRADES)
        trades = _ids(clear, "trade_id")
        reports = [self._signed(one, 1 + n % PAIRS) for n, one in enumerate(trades)]
        report = client.report_batch(accounts["oracle"], reports)
        receipts = {"clear": clear, "close": close, "report": report}
        return {
            f"batch_{name}_per_trade": receipt.gas_used // BATCH_TRADES
            for name, receipt in receipts.items()
        }

    def _place_pair(self, window_id: int, pair: int) -> Fill:
        """Place an offer and a bid at the same price."""
        seller, buyer = self._accounts[f"seller-{pair}"], self._accounts[f"buyer-{pair}"]
        offer_id = self._client.offer(seller, window_id, ENERGY_UWH, PRICE)
        bid_id = self._client.bid(buyer, window_id, ENERGY_UWH, PRICE)
        return Fill(bid_id, offer_id, ENERGY_UWH)

    def _signed(self, trade_id: int, pair: int) -> DeliveryReport:
        name = self._client.delivery_id(trade_id, 1, 1)
        seller, buyer = (
            sign_report(self._boards[f"{side}-{pair}"], name, role, METERED_UWH, METERED_UWH)
            for role, side in enumerate(("seller", "buyer"))
        )
        return DeliveryReport(trade_id, (Attempted(1, 1, seller, buyer),))


def _ids(receipt: Receipt, name: str) -> list[int]:
    return [int(event.args[name]) for event in receipt.events if name in event.args]


def _print_table(rows: list[Row], echo: Callable[[str], None]) -> None:
    echo(f"{'call':<26}{'gas':>12}{'reference':>12}{'ratio':>8}")
    for row in rows:
        baseline = "-" if row.baseline is None else f"{row.baseline:,}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        echo(f"{row.name:<26}{row.value:>12,}{baseline:>12}{ratio:>8}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def gas(as_json: bool) -> None:
    """Measure the contract's gas on a chain of its own, beside a reference contract.

    Example: trueque bench gas --json
    """
    try:
        rows = asyncio.run(measure_gas())
    except TruequeError as problem:
        raise click.ClickException(str(problem)) from problem
    if not as_json:
        _print_table(rows, click.echo)
        return
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    listed = [asdict(row) for row in rows]
    click.echo(json.dumps({"command": "bench gas", "machine": machine, "rows": listed}))
