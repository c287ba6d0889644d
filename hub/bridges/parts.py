"""What every bridge is given: views, its own place, secrets of other services, a voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.bridges.errors import BridgeDown
from hub.bridges.http import Http
from hub.bridges.views import Place, PlugLog, Views


@dataclass(frozen=True)
class BrokerAddress:
    """Where the hub's broker listens: `socket` where it has one of its own on this machine.

    `authority`: PEM of who signed for it, None without TLS.
    """

    host: str
    port: int
    authority: Path | None
    socket: Path | None = None


@dataclass(frozen=True)
class Parts:
    """Enough to read and to send, nothing to command with.

    `passwords`: of the bridges' own broker accounts. `place_of`: a bridge's place by its name.
    """

    views: Views
    place_of: Callable[[str], Place]
    plug_log: PlugLog
    secrets: Mapping[str, str]
    passwords: Mapping[str, str]
    broker: BrokerAddress | None
    state_dir: Path
    say: Callable[[str], None]
    http: Http

    def secret(self, name: str) -> str:
        """Return a key of another service. Raises BridgeDown saying where it belongs."""
        found = self.secrets.get(name)
        if not found:
            raise BridgeDown(
                f'the key is missing: write "{name}" under "bridges" in keys.json, '
                "then start the hub again"
            )
        return found
