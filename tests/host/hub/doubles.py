"""A bus in virtual time: boards that speak the wire, a contract that pays, and a clock to turn."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

from wire import codec, topics, units

from hub.config_tables import Bus
from hub.mqtt.dispatch import Dispatch
from hub.mqtt.ingest import Stored
from hub.mqtt.node_watch import NodeWatch
from hub.oracle.runner import Oracle, OracleParts
from hub.oracle.settlement import TAKEN
from hub.store import NodeRow, Store

MS_PER_HOUR = 3_600_000
STEP_MS = 50
POWER_UW = 6_250_000
DOMAIN = bytes(range(32))


class Clock:
    """Wall time that moves when a test says so."""

    def __init__(self, at_ms=1_700_000_000_000):
        self.at_ms = at_ms

    def __call__(self):
        return self.at_ms


@dataclass
class Board:
    """A board's delivery machine, reduced to what the hub can see of it."""

    name: str
    clock: Clock
    is_on: bool = True
    relay: str = "open"
    delivery: dict | None = None  # the command that closed it
    energy_uwh: float = 0.0
    total_uwh: float = 0.0  # over all deliveries: what truly moved
    counterparty_uwh: int = 0
    nonces: dict = field(default_factory=dict)  # nonce -> when it was offered
    leases: dict = field(default_factory=dict)  # delivery id -> when it ends
    finals: dict = field(default_factory=dict)
    history: list = field(default_factory=list)  # (at_ms, relay)
    outbox: list = field(default_factory=list)
    seqs: dict = field(default_factory=dict)
    next_status_ms: int = 0
    next_progress_ms: int = 0

    def take(self, kind, record):
        """Obey a lease or command as the firmware does."""
        if not self.is_on or record["nonce"] not in self.nonces:
            return
        ends_ms = self.nonces[record["nonce"]] + units.NONCE_LIFE_MS
        if ends_ms <= self.clock():
            return
        name = record["delivery_id"]
        if kind == "lease":
            self.leases[name] = max(ends_ms, self.leases.get(name, 0))
            if self.delivery and self.delivery["delivery_id"] == name:
                self.counterparty_uwh = max(self.counterparty_uwh, record["counterparty_uwh"])
        elif record["action"] == "stop":
            if self.delivery:
                self.open("emergency_stop")
        elif record["action"] == "open":
            if self.delivery and self.delivery["delivery_id"] == name:
                self.open("commanded")
        elif name in self.finals:
            self.say("delivery", self.finals[name])
        elif self.delivery is None and self.leases.get(name, 0) > self.clock():
            self.delivery, self.energy_uwh, self.counterparty_uwh = dict(record), 0.0, 0
            self.set_relay("out" if record["role"] == "seller" else "in")
            self.say("delivery", self.report("closed"))

    def report(self, phase, reason=None):
        return {
            "delivery_id": self.delivery["delivery_id"],
            "role": self.delivery["role"],
            "phase": phase,
            "energy_uwh": int(self.energy_uwh),
            "counterparty_uwh": self.counterparty_uwh,
            "elapsed_ms": 0,
            "register_uwh": 0,
            "reason": reason,
        }

    def set_relay(self, relay):
        self.relay = relay
        self.history.append((self.clock(), relay))
        self.status()

    def open(self, reason):
        final = self.report("final", reason)
        self.finals[final["delivery_id"]] = final
        self.delivery = None
        self.set_relay("open")
        self.say("delivery", final)

    def status(self):
        nonce = random.randbytes(16).hex()
        self.nonces[nonce] = self.clock()
        self.next_status_ms = self.clock() + units.NONCE_PERIOD_MS
        self.say("status", {
            "uptime_ms": self.clock(), "nonce": nonce, "relay": self.relay, "fault": None,
            "state": "idle" if self.delivery is None else "delivering",
            "delivery_id": self.delivery and self.delivery["delivery_id"],
            "firmware": "0.1.0", "reset_cause": "power_on", "free_bytes": 1,
        })  # fmt: skip

    def say(self, kind, members):
        self.seqs[kind] = self.seqs.get(kind, 0) + 1
        start = {"boot_id": 1, "seq": self.seqs[kind], "t_ms": None}
        self.outbox.append((self.name, kind, {**start, **members}))

    def step(self, moved_uwh):
        """Let one step of time pass; `moved_uwh` flowed on the bus meanwhile."""
        if not self.is_on:
            return
        now = self.clock()
        if now >= self.next_status_ms:
            self.status()
        if self.delivery is None:
            return
        self.energy_uwh += moved_uwh
        self.total_uwh += moved_uwh
        if self.leases.get(self.delivery["delivery_id"], 0) <= now:
            self.open("lease_expired")
        elif self.energy_uwh >= self.delivery["energy_uwh"]:
            self.open("energy_reached")
        elif self.is_too_exposed():
            self.open("exposure")
        elif now >= self.next_progress_ms:
            self.next_progress_ms = now + units.METERING_BLOCK_MS
            self.say("delivery", self.report("progress"))

    def is_too_exposed(self):
        ahead_uwh = self.energy_uwh - self.counterparty_uwh
        return self.delivery["role"] == "seller" and ahead_uwh > self.delivery["exposure_uwh"]

    def cut(self):
        """Pull the plug: contacts fall open, what was metered stands in flash."""
        if self.delivery is not None:
            final = self.report("final", "rebooted")
            self.finals[final["delivery_id"]] = final
            self.delivery = None
            self.set_relay("open")
        self.outbox = []
        self.is_on = False

    def boot(self):
        self.is_on, self.next_status_ms = True, 0
        self.nonces.clear()
        self.leases.clear()
        for final in self.finals.values():
            self.say("delivery", final)


