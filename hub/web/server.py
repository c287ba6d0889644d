"""Serves the page from a thread of the hub, on loopback only until peers have accounts."""

from __future__ import annotations

import errno
import threading

from waitress.server import BaseWSGIServer, create_server

from hub.config import SiteConfig
from hub.errors import PortInUse
from hub.services import MarketService
from hub.web import create_app

HOST = "127.0.0.1"
THREADS = 8  # an order waits for the chain in one of them; tabs ask each second
CONNECTIONS = 200


class PageServer:
    """The page's server: `start()`, then `url`, then `stop()`."""

    def __init__(self, service: MarketService, config: SiteConfig, port: int | None = None) -> None:
        """`port` replaces the configured one; 0 takes a free one."""
        self._app = create_app(service, config)
        self._wanted_port = config.page.port if port is None else port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the page is not started")
        return int(self._server.effective_port)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        """Listen and serve in a thread. Raises PortInUse when the port is taken."""
        try:
            self._server = create_server(
                self._app,
                host=HOST,
                port=self._wanted_port,
                threads=THREADS,
                connection_limit=CONNECTIONS,
                ident=None,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise
            raise PortInUse("page", self._wanted_port, "page.port") from None
        self._thread = threading.Thread(target=self._serve, name="page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread; does nothing when it does not run."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _serve(self) -> None:
        server = self._server
        if server is None:
            return
        try:
            server.run()
        except OSError as problem:  # closing the listener under select() is how it ends
            if problem.errno != errno.EBADF:
                raise
