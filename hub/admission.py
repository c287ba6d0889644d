"""Which nodes may connect and speak: credentials and floods enter; broker and ingest obey.

A revoked node has no account, no key that counts, and gets no turn. A node that floods loses its
account for a while; the hub says both.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from hub.keys import Keys
from hub.mqtt.broker import Broker
from hub.mqtt.gate import Gate
from hub.mqtt.mosquitto import HUB_USER, hub_users
from hub.mqtt.node_watch import NodeWatch
from hub.mqtt.outside import OutsideBroker
from hub.site_clock import wall_ms

RETRY_S = 10.0  # accounts that could not be written: a full disk
PUT_OUT_STATE = "put_out"  # in the store: node -> until when, by the wall clock


def accounts(
    keys: Keys, workers: int = 0, shut_out: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the broker's accounts: the hub's, its ingest workers', and the nodes' that may."""
    words = keys.broker_passwords
    nodes = [node for node in words if node not in keys.revoked | shut_out | {HUB_USER}]
    return {user: words[HUB_USER] for user in hub_users(workers)} | {
        node: words[node] for node in nodes
    }


class Admission:
    """Made in the hub's event loop, once; `up` and `down` are the keys of every node that may.

    `is_drained` tells whether what waited at the broker has arrived; `keep` is told who is put out
    until when; `changed` is called after keys or `refused` are others.
    """

    def __init__(
        self,
        keys: Keys,
        broker: Broker | OutsideBroker,
        watch: NodeWatch,
        is_drained: Callable[[], bool],
        say: Callable[[str], None],
        keep: Callable[[dict[str, int]], None],
        *,
        changed: Callable[[], None] = lambda: None,
        rate_per_s: int,
        workers: int = 0,
    ) -> None:
        self._keys = keys
        self._broker = broker
        self._watch = watch
        self._say = say
        self._keep = keep
        self._keep({})
        self._workers = workers
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._returns: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.gate = Gate(rate_per_s, self._flooded, is_drained)
        self.up: dict[str, bytes] = {}
        self.down: dict[str, bytes] = {}
        self._use_keys()

    @property
    def shut_out(self) -> frozenset[str]:
        """Nodes without an account for a while, because they sent too much."""
        return frozenset(self._returns)

    @property
    def refused(self) -> frozenset[str]:
        """Nodes whose messages are refused unread."""
        return self._keys.revoked | self.shut_out

    async def take(self, keys: Keys) -> None:
        """Go on with changed credentials: the old ones are void when this returns."""
        changed = [
            node
            for node, word in keys.broker_passwords.items()
            if word != self._keys.broker_passwords.get(node)
        ]
        self._keys = keys
        for node in changed:
            self.gate.pardon(node)
            handle = self._returns.pop(node, None)
            if handle is not None:
                handle.cancel()
        self._use_keys()
        self._changed()
        await self._tell_broker()

    async def _tell_broker(self) -> None:
        """Have the broker let in who may; what lacks disk space now is tried again for ever."""
        said = ""
        while True:
            try:
                await self._broker.set_passwords(self._accounts())
                return
            except OSError as problem:
                if str(problem) != said:
                    said = str(problem)
                    self._say(f"the broker's accounts stay as they were ({problem}); tried again "
                              f"every {RETRY_S:g} s; keys that are void count nowhere")  # fmt: skip
                await asyncio.sleep(RETRY_S)

    def close(self) -> None:
        """Let nobody in any more: the broker is to end."""
        for handle in self._returns.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()

    def _use_keys(self) -> None:
        """Put the keys that count into the tables others read; other threads see each at once."""
        keys = self._keys
        self.gate.revoke(keys.revoked)
        self._watch.shut_out(keys.revoked)
        for table, direction in ((self.up, "up"), (self.down, "down")):
            for node in keys.peers:
                if node in keys.revoked:
                    table.pop(node, None)
                else:
                    table[node] = keys.node_key(node, direction)

    def _accounts(self) -> Mapping[str, str]:
        return accounts(self._keys, self._workers, self.shut_out)

    def _flooded(self, node: str, pause_s: int) -> None:
        """Called in the ingest's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the hub
            self._loop.call_soon_threadsafe(self._shut, node, pause_s)

    def _shut(self, node: str, pause_s: int) -> None:
        until = f"for {pause_s} s, longer if it goes on"
        if not self._broker.has_own_accounts:
            self._say(f"{node} floods the hub; what it sends is dropped unread {until}: this "
                      "broker cannot put out one board")  # fmt: skip
        else:
            self._say(f"{node} floods the hub; it is put out {until}. If nobody tests it, revoke "
                      f"it: trueque hub node revoke {node}")  # fmt: skip
        self._returns[node] = self._loop.call_later(pause_s, self._let_in, node)
        self._apply()

    def _let_in(self, node: str) -> None:
        del self._returns[node]
        self._say(f"{node} may connect again")
        self._apply()

    def _apply(self) -> None:
        if self._broker.has_own_accounts:
            task = asyncio.ensure_future(self._tell_broker())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._changed()
        left_ms, now_ms = {node: self.gate.shut_left_ms(node) for node in self._returns}, wall_ms()
        self._keep({node: now_ms + ms for node, ms in left_ms.items() if ms is not None})
