"""JSON-RPC over HTTP: a method and parameters enter, its result leaves, or a typed error.

No library's middleware stands between, because the shape of a node's errors matters here.
"""

from __future__ import annotations

import itertools
import threading
from typing import Any

import requests

from hub.chain.records import ChainUnavailable


class RpcRefused(ChainUnavailable):
    """The node answered a request with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        self.code = error.get("code")
        self.message = str(error.get("message", ""))
        self.detail = error.get("data")
        super().__init__(f"the chain refused {method}: {self.message}")

    @property
    def revert(self) -> bytes | None:
        """The bytes a contract reverted with, None when the error is another one.

        Ganache puts them into `data` as text; others wrap them once more.
        """
        detail = self.detail.get("data") if isinstance(self.detail, dict) else self.detail
        if not isinstance(detail, str) or not detail.startswith("0x"):
            return b"" if "revert" in self.message else None
        return bytes.fromhex(detail[2:])


class ConnectionLost(ChainUnavailable):
    """No answer: the node may or may not have seen the request."""


class Rpc:
    """A node's JSON-RPC endpoint; safe to share between threads."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._per_thread = threading.local()

    def request(self, method: str, *params: Any) -> Any:
        """Return the result. Raises RpcRefused or ConnectionLost."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            response = self._session().post(self.url, json=body, timeout=self._timeout_s)
            answer = response.json()
        except (requests.RequestException, ValueError) as problem:
            raise ConnectionLost(
                f"no answer from the chain at {self.url} ({type(problem).__name__})"
            ) from problem
        if "error" in answer:
            raise RpcRefused(method, answer["error"])
        return answer["result"]

    def integer(self, method: str, *params: Any) -> int:
        """Return a result that is a hexadecimal quantity."""
        return int(self.request(method, *params), 16)

    def block(self, which: int | str) -> dict[str, Any] | None:
        """Return a block's header by number or tag, None when there is none."""
        tag = hex(which) if isinstance(which, int) else which
        found: dict[str, Any] | None = self.request("eth_getBlockByNumber", tag, False)
        return found

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._per_thread, "session", None)
        if session is None:
            session = self._per_thread.session = requests.Session()
            # The node is on this machine or in the site's own settings: no proxy from outside.
            session.trust_env = False
        return session
