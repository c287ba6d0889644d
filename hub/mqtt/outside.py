"""A broker that others run, or a cluster: its URL enters; what the hub's own broker offers leaves.

The hub starts nothing here and cannot change who has an account. It says what is wrong when it
cannot connect.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hub.errors import BrokerDown

SCHEMES = {"mqtt": 1883, "mqtts": 8883}
PROBE_TIMEOUT_S = 5.0


def place_of(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is spoken. Raises ValueError for what is no such URL."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError(url)
    return parts.hostname, parts.port or SCHEMES[parts.scheme], parts.scheme == "mqtts"


class OutsideBroker:
    """Has the interface of hub.mqtt.broker.Broker. `authority`: PEM of who signed for it."""

    kind = "outside"
    pid: int | None = None
    is_running = True
    has_own_accounts = False
    restarts = 0

    def __init__(self, url: str, authority: Path | None) -> None:
        self.host, self.port, self._has_tls = place_of(url)
        self.authority = authority

    @property
    def sentence(self) -> str:
        """Say whose it is, and what the hub cannot do."""
        how = "TLS" if self._has_tls else "plain MQTT (no TLS)"
        return (
            f"broker {self.host}:{self.port} with {how} is run by others: the hub starts none; "
            "accounts, access lists and limits are theirs, and revoking a node there is, too"
        )

    @property
    def hub_address(self) -> tuple[str, int] | Path:
        return self.host, self.port

    async def start(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Look whether it can be reached. Raises BrokerDown with the reason."""
        reason = await asyncio.to_thread(self._why_not)
        if reason is not None:
            raise BrokerDown(f"broker.url {self.host}:{self.port}: {reason}")

    async def run(self) -> None:
        """Wait for ever: whoever runs it looks after it."""
        await asyncio.Event().wait()

    def heed(self, is_reached: Callable[[], bool]) -> None:
        """Do nothing: whoever runs it looks after it."""

    async def stop(self) -> None:
        """It is not the hub's to end."""

    async def show_new_certificate(self) -> None:
        """It shows its own."""

    async def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Its accounts are not the hub's; wire keys that are void count nowhere all the same."""

    def _why_not(self) -> str | None:
        """Return why it cannot be reached, None when it can."""
        try:
            with socket.create_connection((self.host, self.port), PROBE_TIMEOUT_S) as plain:
                if not self._has_tls:
                    return None
                cafile = str(self.authority) if self.authority else None
                context = ssl.create_default_context(cafile=cafile)
                with context.wrap_socket(plain, server_hostname=self.host):
                    return None
        except ssl.SSLCertVerificationError as problem:
            return f"its certificate is refused: {problem.verify_message}" + _remedy(problem)
        except OSError as problem:
            return str(problem.strerror or problem)


def _remedy(problem: ssl.SSLCertVerificationError) -> str:
    """Say what to do about the commonest reasons (openssl-verification-options(1))."""
    expired, not_yet, unknown = (10,), (9,), (18, 19, 20, 21)
    if problem.verify_code in expired:
        return "; whoever runs the broker has to renew it, or this machine's clock is ahead"
    if problem.verify_code in not_yet:
        return "; this machine's clock is behind: timedatectl"
    if problem.verify_code in unknown:
        return "; broker.authority must be the PEM file of who signed it"
    return ""
