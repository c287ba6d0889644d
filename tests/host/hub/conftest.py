"""Fixtures of the hub's tests: a store, events of the contract by hand, a real broker."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from hub.mqtt.broker import Broker, find_mosquitto
from hub.processes import free_port
from hub.store import Store
from tests.host.loops import Loop


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "store.db")
    yield opened
    opened.close()


class Events:
    """Makes events of the contract, one block each, and applies them."""

    def __init__(self, store):
        self.store = store
        self.block = itertools.count(1)

    def make(self, name, **args):
        number = next(self.block)
        return SimpleNamespace(
            name=name,
            args=args,
            block_number=number,
            block_hash=f"0xb{number}",
            transaction_hash=f"0xt{number}",
            log_index=0,
        )

    def apply(self, name, at_ms=1_000, **args):
        event = self.make(name, **args)
        cursor = SimpleNamespace(block_number=event.block_number, block_hash=event.block_hash)
        self.store.apply_batch([event], cursor, at_ms)
        return event

    def open_market(self):
        """Two peers with 1,000,000 wei each, and window 1."""
        for name in ("house-1", "house-2"):
            self.apply("PeerRegistered", peer=f"0x{name}")
            self.apply("PeerApproved", peer=f"0x{name}", node_id=name)
            self.apply("Deposited", peer=f"0x{name}", amount_wei=1_000_000)
        self.apply(
            "WindowOpened",
            window_id=1,
            bid_start=10,
            bid_end=20,
            clear_by=20,
            delivery_start=20,
            delivery_end=30,
            report_by=40,
            resolve_by=50,
            min_energy_uwh=1,
            max_energy_uwh=10**9,
            min_price=1,
            max_price=10**9,
        )

    def offer(self, order_id=1, energy_uwh=1_000, price=7, is_offer=True, peer="0xhouse-1"):
        self.apply(
            "OrderPlaced",
            order_id=order_id,
            window_id=1,
            peer=peer,
            is_offer=is_offer,
            energy_uwh=energy_uwh,
            price_gwei_per_kwh=price,
        )

    def trade(self, trade_id=1, order_id=1, energy_uwh=1_000, price=7, at_ms=1_000):
        self.apply(
            "TradeMade",
            at_ms,
            trade_id=trade_id,
            order_id=order_id,
            window_id=1,
            seller="0xhouse-1",
            buyer="0xhouse-2",
            taker="0xhouse-2",
            energy_uwh=energy_uwh,
            price_gwei_per_kwh=price,
        )

    def dispute(self, price=7):
        """Of 1,000 uWh 600 are paid, 50 refunded, and 350 held."""
        self.apply(
            "TradeDisputed",
            trade_id=1,
            seller_uwh=1_000,
            buyer_uwh=600,
            low_uwh=600,
            high_uwh=950,
            paid_wei=600 * price,
            refunded_wei=50 * price,
            signatures=0,
        )

    def settle(self, trade_id=1, energies=(1_000, 1_000), price=7, agreed_uwh=1_000, at_ms=2_000):
        settled_uwh = min(*energies, agreed_uwh)
        self.apply(
            "TradeSettled",
            at_ms,
            trade_id=trade_id,
            seller_uwh=energies[0],
            buyer_uwh=energies[1],
            settled_uwh=settled_uwh,
            paid_wei=settled_uwh * price,
            refunded_wei=(agreed_uwh - settled_uwh) * price,
        )


@pytest.fixture
def events(store):
    return Events(store)


@pytest.fixture
def market(events):
    events.open_market()
    return events


@pytest.fixture(scope="session")
def loop_thread():
    """An event loop for asynchronous parts under synchronous tests: `run(coroutine)`."""
    loop = Loop()
    yield loop.run
    loop.stop()


PASSWORDS = {"hub": "hub-word", "house-1": "word-1", "house-2": "word-2"}


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def broker(request, loop_thread, tmp_path_factory):
    """Each broker in turn; Mosquitto is skipped where it is not installed."""
    if request.param == "mosquitto" and find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    made = Broker(request.param, free_port(), tmp_path_factory.mktemp("broker"), PASSWORDS)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())


@pytest.fixture
def mosquitto(loop_thread, tmp_path):
    """A Mosquitto of the test's own: it remembers nothing of other tests."""
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    made = Broker("mosquitto", free_port(), tmp_path / "broker", PASSWORDS)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())
