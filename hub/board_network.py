"""What boards connect to: the site's ports and secrets enter; time server and broker run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from hub import certificates
from hub.admission import accounts
from hub.bridges.accounts import guests
from hub.certificates import TlsFiles
from hub.config import SiteConfig
from hub.errors import ConfigError
from hub.keys import Keys
from hub.mqtt.broker import Broker
from hub.mqtt.outside import OutsideBroker
from hub.time_server import TimeServer, is_host_synchronised

RENEWAL_S = 86_400.0


class BoardNetwork:
    """The hub's side of every board's link. `tls` is None on a site without."""

    def __init__(
        self,
        config: SiteConfig,
        keys: Keys,
        ports: Mapping[str, int],
        say: Callable[[str], None],
    ) -> None:
        self._config = config
        self._say = say
        wanted = config.broker
        self._names = wanted.names
        self.tls: TlsFiles | None = None
        self.guests = guests(config.bridges, keys.guest_password)
        self.authority: Path | None = None
        self.broker: Broker | OutsideBroker
        if wanted.url:
            self.authority = Path(wanted.authority) if wanted.tls else None
            self.broker = OutsideBroker(wanted.url, self.authority)
        else:
            if wanted.tls:
                self.tls, _ = certificates.ensure(config.tls_dir, self._names)
                self.authority = self.tls.authority
            self.broker = Broker(
                wanted.kind,
                ports["broker"],
                config.data_dir / "broker",
                accounts(keys, config.ingest.workers),
                self.tls,
                wanted.listen,
                self.guests,
            )
        if config.ingest.workers and self.broker.kind == "embedded":
            problem = (
                "ingest.workers needs Mosquitto or broker.url: the embedded broker cannot share"
            )
            raise ConfigError(str(config.data_dir / "site.toml"), [problem])
        # On a bench hub and boards share this machine's clock, whoever it follows.
        is_bench = config.site.kind == "bench"
        self.time = TimeServer(
            wanted.listen, ports["ntp"], (lambda: True) if is_bench else is_host_synchronised
        )

    async def start(self) -> None:
        """Start both; the time first: certificates have dates."""
        if self._config.ntp.serve:
            try:
                await self.time.start()
            except PermissionError:
                port = self._config.ntp.port
                problem = f"ntp.port {port} needs more rights; choose one from 1024 on"
                raise ConfigError(str(self._config.data_dir / "site.toml"), [problem]) from None
        await self.broker.start(self._say)
        self._say(self.broker.sentence)

    async def run(self) -> None:
        """Renew the broker's certificate before it ends, for ever."""
        while True:
            await asyncio.sleep(RENEWAL_S)
            try:
                await self.renew()
            except ConfigError as problem:  # boards stay connected: no reason to end the hub
                self._say(f"the broker's certificate is not looked after: {problem}")

    async def renew(self) -> None:
        """Look whether the certificate ends soon; take up a new one."""
        if self.tls is None:
            return
        _, is_new = certificates.ensure(self._config.tls_dir, self._names)
        if is_new:
            await self.broker.show_new_certificate()
            self._say("the broker's certificate is renewed")

    async def stop(self) -> None:
        await self.broker.stop()
        self.time.stop()
