"""The message broker: Mosquitto with one account and an access list, or the embedded broker.

Ports, accounts and passwords enter; a supervised process listening on loopback leaves.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hub.certificates import TlsFiles
from hub.errors import BrokerDown, PartMissing, PortInUse
from hub.guests import Guest
from hub.mqtt import embedded, mosquitto
from hub.mqtt.mosquitto import HUB_USER, Listener, find_mosquitto
from hub.processes import Child, is_port_open

HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
STEADY_S = 30.0  # a broker that ran this long is not in a loop of crashes
LOOK_S, MOST_LOOKS = 5.0, 4
"""A broker that the hub does not reach in so many looks on end hangs; a busy one may miss some."""


def _write_secret(path: Path, text: str) -> None:
    """Replace a file in one step: the broker may be reading it."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)


class Broker:
    """One broker process, restarted with growing pauses when it ends by itself.

    `kind` "auto" prefers Mosquitto. `passwords`: account -> password, the hub's among them.
    `tls`: the certificate it shows; None for plain MQTT. `listen`: the address it listens on.
    """

    def __init__(
        self,
        kind: str,
        port: int,
        directory: Path,
        passwords: Mapping[str, str],
        tls: TlsFiles | None = None,
        listen: str = HOST,
        guests: Iterable[Guest] = (),
    ) -> None:
        """`guests`: accounts that are no board's; they stay whatever happens to the others."""
        self.port = port
        self._guests = tuple(guests)
        self.tls = tls
        self.listen = listen
        self.directory = directory.resolve()
        self._passwords = dict(passwords)
        self._told_passwords: dict[str, str] = {}  # those that run knows
        self._mosquitto = None if kind == "embedded" else find_mosquitto()
        if kind == "mosquitto" and self._mosquitto is None:
            raise PartMissing(
                "broker.kind is mosquitto, but Mosquitto is not installed; "
                "run: sudo apt install mosquitto, or set broker.kind to auto in site.toml"
            )
        self._most_nodes = 0
        self._child: Child | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._is_reached: Callable[[], bool] = lambda: True
        self.restarts = 0

    @property
    def kind(self) -> str:
        """Return mosquitto or embedded."""
        return "embedded" if self._mosquitto is None else "mosquitto"

    @property
    def sentence(self) -> str:
        """Say which broker runs, and what it cannot do."""
        where = f"{self.listen}:{self.port} with {'TLS' if self.tls else 'plain MQTT (no TLS)'}"
        if self._mosquitto is not None:
            return f"Mosquitto on {where}, one account and access list per board"
        return (
            f"embedded broker on {where} (Mosquitto is not installed): accounts, but no access "
            "list per board and nothing kept over a restart, and every board has to connect again "
            "when one account changes"
        )

    @property
    def host(self) -> str:
        """Return the address under which this machine itself reaches it."""
        return HOST if self.listen in (HOST, "0.0.0.0") else self.listen

    @property
    def has_own_accounts(self) -> bool:
        """One board can be put out while the others stay connected."""
        return self._mosquitto is not None

    @property
    def hub_address(self) -> tuple[str, int] | Path:
        """Return where the hub itself connects: its own socket where the broker has one."""
        own = mosquitto.socket_path(self.directory) if self._mosquitto is not None else None
        return own or (self.host, self.port)

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    async def start(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Start and wait until it listens. Raises PortInUse or BrokerDown."""
        if is_port_open(self.port, self.host):
            raise PortInUse("broker", self.port, "broker.port")
        await self._start_once()
        self._supervisor = asyncio.create_task(self._supervise(say), name="broker supervisor")

    async def run(self) -> None:
        """Raise what ended the supervision, which goes on as long as the hub does."""
        assert self._supervisor is not None
        await asyncio.shield(self._supervisor)

    def heed(self, is_reached: Callable[[], bool]) -> None:
        """End a broker that `is_reached` no longer although its process runs, and start another."""
        self._is_reached = is_reached

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)  # `run` told it
            self._supervisor = None
        if self._child is not None:
            await self._child.stop()

    async def show_new_certificate(self) -> None:
        """Take up a renewed certificate; only the embedded broker drops its connections for it."""
        if self._child is None or not self._child.is_running:
            return
        if self._mosquitto is not None:
            self._child.hang_up()
        else:
            await self._child.stop()  # the supervisor starts it again

    async def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Let these accounts in and no others; who is connected with an old password is put out.

        Mosquitto leaves all others alone; the embedded broker has to be started again. Raises
        OSError when they can't be written down: Mosquitto goes on with the old ones.
        """
        if dict(passwords) == self._told_passwords:
            return
        self._passwords = dict(passwords)
        if self._child is None or not self._child.is_running:
            return  # read when it starts
        if self._mosquitto is not None:
            self._write_accounts()
            self._child.hang_up()
            self._told_passwords = dict(passwords)
        else:
            await self._child.stop()  # the supervisor starts it again

    def _argv(self) -> list[str]:
        """Write the configuration and return the command line that uses it."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Its capacity follows from all that may ever have an account.
        self._most_nodes = max(self._most_nodes, len(self._passwords) + len(self._guests))
        listener = Listener(self.listen, self.port, self.tls, self._most_nodes)
        if self._mosquitto is None:
            path = self.directory / "embedded.toml"
            _write_secret(path, embedded.embedded_conf(listener, self._all_passwords()))
            return [sys.executable, "-c", embedded.PROGRAM, str(path)]
        self._write_accounts()
        path = self.directory / "mosquitto.conf"
        own = mosquitto.socket_path(self.directory)
        if own is not None:
            own.unlink(missing_ok=True)
        # Started by root, Mosquitto would change to an account that cannot read this directory.
        user = "root" if os.geteuid() == 0 else None
        conf = mosquitto.mosquitto_conf(self.directory, listener, user)
        path.write_text(conf, encoding="utf-8")
        return [self._mosquitto, "-c", str(path)]

    def _write_accounts(self) -> None:
        words = self._all_passwords()
        lines = [mosquitto.password_line(user, word) for user, word in words.items()]
        _write_secret(self.directory / "passwords", "\n".join(lines) + "\n")
        access = mosquitto.access_list(self._hub_users(), self._guests)
        _write_secret(self.directory / "access", access)

    def _all_passwords(self) -> dict[str, str]:
        return self._passwords | {guest.name: guest.password for guest in self._guests}

    def _hub_users(self) -> Iterable[str]:
        return [user for user in self._passwords if user.split(".")[0] == HUB_USER]

    async def _start_once(self) -> None:
        told = self._passwords
        child = Child("broker", self._argv(), log_path=self.directory / "broker.log")
        await child.start()
        self._child = child
        self._told_passwords = told
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while not is_port_open(self.port, self.host):
            if not child.is_running or asyncio.get_running_loop().time() > deadline:
                await child.stop()
                tail = child.log_tail(5)
                raise BrokerDown(f"{self.kind} did not start; its log ends:\n{tail}")
            await asyncio.sleep(0.02)  # a broker tells nobody that it listens; soon over

    async def _supervise(self, say: Callable[[str], None]) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            assert self._child is not None
            started_s = asyncio.get_running_loop().time()
            end = await self._watch(self._child)
            if asyncio.get_running_loop().time() - started_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self.restarts += 1
            pause_s = await self._start_again(f"broker {end}", pause_s, say)

    async def _start_again(self, why: str, pause_s: float, say: Callable[[str], None]) -> float:
        """Try until it runs, a full disk or not; return the pause should it end soon again."""
        said = ""
        while True:
            if why != said:  # a log must not fill the rest of a full disk
                say(f"{why}; starting it again in {pause_s:g} s")
            said = why
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            try:
                await self._start_once()
                return pause_s
            except (BrokerDown, OSError) as problem:
                why = f"the broker cannot be started: {problem}"

    async def _watch(self, child: Child) -> str:
        """Return once the process has ended, or hangs and was ended; say which of them.

        One that was never reached is left alone: it would be no better for being started again.
        """
        ended = asyncio.create_task(child.wait())
        was_reached, missed = False, 0
        try:
            while missed < MOST_LOOKS:
                await asyncio.wait({ended}, timeout=LOOK_S)
                if ended.done():
                    return f"ended with code {ended.result()}"
                is_reached = self._is_reached()
                was_reached = was_reached or is_reached
                missed = 0 if is_reached or not was_reached else missed + 1
            await child.stop(timeout_s=1.0)
            return "runs but does not answer, so it was ended"
        finally:
            ended.cancel()
