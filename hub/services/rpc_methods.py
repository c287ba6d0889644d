"""Which questions a wallet may ask the chain, and in which form: a method's parameters enter.

A list of what is allowed, so that whatever a node may be able to do beside it stays shut: time
travel, mining, debugging, accounts of the node's own, filters and subscriptions that take its
memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

MAX_RAW_BYTES = 8_192  # a signed order has a quarter of a thousand
MAX_CALL_BYTES = 4_096
MAX_GAS = 5_000_000  # the dearest call of a peer takes a tenth
MAX_LOG_BLOCKS = 2_000
MAX_FEE_BLOCKS = 64
TAGS = ("latest", "pending", "earliest", "safe", "finalized")

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_HASH = re.compile("0x[0-9a-fA-F]{64}")
_BYTES = re.compile("0x(?:[0-9a-fA-F]{2})*")
_CALL_MEMBERS = {
    "from", "to", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "data",
    "input", "nonce", "type", "chainId", "accessList",
}  # fmt: skip
_QUANTITIES = ("gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "nonce", "type",
               "chainId")  # fmt: skip


class BadParams(Exception):
    """The parameters are not what the method takes here; the argument says which."""


class Limits:
    """What the site's contract is; checks are methods because some depend on it."""

    def __init__(self, contract: str) -> None:
        self._contract = contract.lower()

    def check(self, method: str, params: Sequence[Any]) -> None:
        """Raise BadParams unless an allowed method may be asked with these parameters."""
        least, check = _METHODS[method]
        most = check.__code__.co_argcount - 1 if check is not None else 0
        if not least <= len(params) <= most:
            raise BadParams(f"{method} takes {least} to {most} parameters")
        if check is not None:
            check(self, *params)

    def block(self, tag: Any = "latest") -> None:
        if tag not in TAGS and not _is(_QUANTITY, tag):
            raise BadParams("a block is a number in hexadecimal or one of " + ", ".join(TAGS))

    def account(self, address: Any, tag: Any = "latest") -> None:
        if not _is(_ADDRESS, address):
            raise BadParams("an address has 0x and 40 hexadecimal digits")
        self.block(tag)

    def block_at(self, tag: Any, is_full: Any = False) -> None:
        self.block(tag)
        if not isinstance(is_full, bool):
            raise BadParams("whether transactions are wanted whole is true or false")

    def block_of(self, block_hash: Any, is_full: Any = False) -> None:
        self.hash(block_hash)
        self.block_at("latest", is_full)

    def hash(self, value: Any) -> None:
        if not _is(_HASH, value):
            raise BadParams("a hash has 0x and 64 hexadecimal digits")

    def raw(self, transaction: Any) -> None:
        if not _is(_BYTES, transaction) or not 2 < len(transaction) <= 2 + 2 * MAX_RAW_BYTES:
            raise BadParams(f"a signed transaction is 0x and at most {MAX_RAW_BYTES} bytes in hex")

    def call(self, call: Any, tag: Any = "latest") -> None:
        """Calls reach the site's contract; anything else could keep the node busy for seconds."""
        self.block(tag)
        if not isinstance(call, dict) or not set(call) <= _CALL_MEMBERS:
            raise BadParams("a call has " + ", ".join(sorted(_CALL_MEMBERS)) + ", nothing else")
        to: Any = call.get("to")
        data: Any = call.get("data", call.get("input", "0x"))
        if "data" in call and "input" in call and call["data"] != call["input"]:
            raise BadParams("data and input differ")
        self.account(to)
        if "from" in call:
            self.account(call["from"])
        if not _is(_BYTES, data) or len(data) > 2 + 2 * MAX_CALL_BYTES:
            raise BadParams(f"data is 0x and at most {MAX_CALL_BYTES} bytes in hex")
        if data != "0x" and to.lower() != self._contract:
            raise BadParams(f"only the site's contract {self._contract} can be called here")
        for name in _QUANTITIES:
            if name in call and not _is(_QUANTITY, call[name]):
                raise BadParams(f"{name} is a number in hexadecimal")
        if int(call.get("gas", "0x0"), 16) > MAX_GAS:
            raise BadParams(f"gas is at most {MAX_GAS:#x}")
        if call.get("accessList", []) != []:
            raise BadParams("accessList is empty here")

    def logs(self, wanted: Any) -> None:
        """Logs of the contract, of one block or of a bounded span of numbers."""
        members = {"address", "topics", "fromBlock", "toBlock", "blockHash"}
        if not isinstance(wanted, dict) or not set(wanted) <= members:
            raise BadParams("logs are asked for by " + ", ".join(sorted(members)))
        address = wanted.get("address")
        if not _is(_ADDRESS, address) or str(address).lower() != self._contract:
            raise BadParams(f"logs are those of the site's contract {self._contract}")
        _check_topics(wanted.get("topics", []))
        if "blockHash" in wanted:
            self.hash(wanted["blockHash"])
            if "fromBlock" in wanted or "toBlock" in wanted:
                raise BadParams("blockHash stands without fromBlock and toBlock")
            return
        span = [wanted.get(name) for name in ("fromBlock", "toBlock")]
        if not all(_is(_QUANTITY, one) for one in span):
            raise BadParams("fromBlock and toBlock are numbers in hexadecimal")
        first, last = (int(str(one), 16) for one in span)
        if not 0 <= last - first < MAX_LOG_BLOCKS:
            raise BadParams(f"fromBlock to toBlock are at most {MAX_LOG_BLOCKS} blocks")

    def fees(self, count: Any, newest: Any, percentiles: Any = None) -> None:
        number = int(count, 16) if _is(_QUANTITY, count) else count
        if isinstance(number, bool) or not isinstance(number, int):
            raise BadParams("how many blocks is a number")
        if not 1 <= number <= MAX_FEE_BLOCKS:
            raise BadParams(f"fees are told of at most {MAX_FEE_BLOCKS} blocks")
        self.block(newest)
        if percentiles is not None and not _are_percentiles(percentiles):
            raise BadParams("percentiles are at most 16 numbers from 0 to 100")


