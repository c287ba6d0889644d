"""A wallet's way to the chain: the bytes of a JSON-RPC request enter, an answer always leaves.

The node's own RPC is root on a dev chain and is reachable for the hub alone. What wallets need of
it passes through here: one request at a time, of a list of methods, with checked parameters, at a
bounded rate. Nothing that is sent can raise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from hub import strange_json
from hub.chain.records import ChainUnavailable
from hub.chain.rpc import RpcRefused
from hub.services.rates import Rates
from hub.services.rpc_methods import ALLOWED, BadParams, Limits
from hub.strange_json import StrangeJson

MAX_BODY_BYTES = 24_576  # a signed transaction of the largest size in hex, and its wrapping
AT_ONCE = 3  # of the page's threads; the others stay free while the chain is slow
RATE_PER_S, BURST = 20, 100  # of one address
ALL_RATE_PER_S, ALL_BURST = 60, 300

PARSE_ERROR, INVALID_REQUEST, NO_METHOD, BAD_PARAMS = -32700, -32600, -32601, -32602
NODE_ERROR, UNAVAILABLE, LIMIT_EXCEEDED = -32000, -32002, -32005  # EIP-1474

# Asked of the node these would tell of its own accounts.
_OWN_ANSWERS: dict[str, Any] = {"eth_accounts": []}


class Node(Protocol):
    """What answers: hub.chain.rpc.Questions."""

    def ask(self, method: str, params: list[Any]) -> Any:
        """Return a result. Raises RpcRefused or ChainUnavailable."""


class WalletRpc:
    """`contract`: the address calls and logs are limited to."""

    def __init__(self, node: Node, contract: str, now_s: Callable[[], float] | None = None) -> None:
        self._node = node
        self._limits = Limits(contract)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._rates = Rates(RATE_PER_S, BURST, now_s)
        self._all_rates = Rates(ALL_RATE_PER_S, ALL_BURST, now_s)

    def answer(self, body: bytes, client: str) -> tuple[int, dict[str, Any]]:
        """Return the HTTP status and the JSON-RPC answer to a body that `client` sent."""
        if not self._rates.take(client) or not self._all_rates.take(""):
            return 429, _error(None, LIMIT_EXCEEDED, "too many requests; wait a moment")
        if len(body) > MAX_BODY_BYTES:
            return 413, _error(None, INVALID_REQUEST, f"more than {MAX_BODY_BYTES} bytes")
        try:
            request = strange_json.loads(body)
        except StrangeJson:
            return 200, _error(None, PARSE_ERROR, "not JSON")
        return 200, self._answer(request)

    def _answer(self, request: Any) -> dict[str, Any]:
        if isinstance(request, list):
            return _error(None, INVALID_REQUEST, "batches are not taken; send one at a time")
        if not isinstance(request, dict):
            return _error(None, INVALID_REQUEST, "a request is a JSON object")
        number = request.get("id")
        is_good_id = number is None or (
            isinstance(number, str | int) and not isinstance(number, bool)
        )
        number = number if is_good_id and len(str(number)) <= 64 else None
        method, params = request.get("method"), request.get("params", [])
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str) or not is_good_id:
            return _error(number, INVALID_REQUEST, "not a JSON-RPC 2.0 request")
        if method in _OWN_ANSWERS:
            return {"jsonrpc": "2.0", "id": number, "result": _OWN_ANSWERS[method]}
        if method not in ALLOWED:
            return _error(number, NO_METHOD, "the hub does not pass this method on")
        if not isinstance(params, list):
            return _error(number, BAD_PARAMS, "params is a list")
        try:
            self._limits.check(method, params)
        except BadParams as problem:
            return _error(number, BAD_PARAMS, str(problem))
        return self._ask(number, method, params)

    def _ask(self, number: Any, method: str, params: list[Any]) -> dict[str, Any]:
        if not self._turns.acquire(blocking=False):
            return _error(number, LIMIT_EXCEEDED, "the chain is busy; try again")
        try:
            return {"jsonrpc": "2.0", "id": number, "result": self._node.ask(method, params)}
        except RpcRefused as problem:
            return _refused(number, problem)
        except ChainUnavailable:
            return _error(number, UNAVAILABLE, "the chain does not answer; try again")
        finally:
            self._turns.release()


def refusal(sentence: str) -> dict[str, Any]:
    """Return the answer to what is no request at all."""
    return _error(None, INVALID_REQUEST, sentence)


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def _refused(number: Any, problem: RpcRefused) -> dict[str, Any]:
    """Pass a node's refusal on: its code, its sentence, and the bytes a contract reverted with."""
    code = problem.code if isinstance(problem.code, int) else NODE_ERROR
    answer = _error(number, code, problem.message[:500])
    revert = problem.revert
    if revert:
        answer["error"]["data"] = "0x" + revert.hex()
    return answer
