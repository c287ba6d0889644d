"""The hub's ingest workers: started, told of keys, listened to, and started again when they end."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.mqtt.ingest import Stored
from hub.processes import die_with_parent

LONGEST_LINE_BYTES = 4 * 1024 * 1024  # a whole batch
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0


class Workers:
    """`tasks`: one for each worker, as hub.mqtt.worker takes them; those with `retire` end alone.

    `hear` is called in the hub's loop with what was stored, `count` with what each node sent,
    `accuse` with a node that lies and why.
    """

    def __init__(
        self,
        tasks: list[dict[str, Any]],
        hear: Callable[[list[Stored]], None],
        count: Callable[[str, int], None],
        accuse: Callable[[str, str], None],
        say: Callable[[str], None],
    ) -> None:
        self._tasks = tasks
        self._hear = hear
        self._count = count
        self._accuse = accuse
        self._told: dict[str, Any] = {}
        self._say = say
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._drained: dict[str, bool] = {}
        self._runners: list[asyncio.Task[None]] = []
        self.stored: collections.Counter[str] = collections.Counter()  # by worker

    @property
    def are_any(self) -> bool:
        return bool(self._tasks)

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [one.pid for one in self._processes.values()]

    @property
    def is_drained(self) -> bool:
        """All of them have taken what had waited for them."""
        return all(self._drained.get(one["name"], False) for one in self._tasks)

    def start(self) -> None:
        self._runners = [
            asyncio.create_task(self._keep(one), name=one["name"]) for one in self._tasks
        ]

    def change(
        self, keys: Mapping[str, bytes], shut: Iterable[str], quarantined: Iterable[str]
    ) -> None:
        """Tell all of them whose messages count from now on, if that is something new."""
        told = {
            "keys": {node: key.hex() for node, key in keys.items()},
            "shut": sorted(shut),
            "quarantined": sorted(quarantined),
        }
        if told == self._told:
            return
        self._told = told
        for task in self._tasks:
            task.update(told)
        line = (json.dumps(told) + "\n").encode()
        for process in self._processes.values():
            if process.stdin is not None and not process.stdin.is_closing():
                process.stdin.write(line)

    async def stop(self) -> None:
        """Let them store what they have, then end them."""
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        for process in self._processes.values():
            if process.stdin is not None:
                process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            if process.returncode is None:
                process.kill()
                await process.wait()
        self._processes.clear()

    async def _keep(self, task: dict[str, Any]) -> None:
        """Run one worker again and again."""
        pause_s = FIRST_PAUSE_S
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hub.mqtt.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE_BYTES, preexec_fn=die_with_parent(os.getpid()),
            )  # fmt: skip
            self._processes[task["name"]] = process
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write((json.dumps(task) + "\n").encode())
            async for line in process.stdout:
                pause_s = FIRST_PAUSE_S
                self._take(task["name"], json.loads(line))
            code = await process.wait()
            del self._processes[task["name"]]
            if task["retire"] and code == 0:
                self._drained[task["name"]] = True
                return
            self._drained[task["name"]] = False
            self._say(f"{task['user']} ended with code {code}; starting it again")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _take(self, name: str, told: Mapping[str, Any]) -> None:
        if "stored" in told:
            self.stored[name] += len(told["stored"])
            self._hear([Stored(*one) for one in told["stored"]])
        for node, messages in told.get("counts", {}).items():
            self._count(node, messages)
        if "drained" in told:
            self._drained[name] = told["drained"]
        if "lie" in told:
            self._accuse(*told["lie"])
        if "trouble" in told:
            self._say(f"{name}: {told['trouble']}")