_METHODS: dict[str, tuple[int, Callable[..., None] | None]] = {
    "eth_chainId": (0, None),
    "eth_blockNumber": (0, None),
    "eth_gasPrice": (0, None),
    "eth_maxPriorityFeePerGas": (0, None),
    "eth_syncing": (0, None),
    "net_version": (0, None),
    "net_listening": (0, None),
    "web3_clientVersion": (0, None),
    "eth_feeHistory": (2, Limits.fees),
    "eth_getBalance": (1, Limits.account),
    "eth_getTransactionCount": (1, Limits.account),
    "eth_getCode": (1, Limits.account),
    "eth_getBlockByNumber": (1, Limits.block_at),
    "eth_getBlockByHash": (1, Limits.block_of),
    "eth_getTransactionByHash": (1, Limits.hash),
    "eth_getTransactionReceipt": (1, Limits.hash),
    "eth_getLogs": (1, Limits.logs),
    "eth_call": (1, Limits.call),
    "eth_estimateGas": (1, Limits.call),
    "eth_sendRawTransaction": (1, Limits.raw),
}
ALLOWED = frozenset(_METHODS)


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _check_topics(topics: Any) -> None:
    """At most four places, each null, a hash, or up to 16 hashes to choose from."""
    places = topics if isinstance(topics, list) else [""]
    for place in places:
        choice = place if isinstance(place, list) else [place]
        if len(choice) > 16 or not all(one is None or _is(_HASH, one) for one in choice):
            raise BadParams("a topic is null, a hash, or a list of at most 16 hashes")
    if len(places) > 4:
        raise BadParams("there are at most 4 topics")


def _are_percentiles(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= 16
        and all(
            isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 100
            for one in values
        )
    )