class Contract:
    """The chain as the oracle's settlement sees it: takes one report per trade."""

    def __init__(self, store: Store, clock: Clock):
        self.store, self.clock = store, clock
        self.reports: dict[int, list] = {}
        self.block = 10

    async def report(self, delivery_id, trade_id, seller_uwh, buyer_uwh):
        await asyncio.sleep(0)  # a hub may be killed here
        row = self.store.delivery(delivery_id)
        if row.raw_report is None:
            raw = f"{trade_id},{seller_uwh},{buyer_uwh}".encode()
            self.store.keep_report([delivery_id], raw, "0x", self.clock())
        await asyncio.sleep(0)  # or here, after signing and before sending
        raw = self.store.delivery(delivery_id).raw_report
        figures = tuple(int(part) for part in raw.decode().split(","))
        taken = self.reports.setdefault(trade_id, [])
        if figures not in taken:
            taken.append(figures)
            self.emit("TradeSettled", trade_id=trade_id, seller_uwh=figures[1],
                      buyer_uwh=figures[2], settled_uwh=min(figures[1:]), paid_wei=0,
                      refunded_wei=0)  # fmt: skip
        await asyncio.sleep(0)  # or here, before the receipt came back
        return TAKEN

    async def refund(self, trade_id):
        self.emit("TradeRefunded", trade_id=trade_id, refunded_wei=0)
        return True

    async def reclaim(self, order_id):
        return True

    def emit(self, name, **args):
        self.block += 1
        event = SimpleNamespace(
            name=name, args=args, block_number=self.block, block_hash="0x", log_index=0,
            transaction_hash="0x",
        )  # fmt: skip
        cursor = SimpleNamespace(block_number=self.block, block_hash="0x")
        self.store.apply_batch([event], cursor, self.clock())


