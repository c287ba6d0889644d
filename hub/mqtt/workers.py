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
STEADY_S = 30.0  # a worker that ran this long is not in a loop of crashes


class Workers:
    """`tasks`: one for each worker, as hub.mqtt.worker takes them; those with `retire` end alone.

    `hear` is called in the hub's loop with what was stored, `count` with what each node sent,
    `accuse` with a node that lies and why, `on_broken` with what nobody here expected.
    """

    def __init__(
        self,
        tasks: list[dict[str, Any]],
        hear: Callable[[list[Stored]], None],
        count: Callable[[str, int], None],
        accuse: Callable[[str, str], None],
        say: Callable[[str], None],
        on_broken: Callable[[BaseException], None],
    ) -> None:
        self._on_broken = on_broken
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
        for runner in self._runners:
            runner.add_done_callback(self._look_why_it_ended)

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

    def _look_why_it_ended(self, runner: asyncio.Task[None]) -> None:
        problem = None if runner.cancelled() else runner.exception()
        if problem is not None:
            self._on_broken(problem)

    async def _keep(self, task: dict[str, Any]) -> None:
        """Run one worker again and again."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while True:
            began_s = loop.time()
            try:
                code = await self._run(task)
                if task["retire"] and code == 0:
                    self._drained[task["name"]] = True
                    return
                end = f"ended with code {code}"
            except (OSError, ValueError) as problem:  # no process to be had, a line that is none
                end = f"failed: {problem}"
            self._drained[task["name"]] = False
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._say(f"{task['user']} {end}; starting it again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _run(self, task: dict[str, Any]) -> int:
        """Run one worker until it ends and return its code; end it when this cannot go on."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.mqtt.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE_BYTES, preexec_fn=die_with_parent(os.getpid()),
        )  # fmt: skip
        self._processes[task["name"]] = process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write((json.dumps(task) + "\n").encode())
            async for line in process.stdout:
                self._take(task["name"], json.loads(line))
        except Exception:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            del self._processes[task["name"]]
            await process.wait()
            raise
        code = await process.wait()  # cancelled, it is `stop` that ends it
        del self._processes[task["name"]]
        return code

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
