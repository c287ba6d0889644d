"""Names and Python values enter and leave; between them stands web3's contract.

Names are those of the contract in snake case, addresses are checksummed, a node id is the node's
name, other bytes are 0x and hex digits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_typing import HexStr
from eth_utils import to_hex
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import Web3Exception
from web3.types import LogReceipt

from hub.chain.artefact import load_artefact
from hub.chain.records import ChainEvent

_NODE_ID_BYTES = 32


def snake_case(name: str) -> str:
    """Return `priceGweiPerKwh` as `price_gwei_per_kwh`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name).lstrip("_")


def encode_node_id(node: str) -> bytes:
    """Return a node's name as bytes32: ASCII, padded with zeros. Raises ValueError if too long."""
    encoded = node.encode("ascii")
    if len(encoded) > _NODE_ID_BYTES:
        raise ValueError(f"node name {node!r} is longer than {_NODE_ID_BYTES} characters")
    return encoded.ljust(_NODE_ID_BYTES, b"\0")


def _plain(name: str, value: Any) -> Any:
    """Turn one decoded value into a plain Python one, a struct into a dict."""
    if isinstance(value, Mapping):
        return plain_values(value)
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("ascii", "replace") if name == "nodeId" else to_hex(value)
    return value


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return decoded values by their names in snake case."""
    return {snake_case(name): _plain(name, value) for name, value in values.items()}


class MarketAbi:
    """What web3 makes of the committed artefact: calls, events, errors."""

    def __init__(self, artefact_abi: Sequence[dict[str, Any]]) -> None:
        self.contract = Web3().eth.contract(abi=artefact_abi)
        events = self.contract.all_events()
        self._events = {bytes.fromhex(one.topic[2:]): one for one in events}
        self.functions = {
            snake_case(one["name"]): one for one in artefact_abi if one["type"] == "function"
        }
        errors = [one for one in artefact_abi if one["type"] == "error"] + _BUILT_IN_ERRORS
        # web3 decodes what calls carry but not errors, which are encoded just like them.
        self._errors = Web3().eth.contract(abi=[{**one, **_AS_FUNCTION} for one in errors])

    def topic(self, event: str) -> HexStr:
        """Return the first topic of an event's logs."""
        return HexStr(self.contract.events[event]().topic)

    def encode_call(self, function: str, args: Sequence[Any]) -> HexStr:
        """Return the calldata of a call by snake-case name."""
        return HexStr(self.contract.encode_abi(self.functions[function]["name"], list(args)))

    def call(self, bound: Contract, function: str, args: Sequence[Any]) -> dict[str, Any]:
        """Ask a view of a contract on a chain; return its values, or its one struct's members.

        One value without a name is called `value`.
        """
        entry = self.functions[function]
        values, outputs = bound.functions[entry["name"]](*args).call(), entry["outputs"]
        if len(outputs) == 1 and outputs[0]["type"] != "tuple":
            return plain_values({"value": values})
        if len(outputs) == 1:
            outputs = outputs[0]["components"]
        names = (one["name"] for one in outputs)
        return plain_values(dict(zip(names, values, strict=True)))

    def decode_log(self, log: LogReceipt) -> ChainEvent | None:
        """Turn a log into an event; None when the ABI does not know it."""
        kind = self._events.get(bytes(log["topics"][0])) if log["topics"] else None
        if kind is None:
            return None
        found = kind.process_log(log)
        args = plain_values(found["args"])
        args.update(args.pop("terms", {}))
        return ChainEvent(
            name=found["event"],
            args=args,
            block_number=found["blockNumber"],
            block_hash=to_hex(found["blockHash"]),
            transaction_hash=to_hex(found["transactionHash"]),
            log_index=found["logIndex"],
        )

    def decode_error(self, revert: bytes) -> tuple[str, dict[str, Any]] | None:
        """Return name and parameters of the error in revert bytes; None when it is unknown."""
        try:
            kind, values = self._errors.decode_function_input(revert)
        except (Web3Exception, DecodingError):
            return None
        return kind.fn_name, plain_values(values)


_AS_FUNCTION = {"type": "function", "outputs": [], "stateMutability": "pure"}
# What Solidity itself reverts with, in the form of an ABI.
_BUILT_IN_ERRORS: list[dict[str, Any]] = [
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


@functools.cache
def market_abi() -> MarketAbi:
    """Return the ABI of the committed artefact."""
    return MarketAbi(load_artefact().abi)
