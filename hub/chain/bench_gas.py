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

from hub.chain.client import MarketClient, deploy
from hub.chain.process import Chain, ChainSettings, FundedAccount
from hub.chain.records import Receipt, WindowTerms
from hub.chain.rpc import connect
from hub.errors import TruequeError

REFERENCE_GAS = {"deploy": 1_252_568, "offer": 119_817, "bid": 119_774, "take": 170_996}
REFERENCE_LIFE_GAS = REFERENCE_GAS["offer"] + REFERENCE_GAS["take"]
ACCOUNTS = ("administrator", "coordinator", "oracle", "seller", "buyer")
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
    accounts: dict[str, LocalAccount] = {name: Account.create() for name in ACCOUNTS}
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
    client = MarketClient(rpc_url, identity.address)
    window_id = _open_market(client, accounts)
    _trade_once(client, accounts, window_id)
    gas = {"deploy": _deployment_gas(rpc_url), **_trade_once(client, accounts, window_id)}
    rows = [_row(name, value, REFERENCE_GAS.get(name)) for name, value in gas.items()]
    life = gas["offer"] + gas["take"] + gas["report"]
    return [*rows, _row("life_bilateral", life, REFERENCE_LIFE_GAS)]


def _deployment_gas(rpc_url: str) -> int:
    return connect(rpc_url).eth.get_block(1)["gasUsed"]  # the deployment is alone in it


def _open_market(client: MarketClient, accounts: dict[str, LocalAccount]) -> int:
    for number, name in enumerate(("seller", "buyer"), 1):
        client.register(accounts[name])
        client.approve(accounts["administrator"], accounts[name].address, f"house-{number}")
        client.deposit(accounts[name], WEI_PER_ETH)
    now_s = client.chain_time_s()
    terms = WindowTerms(
        bid_start=now_s,
        bid_end=now_s + 3_600,
        clear_by=now_s + 3_600,
        delivery_start=now_s + 3_600,
        delivery_end=now_s + 7_200,
        report_by=now_s + 93_600,
        resolve_by=now_s + 180_000,
        min_energy_uwh=1_000,
        max_energy_uwh=10**9,
        min_price=1,
        max_price=10**12,
        loss_permille=50,
    )
    return client.open_window(accounts["coordinator"], terms)


def _trade_once(
    client: MarketClient, accounts: dict[str, LocalAccount], window_id: int
) -> dict[str, int]:
    """Offer, bid, take the offer, report; return the gas of each."""
    seller, buyer, oracle = accounts["seller"], accounts["buyer"], accounts["oracle"]
    offer = client.execute(seller, "offer", window_id, ENERGY_UWH, PRICE)
    bid = client.execute(buyer, "bid", window_id, ENERGY_UWH, PRICE)
    take = client.execute(buyer, "take", _id(offer, "order_id"), ENERGY_UWH, PRICE)
    report = client.report(oracle, _id(take, "trade_id"), METERED_UWH, METERED_UWH)
    receipts = {"offer": offer, "bid": bid, "take": take, "report": report}
    return {name: receipt.gas_used for name, receipt in receipts.items()}


def _id(receipt: Receipt, name: str) -> int:
    return int(receipt.events[0].args[name])


def _print_table(rows: list[Row], echo: Callable[[str], None]) -> None:
    echo(f"{'call':<16}{'gas':>12}{'reference':>12}{'ratio':>8}")
    for row in rows:
        baseline = "-" if row.baseline is None else f"{row.baseline:,}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        echo(f"{row.name:<16}{row.value:>12,}{baseline:>12}{ratio:>8}")


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