class World:
    """Boards, store, contract and a hub that can be killed and started again."""

    def __init__(self, path, trades=2, loss=0.0, seed=0, bus=None, pairs=None):
        self.random = random.Random(seed)
        self.loss = loss
        self.clock = Clock()
        self.store = Store.open(path)
        self.contract = Contract(self.store, self.clock)
        self.bus = bus or Bus()
        self.boards = {
            f"house-{n}": Board(f"house-{n}", self.clock) for n in range(1, 2 * trades + 1)
        }
        self.keys = {name: b"k" * 32 for name in self.boards}
        self.to_nodes: list = []
        self.violations: list = []
        self.said: list = []
        self.hub = None
        self.may_grant = True
        self.wall_ahead_ms = self.chain_ahead_ms = 0
        self._followed_block = self._over_block = 0
        self._is_over = False
        self._open_market(trades)

    def _open_market(self, trades):
        self.store.set_nodes(
            NodeRow(name, "prosumer", "bus-1", address(name)) for name in self.boards
        )
        for name in self.boards:
            self.contract.emit("PeerRegistered", peer=address(name))
            self.contract.emit("PeerApproved", peer=address(name), node_id=name)
        now_s = self.clock() // 1000
        self.contract.emit(
            "WindowOpened", window_id=1, bid_start=now_s - 60, bid_end=now_s, clear_by=now_s,
            delivery_start=now_s, delivery_end=now_s + 300, report_by=now_s + 420,
            resolve_by=now_s + 820,
            min_energy_uwh=1, max_energy_uwh=10**9, min_price=1, max_price=10**12,
        )  # fmt: skip
        for n in range(1, trades + 1):
            seller, buyer = address(f"house-{2 * n - 1}"), address(f"house-{2 * n}")
            self.contract.emit("OrderPlaced", order_id=n, window_id=1, peer=seller,
                               is_offer=True, energy_uwh=34_723, price_gwei_per_kwh=2)  # fmt: skip
            self.contract.emit("TradeMade", trade_id=n, order_id=n, window_id=1, seller=seller,
                               buyer=buyer, taker=buyer, energy_uwh=34_723,
                               price_gwei_per_kwh=2)  # fmt: skip

    def start_hub(self):
        """Start a hub process: all it knows is in the store."""
        epoch = self.store.next_epoch()
        watch = NodeWatch(dict.fromkeys(self.boards, "bus-1"), self.clock)
        dispatch = Dispatch(self._publish, self.keys, epoch, watch.newest_nonce)
        parts = OracleParts(self.store, self.contract, dispatch, watch, DOMAIN, epoch, self.bus,
                            lambda: self.may_grant,
                            chain_ahead_ms=lambda: self.chain_ahead_ms)  # fmt: skip
        self.watch, self.dispatch = watch, dispatch
        self.hub = Oracle(
            parts, self.said.append, lambda: self.clock() + self.wall_ahead_ms, self.clock
        )
        self.hub.resume()

    async def kill_hub(self):
        """End it between two instructions: its tasks never go on, its memory is gone."""
        for task in list(self.hub._reports):
            task.cancel()
        await asyncio.gather(*self.hub._reports, return_exceptions=True)
        self.hub = None

    def _publish(self, topic, payload):
        node, kind = topics.parse(topic)
        record, reason = codec.decode(topic, payload, self.keys[node])
        assert reason == ""
        self.to_nodes.append((node, kind, record))

    async def step(self):
        """Let one step of time pass for everyone."""
        self.clock.at_ms += STEP_MS
        moved_uwh = POWER_UW * STEP_MS / MS_PER_HOUR
        sellers = [one for one in self.boards.values() if one.relay == "out"]
        buyers = [one for one in self.boards.values() if one.relay == "in"]
        if len(sellers) > 1 or len(buyers) > 1:
            self.violations.append((self.clock(), sellers, buyers))
        for board in self.boards.values():
            flows = bool(sellers) and bool(buyers)
            board.step(moved_uwh if flows and board.relay != "open" else 0.0)
        self._deliver_down()
        self._deliver_up()
        if self.hub is not None:
            self.hub.tick()
            if self.contract.block != self._followed_block:
                self._followed_block = self.contract.block
                self.hub.follow_trades()
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)

    def _deliver_down(self):
        messages, self.to_nodes = self.to_nodes, []
        for node, kind, record in messages:
            if self.random.random() >= self.loss:
                self.boards[node].take(kind, record)

    def _deliver_up(self):
        batch = []
        for board in self.boards.values():
            if self.hub is None:
                continue  # the broker keeps them for the hub's session
            waiting, board.outbox = board.outbox, []
            for node, kind, record in waiting:
                # QoS 1: a final arrives in the end, but a progress may be stale by then.
                if record.get("phase") != "final" and self.random.random() < self.loss:
                    continue
                at_ms = (self.clock(), self.clock())
                if self.store.store_record(node, kind, record, at_ms) == "new":
                    batch.append(Stored(node, kind, record, self.clock()))
        for stored in batch:
            self.watch.hear(stored)
        if batch:
            self.hub.hear(batch)

    async def run_until(self, condition, limit_s=600):
        """Step until the condition holds; False when it did not within that virtual time."""
        for _ in range(limit_s * 1000 // STEP_MS):
            if condition():
                return True
            await self.step()
        return condition()

    def is_over(self):
        """Every trade is settled or refunded; read again only after the chain moved."""
        if self._over_block != self.contract.block:
            self._over_block = self.contract.block
            self._is_over = not self.store.unsettled_trades()
        return self._is_over


def address(name):
    return "0xPEER" + name
