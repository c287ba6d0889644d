"""The hub's side of `trueque bench ingest`, as a process of its own: broker, ingest, store.

What stands between a reading and the chain runs as in `trueque hub up`, and the oracle hears it;
there is no chain, page or agent, and nothing to trade. All of the hub is loaded, so that its
memory counts. Told by one JSON object a line on standard input, answers with one a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any, cast

import hub.agent.runner
import hub.web.server  # noqa: F401
from hub import config as configuration
from hub import keys as secrets
from hub import running
from hub.board_network import BoardNetwork
from hub.message_part import MessagePart
from hub.mqtt.ingest import Stored
from hub.oracle.runner import Oracle, OracleParts
from hub.oracle.settlement import Settlement
from hub.retention import Retention
from hub.site import Site  # noqa: F401
from hub.site_clock import SiteClock
from hub.store import Store
from hub.updates.rollout import Rollouts

LATENCY_STEPS_MS = 20_000


class Latencies:
    """How many records were stored so many ms after they were due."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.counts = [0] * LATENCY_STEPS_MS
        self.stored = 0

    def take(self, batch: list[Stored]) -> None:
        """Count a batch that was committed a moment ago."""
        now_ms = time.time() * 1000
        for one in batch:
            due_ms = one.record.get("t_ms")
            if one.kind == "reading" and due_ms is not None:
                step = min(LATENCY_STEPS_MS - 1, max(0, int(now_ms - due_ms)))
                self.counts[step] += 1
                self.stored += 1

    def percentile_ms(self, permille: int) -> int:
        """Return the time within which that share was stored, rounded up to a ms."""
        wanted, seen = self.stored * permille / 1000, 0
        for step, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return step + 1
        return LATENCY_STEPS_MS


class BenchHub:
    """The parts of hub.site.Site between the boards and the chain."""

    def __init__(self, data_dir: Path) -> None:
        self._config = configuration.load(data_dir)
        names = [house.name for house in self._config.houses]
        self._keys = secrets.load(self._config.keys_path, names)
        self.latencies = Latencies()

    async def start(self) -> None:
        config, keys = self._config, self._keys
        self.store = Store.open(config.store_path)
        self.ports = running.choose_ports(config, self.store)
        self.network = BoardNetwork(config, keys, self.ports, _complain)
        await self.network.start()
        clock = SiteClock.real(config.zone)
        epoch = self.store.next_epoch()
        self.messages = MessagePart(
            config, keys, self.store, clock, self.network, epoch, self._hear, _complain
        )
        parts = OracleParts(
            store=self.store,
            settlement=cast(Settlement, None),  # nothing is reported
            dispatch=self.messages.dispatch,
            watch=self.messages.watch,
            domain=bytes(32),
            epoch=epoch,
            bus=config.bus,
            may_grant=lambda: True,
        )
        self.oracle = Oracle(parts, _complain)
        self.rollouts = Rollouts(self.store, self.messages.dispatch, self.messages.watch, _complain)
        self.retention = Retention(self.store, config.store.keep_readings_days, _complain)
        self._pruning = asyncio.create_task(self.retention.run())
        self.messages.start()
        while not (self.messages.link.is_drained and self.messages.workers.is_drained):
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._pruning.cancel()
        await asyncio.gather(self._pruning, return_exceptions=True)
        await self.messages.stop()
        await self.network.stop()
        self.store.close()

    def _hear(self, batch: list[Stored]) -> None:
        self.latencies.take(batch)  # committed, acknowledged, and in the oracle's hands
        self.oracle.hear(batch)
        self.rollouts.hear(batch)

    def state(self) -> dict[str, Any]:
        """Return what was stored since the last `clear`, and whose process ids to look at."""
        return {
            "stored": self.latencies.stored,
            "p50_ms": self.latencies.percentile_ms(500),
            "p99_ms": self.latencies.percentile_ms(990),
            "most_ms": self.latencies.percentile_ms(1000),
            "counts": self.store.message_counts(),
            "removed": self.retention.removed,
        }


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say(**members: Any) -> None:
    print(json.dumps(members), flush=True)


async def _serve(data_dir: Path) -> None:
    made = BenchHub(data_dir)
    await made.start()
    tls = made.network.tls
    _say(
        port=made.ports["broker"],
        host=made.network.broker.host,
        authority=str(tls.authority) if tls else None,
        broker=made.network.broker.kind,
        broker_pid=made.network.broker.pid,
        worker_pids=made.messages.workers.pids,
    )
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if json.loads(line)["ask"] == "clear":
                made.latencies.clear()
            _say(**made.state())
    finally:
        await made.stop()


def main() -> None:
    """Serve until standard input ends."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
