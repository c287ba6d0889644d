"""A node's address enters, a Web3 on it leaves whose failures are the hub's own typed errors."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

import requests
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint, RPCResponse

from hub.chain.records import ChainUnavailable

# The node is on this machine or in the site's own settings: no proxy from outside.
_NO_PROXY = {"http": None, "https": None, "all": None}

_REVERT = re.compile(r"(?:Reverted )?0x((?:[0-9a-fA-F]{2})*)")


def shown(url: str) -> str:
    """Return a node's address without what may be secret of it: user, password and path."""
    parts = urllib.parse.urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


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

        Ganache puts them into `data` as text; others wrap them once more, or write a word before.
        """
        detail = self.detail.get("data") if isinstance(self.detail, dict) else self.detail
        found = _REVERT.fullmatch(detail) if isinstance(detail, str) else None
        if found is None:
            return b"" if "revert" in self.message else None
        return bytes.fromhex(found[1])


class ConnectionLost(ChainUnavailable):
    """No answer: the node may or may not have seen the request."""


class NodeProvider(HTTPProvider):
    """web3's provider, whose errors are told apart before web3 reads them.

    web3 7.16 tells a revert from other errors by its data or by geth's wording: of Ganache's it
    knows those with a custom error only, one without a reason or with a text it takes for an
    error of the node. Each lost connection, too, is one of several exceptions of `requests`.
    """

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Return the node's answer. Raises RpcRefused or ConnectionLost."""
        try:
            answer = super().make_request(method, params)
        except (requests.RequestException, ValueError) as problem:
            raise ConnectionLost(
                f"no answer from the chain at {shown(str(self.endpoint_uri))} "
                f"({type(problem).__name__})"
            ) from None
        error = answer.get("error")
        if error is not None:
            known = dict(error) if isinstance(error, dict) else {"message": str(error)}
            raise RpcRefused(method, known)
        return answer


class Questions:
    """Single questions to a node, its answers as they are; safe to share between threads."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._provider = _provider(url, timeout_s)

    def ask(self, method: str, params: list[Any]) -> Any:
        """Return a result. Raises RpcRefused or ConnectionLost."""
        answer = self._provider.make_request(RPCEndpoint(method), params)
        if "result" not in answer:
            raise ConnectionLost("the chain's answer is no JSON-RPC")
        return answer["result"]


def _provider(url: str, timeout_s: float) -> NodeProvider:
    return NodeProvider(
        url,
        request_kwargs={"timeout": timeout_s, "proxies": _NO_PROXY},
        # Whoever asks knows whether to ask again.
        exception_retry_configuration=None,
    )


def connect(url: str, timeout_s: float = 10.0) -> Web3:
    """Return a Web3 on the node at `url`; nothing is asked yet; safe to share between threads."""
    return Web3(_provider(url, timeout_s))
