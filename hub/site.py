"""One site's hub: a configuration enters; broker, chain, market, oracle and page run until told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from hub import keys as secrets
from hub import provision, running
from hub.anchor.runner import Anchoring
from hub.announcing import Announcing
from hub.attention import Attention, AttentionParts
from hub.board_network import BoardNetwork
from hub.chain.chain_clock import ChainClock
from hub.chain_following import Following
from hub.chain_part import ChainPart
from hub.config import SiteConfig
from hub.coordinator.parts import BookKeeping
from hub.errors import ConfigError
from hub.keys import Keys
from hub.membership import market_account
from hub.message_part import MessagePart
from hub.mqtt.ingest import Stored
from hub.oracle.returns import Returns
from hub.oracle.runner import Oracle, OracleParts
from hub.oracle.settlement import Settlement
from hub.page_part import PageNeeds, PagePart
from hub.panel.duty import DutyParts, PanelDuty
from hub.panel.latch import StopLatch
from hub.panel.panel import Panel
from hub.patience import Patience
from hub.processes import wait_until
from hub.retention import Retention
from hub.schedule import Coordinator
from hub.site_clock import SiteClock
from hub.site_tasks import SiteTasks
from hub.store_start import open_store
from hub.time_server import is_host_synchronised
from hub.updates.rollout import Rollouts

CONNECT_TIMEOUT_S = 15.0
FOLLOW_TIMEOUT_S = 60.0
OPENING_S = 2.0


class Site:
    """Composes the hub's parts: `start`, then `run` until `request_stop`, then `stop`."""

    def __init__(
        self, config: SiteConfig, keys: Keys, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self.config = config
        self.keys = keys
        self._say = say
        self._closers = contextlib.AsyncExitStack()
        self._is_resumed = False
        self.announcing = Announcing(config.data_dir, self._state, say)
        self.anchoring: Anchoring | None = None
        self._patience = Patience(say)
        self.tasks = SiteTasks(self._patience)
        self.page: PagePart | None = None

    async def start(self) -> None:
        """Start every part in order. What was started is stopped again when one fails."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._closers.enter_context(running.only_hub(self.config.data_dir))
        self.store = await open_store(self.config, self._closers, self._say)
        self.epoch = self.store.next_epoch()
        self.clock = SiteClock.going_on(
            self.config.clock.start_local,
            self.config.clock.speed,
            self.config.zone,
            self.store.last_site_ms(),
        )
        self.ports = running.choose_ports(self.config, self.store)
        await self._start_broker()
        await self._start_chain()
        self._start_messages()
        self._take_panel()
        self._start_oracle()
        await self._start_following()
        authority = provision.authority_for_boards(self.config)
        provision.provision(self.config, self.keys, self.ports, authority)
        await self.chain_clock.ask()
        self.oracle.resume()
        self._is_resumed = True
        self.duty.start()
        self.tasks.spawn(self.chain_clock.run(), "chain clock")
        self.tasks.keep("deliveries", self.oracle.run)
        self.tasks.keep("refunds", self.returns.run)
        self.tasks.keep("books", self.books.run)
        self.tasks.keep("rollouts", self.rollouts.run)
        for name, work in self.attention.tasks().items():
            self.tasks.keep(name, work)
        self.anchoring = Anchoring.of(self.config, self.keys, self.store, self._say)
        if self.anchoring is not None:
            self.tasks.spawn(self.anchoring.run(), "anchors")
        keep_days, trusted = self.config.store.keep_readings_days, self._is_clock_trusted
        retention = Retention(self.store, keep_days, self._say, trusted)
        self.tasks.spawn(retention.run(), "retention")
        self._start_page()
        self.announcing.begin()
        # Taken back by who made it: a hub refused for another's sake must leave that one's alone.
        self._closers.callback(running.withdraw, self.config.data_dir)

    def request_stop(self) -> None:
        """Make `run` return."""
        self.tasks.request_stop()

    async def run(self) -> None:
        """Run until `request_stop`; raises what a part failed with."""
        await self.tasks.run()

    async def stop(self) -> None:
        """Open the relays, then end every part in the opposite order; the store is whole."""
        if self._is_resumed:
            self.oracle.open_all()
            with contextlib.suppress(TimeoutError):  # their leases end soon after
                await wait_until(lambda: not self.oracle.has_turns, OPENING_S, "opening")
        await self.tasks.end()
        await self._closers.aclose()

    # Starting -----------------------------------------------------------------------------------

    async def _start_broker(self) -> None:
        self.network = BoardNetwork(self.config, self.keys, self.ports, self._say)
        self._closers.push_async_callback(self.network.stop)
        await self.network.start()
        self.broker = self.network.broker
        self.tasks.spawn(self.broker.run(), "broker supervisor")
        self.tasks.spawn(self.network.run(), "certificates")

    async def _start_chain(self) -> None:
        self.chain = ChainPart(self.config, self.keys, self.store, self.ports["chain"], self._say)
        await self.chain.start()
        self._closers.push_async_callback(self.chain.stop)
        self.tasks.spawn(self.chain.supervise(), "chain supervisor")
        await self.chain.join()
        self.client = self.chain.client

    def _start_messages(self) -> None:
        self.messages = MessagePart(
            *(self.config, self.keys, self.store, self.clock, self.network),
            *(self.epoch, self._hear, self._say),
        )
        self.watch, self.link = self.messages.watch, self.messages.link
        self.dispatch = self.messages.dispatch
        self.broker.heed(lambda: self.link.is_connected)

    def _take_panel(self) -> None:
        latch = StopLatch(self.store)
        self.panel = Panel(self.config.panel.kind, latch, asyncio.get_running_loop())
        self._closers.callback(self.panel.close)

    def _start_oracle(self) -> None:
        self.settlement = Settlement(
            self.store, self.client, self.keys.oracle, self.keys.coordinator
        )
        self.chain_clock = ChainClock(
            self.client,
            self._say,
            lambda: self.oracle.wake(),
            lambda: self.oracle.chain_is_back(),
        )
        parts = OracleParts(
            store=self.store,
            settlement=self.settlement,
            dispatch=self.dispatch,
            watch=self.watch,
            domain=self.chain.domain,
            epoch=self.epoch,
            bus=self.config.bus,
            may_grant=self.panel.may_deliver,
            may_serve=self.messages.honesty.may_serve,
            chain_ahead_ms=lambda: self.chain_clock.ahead_ms,
        )
        self.oracle = Oracle(parts, self._say)
        self.messages.on_quarantined = self.oracle.stop_node
        nodes = tuple(one.name for one in self.config.houses)
        duty = DutyParts(self.panel, self.oracle, self.dispatch, self.watch, self.store, nodes)
        self.duty = PanelDuty(duty, asyncio.get_running_loop(), self._say)
        is_bench = self.config.site.kind == "bench"
        is_clock_trusted = (lambda: True) if is_bench else is_host_synchronised
        self._is_clock_trusted = is_clock_trusted
        watched = AttentionParts(
            self.store,
            self.clock,
            lambda: self.panel.is_stopped,
            is_clock_trusted,
            lambda: self.broker.restarts,
            lambda: self.link.is_connected,
            lambda: self.chain.restarts,
            lambda: not self.chain_clock.is_away,
        )
        self.attention = Attention(self.config, self.keys, watched, self._say)
        self.duty.on_news = self.messages.on_quarantine_changed = self.attention.look
        self.rollouts = Rollouts(self.store, self.dispatch, self.watch, self._say)
        self.returns = Returns(self.store, self.settlement, self._say)
        keys = self.keys
        self.coordinator = Coordinator(
            *(self.config, self.store, self.client, keys.coordinator, self.clock, self._say),
            market_account(self.config, keys).address,
            is_clock_trusted=is_clock_trusted,
        )
        self.books = BookKeeping.of(self.config, self.store, self.client, keys, self._say)
        self.messages.start()
        self.tasks.spawn(self.messages.run(), "messages")
        self._closers.push_async_callback(self.messages.stop)

    async def _start_following(self) -> None:
        following = Following(self.chain, self.store, self._chain_moved, self._say)
        self.tasks.keep("chain follower", following.run)
        async with asyncio.timeout(FOLLOW_TIMEOUT_S):
            await following.caught_up.wait()
        await wait_until(
            lambda: self.link.is_connected, CONNECT_TIMEOUT_S, "connecting to the broker"
        )
        if self.config.schedule.mode == "daily":
            self.tasks.keep("schedule", self.coordinator.run_daily)

    def _start_page(self) -> None:
        """Also the bridges and the agents: they see the store and the market, no relay."""
        parts = PageNeeds(
            self.config, self.keys, self.store, self.clock, self.ports, self.network, self.chain
        )
        self.page = PagePart(parts, self.duty, self._say)
        self.page.start()
        self._closers.callback(self.page.stop)
        self.tasks.spawn(self.page.run_agents(), "agents")
        self.tasks.spawn(self.page.run_events(), "events")

    def _state(self) -> dict[str, Any]:
        """Return what other processes may know of this hub."""
        return {
            "page_url": self.page.url if self.page else None,
            "ports": self.ports,
            "rpc_url": self.chain.rpc_url,
            "broker": self.broker.kind,
            "epoch": self.epoch,
            "keys": self.keys.digest,
            "boards_dir": str(self.config.boards_dir),
            "clock": self.clock.record(),
            "pids": {"broker": self.broker.pid, "chain": self.chain.pid},
        }

    # Running ------------------------------------------------------------------------------------

    def look_again(self) -> None:
        """Take up what another process wrote into the store."""
        if self._is_resumed:  # else the start reads it
            self.rollouts.wake()

    def request_credentials(self) -> None:
        """Have keys.json read again: nodes were revoked or got new credentials."""
        if self._is_resumed:  # else the start reads it
            self._taking = asyncio.create_task(self.take_credentials())

    async def take_credentials(self) -> None:
        """Go on with what stands in keys.json now, if that is good."""
        names = [one.name for one in self.config.houses]
        try:
            self.keys = secrets.load(self.config.keys_path, names)
        except ConfigError as problem:
            self._say(f"the nodes' credentials stay as they were: {problem}")
            return
        await self.messages.admission.take(self.keys)
        self.announcing.renew()
        self._say("keys.json has changed: the nodes' credentials are those that stand there now")

    def _hear(self, batch: list[Stored]) -> None:
        self.announcing.look()
        parts = (self.oracle, self.duty, self.rollouts, self.attention)
        # Boards say again what one of them could not take in.
        self._patience.try_each("news of boards", [part.hear for part in parts], batch)
        self.coordinator.wake()

    def _chain_moved(self) -> None:
        """Tell everyone who lives by the contract's events."""
        if self._is_resumed:
            self.oracle.follow_trades()
        self.client.chain_moved()
        for one in (self.chain_clock, self.returns, self.books, self.attention, self.anchoring):
            if one is not None:
                one.wake()
        if self.page is not None:
            self.page.chain_moved()
