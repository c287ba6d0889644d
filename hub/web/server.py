"""Serves the page from a thread of the hub, on loopback only until peers have accounts."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from hub.config import SiteConfig
from hub.errors import PortInUse
from hub.services.market import MarketService
from hub.web import create_app
from hub.web.parts import NOTHING_BESIDES, PageParts

HOST = "127.0.0.1"
THREADS = 8  # an order waits for the chain in one of them; tabs ask each second
CONNECTIONS = 200
MAX_BODY_BYTES = 65_536  # of any request; each kind has a lower limit of its own
STOP_TIMEOUT_S = 8.0


class PageServer:
    """The page's server: `start()`, then `url`, then `stop()`; once each."""

    def __init__(
        self,
        service: MarketService,
        config: SiteConfig,
        port: int | None = None,
        parts: PageParts = NOTHING_BESIDES,
    ) -> None:
        """`port` replaces the configured one; 0 takes a free one."""
        self._app = create_app(service, config, parts=parts)
        self._wanted_port = config.page.port if port is None else port
        self._connections: dict[int, Any] = {}  # waitress's own map, kept to close it whole
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self.port = 0  # known once started

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Listen and serve in a thread. Raises PortInUse when the port is taken."""
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self._server = create_server(
            self._app,
            map=self._connections,
            sockets=[listener],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            max_request_body_size=MAX_BODY_BYTES,  # else it keeps what is sent on disk, up to 1 GB
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, close the port and end the thread."""
        if self._server is None or self._thread is None:
            return
        # Closed from within its own loop: another thread would pull sockets from under select().
        self._server.trigger.pull_trigger(self._close)
        self._thread.join(STOP_TIMEOUT_S)
        self._server = self._thread = None

    def _close(self) -> None:
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._connections)

    def _listen(self) -> socket.socket:
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._wanted_port))
        except OSError as problem:
            listener.close()
            if problem.errno != errno.EADDRINUSE:
                raise
            raise PortInUse("page", self._wanted_port, "page.port") from None
        return listener
