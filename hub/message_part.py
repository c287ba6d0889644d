"""The hub's side of the nodes' messages: broker and store enter; ingest, watch and commands run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from wire.topics import FROM_NODE

from hub.admission import PUT_OUT_STATE, Admission
from hub.board_network import BoardNetwork
from hub.config import SiteConfig
from hub.errors import StoreError
from hub.honesty.part import Honesty
from hub.honesty.quarantine import release_command
from hub.keys import Keys
from hub.mqtt.dispatch import Dispatch
from hub.mqtt.ingest import Ingest, Stored
from hub.mqtt.link import Link
from hub.mqtt.mosquitto import HUB_USER
from hub.mqtt.node_watch import NodeWatch
from hub.mqtt.sharing import OWN_KINDS
from hub.mqtt.workers import Workers
from hub.patience import passes
from hub.site_clock import SiteClock
from hub.store import NodeRow, Store
from hub.worker_tasks import Way, way_of, worker_tasks


class MessagePart:
    """Made in the hub's event loop: `start`, then `stop`, once each.

    `hear` is called in that loop with the records that were stored, oldest first, after the watch
    and the commands have heard them.
    """

    def __init__(
        self,
        config: SiteConfig,
        keys: Keys,
        store: Store,
        clock: SiteClock,
        network: BoardNetwork,
        epoch: int,
        hear: Callable[[list[Stored]], None],
        say: Callable[[str], None],
    ) -> None:
        houses = config.houses
        store.set_nodes(
            NodeRow(one.name, one.kind, one.segment, keys.peers[one.name].address) for one in houses
        )
        self._config = config
        self._is_stopped = False
        self._store = store
        self._hear_stored = hear
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self.watch = NodeWatch({one.name: one.segment for one in houses})
        self.admission = Admission(
            keys,
            network.broker,
            self.watch,
            lambda: self.link.is_drained and self.workers.is_drained,
            say,
            self._keep_put_out,
            changed=self._tell_workers,
            rate_per_s=config.broker.node_rate_per_s,
            workers=config.ingest.workers,
        )
        self.honesty = Honesty(config, store, self._caught)
        # Set by who can open relays, and by who tells people; called in the loop.
        self.on_quarantined: Callable[[str], None] = lambda node: None
        self.on_quarantine_changed: Callable[[], None] = lambda: None
        self.honesty.on_released = lambda node: self._on_loop(self._changed)
        self.ingest = Ingest(
            *(store, clock, self.admission.up, self._stored, say, self.admission.gate),
            inspect=self.honesty.inspect,
            on_broken=lambda problem: self._on_loop(lambda: self._fail(problem)),
        )
        way = way_of(config, keys, network)
        self.link = self._build_link(way, network)
        tasks = worker_tasks(config, store, clock, way, self.honesty.limits)
        self.workers = Workers(
            *(tasks, self._hear, self.admission.gate.count, self.honesty.accuse),
            *(say, self._fail),
        )
        self._tell_workers()
        self.dispatch = Dispatch(
            self.link.publish,
            self.admission.down,
            epoch,
            self.watch.newest_nonce,
            self._epoch_raised,
        )

    def _build_link(self, way: Way, network: BoardNetwork) -> Link:
        """Return the hub's own connection: it hears all, or what no worker does."""
        has_workers = self._config.ingest.workers > 0
        return Link(
            way.address,
            way.password,
            self.ingest.put,
            authority=network.authority,
            user=way.user,
            client_id=way.client_id(HUB_USER),
            kinds=OWN_KINDS if has_workers else FROM_NODE,
        )

    def start(self) -> None:
        self.ingest.start(self.link.acknowledge)
        self.link.start()
        self.workers.start()

    async def run(self) -> None:
        """Raise what ended the hearing of boards; wait for ever while they are heard."""
        await self._failed

    async def stop(self) -> None:
        self._is_stopped = True
        self.admission.close()
        await self.workers.stop()
        self.link.stop()
        self.ingest.stop()

    def _stored(self, batch: list[Stored]) -> None:
        self._on_loop(lambda: self._try_to_hear(batch))

    def _try_to_hear(self, batch: list[Stored]) -> None:
        try:
            self._hear(batch)
        except Exception as problem:  # raised from a callback it would end nothing
            self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(problem)

    def _hear(self, batch: list[Stored]) -> None:
        if self._is_stopped:  # what came while the parts end: the next hub finds it in the store
            return
        for stored in batch:
            self.watch.hear(stored)
        try:
            for stored in batch:
                if stored.kind == "status":  # should the store be away, boards tell the next hub
                    self.dispatch.hear_epoch(stored.node, stored.record["epoch"])
        except StoreError as problem:
            if not passes(problem):
                raise
            self._say(f"the hub's new epoch is not in the store: {problem}")
        self.honesty.hear(batch)
        self._tell_workers()
        self._hear_stored(batch)

    def _tell_workers(self) -> None:
        """Tell the ingest workers, if there are any, whom to believe from now on."""
        if self.workers.are_any:
            quarantined = self.honesty.quarantine.nodes()
            self.workers.change(self.admission.up, self.admission.refused, quarantined)

    def _keep_put_out(self, put_out: dict[str, int]) -> None:
        """Write down who is put out until when, for `node list` and the alarms."""
        try:
            self._store.set_state(PUT_OUT_STATE, put_out)
        except StoreError as problem:  # who is put out stays so
            self._say(f"who is put out is not in the store: {problem}")

    def _caught(self, node: str, reason: str) -> None:
        """Called in any thread."""
        then = release_command(node, self._config)
        self._say(f"ALERT: {node} is in quarantine: {reason}. It gets no turns, its figures are "
                  f"not taken. Look at it, then: {then}")  # fmt: skip
        self._on_loop(lambda: self.on_quarantined(node))
        self._on_loop(self._changed)

    def _changed(self) -> None:
        self.on_quarantine_changed()

    def _on_loop(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the hub
            self._loop.call_soon_threadsafe(work)

    def _epoch_raised(self, node: str, epoch: int) -> None:
        self._store.raise_epoch(epoch)
        self._say(f"{node} knows a later hub than this store: going on in epoch {epoch}")
