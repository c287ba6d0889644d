"""Names and Python values enter and leave; between them stands the contract's ABI encoding.

Built on eth_abi. Names are those of the contract in snake case.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak, to_checksum_address, to_hex

from hub.chain.artefact import load_artefact
from hub.chain.records import ChainEvent

SELECTOR_BYTES = 4
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


def _type_text(parameter: dict[str, Any]) -> str:
    """Return the canonical type, a struct as the tuple of its members' types."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(_type_text(member) for member in parameter["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def _value(parameter: dict[str, Any], value: Any) -> Any:
    """Turn one decoded value into a plain Python one, a struct into a dict."""
    if parameter["type"] == "tuple":
        return _by_name(parameter["components"], value)
    if parameter["type"] == "address":
        return to_checksum_address(value)
    if isinstance(value, bytes):
        if parameter["name"] == "nodeId":
            return value.rstrip(b"\0").decode("ascii", "replace")
        return to_hex(value)
    return value


def _by_name(parameters: Sequence[dict[str, Any]], values: Sequence[Any]) -> dict[str, Any]:
    return {
        snake_case(parameter["name"]): _value(parameter, value)
        for parameter, value in zip(parameters, values, strict=True)
    }


def _decode(parameters: Sequence[dict[str, Any]], body: bytes) -> dict[str, Any]:
    return _by_name(parameters, decode([_type_text(parameter) for parameter in parameters], body))


@dataclass(frozen=True)
class ContractAbi:
    """The contract's functions by snake-case name, its events by topic, its errors by selector."""

    functions: dict[str, dict[str, Any]]
    events: dict[bytes, dict[str, Any]]
    errors: dict[bytes, dict[str, Any]]
    constructor: dict[str, Any]

    def encode_call(self, function: str, args: Sequence[Any]) -> bytes:
        """Return the calldata of a call. Raises eth_abi's EncodingError for wrong values."""
        entry = self.functions[function]
        types = [_type_text(parameter) for parameter in entry["inputs"]]
        return _digest(entry)[:SELECTOR_BYTES] + encode(types, list(args))

    def encode_constructor(self, args: Sequence[Any]) -> bytes:
        """Return what follows the bytecode when the contract is deployed."""
        return encode([_type_text(one) for one in self.constructor["inputs"]], list(args))

    def decode_output(self, function: str, body: bytes) -> dict[str, Any]:
        """Return what a view returned by name; a single unnamed value, if a struct, its members."""
        values = _decode(self.functions[function]["outputs"], body)
        return values[""] if isinstance(values.get(""), dict) else values

    def decode_log(self, log: dict[str, Any]) -> ChainEvent | None:
        """Turn a JSON-RPC log into an event; None when the ABI does not know it."""
        topics = [bytes.fromhex(topic.removeprefix("0x")) for topic in log["topics"]]
        entry = self.events.get(topics[0]) if topics else None
        if entry is None:
            return None
        args: dict[str, Any] = {}
        indexed = [one for one in entry["inputs"] if one["indexed"]]
        for parameter, topic in zip(indexed, topics[1:], strict=True):
            args.update(_decode([parameter], topic))
        plain = [one for one in entry["inputs"] if not one["indexed"]]
        args.update(_decode(plain, bytes.fromhex(log["data"].removeprefix("0x"))))
        args.update(args.pop("terms", {}))
        return ChainEvent(
            name=entry["name"],
            args=args,
            block_number=int(log["blockNumber"], 16),
            block_hash=log["blockHash"],
            transaction_hash=log["transactionHash"],
            log_index=int(log["logIndex"], 16),
        )

    def decode_error(self, revert: bytes) -> tuple[str, dict[str, Any]] | None:
        """Return name and parameters of the error in revert bytes; None when it is unknown."""
        entry = self.errors.get(revert[:SELECTOR_BYTES])
        if entry is None:
            return None
        try:
            return entry["name"], _decode(entry["inputs"], revert[SELECTOR_BYTES:])
        except DecodingError:
            return None


def _digest(entry: dict[str, Any]) -> bytes:
    """Return the Keccak hash of a signature: an event's topic; its start is a selector."""
    types = ",".join(_type_text(parameter) for parameter in entry["inputs"])
    return keccak(text=f"{entry['name']}({types})")


# What Solidity itself reverts with, in the form of an ABI.
_BUILT_IN_ERRORS: list[dict[str, Any]] = [
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


@functools.cache
def market_abi() -> ContractAbi:
    """Return the ABI of the committed artefact."""
    entries = load_artefact().abi
    errors = [one for one in entries if one["type"] == "error"] + _BUILT_IN_ERRORS
    return ContractAbi(
        functions={snake_case(one["name"]): one for one in entries if one["type"] == "function"},
        events={_digest(one): one for one in entries if one["type"] == "event"},
        errors={_digest(one)[:SELECTOR_BYTES]: one for one in errors},
        constructor=next(one for one in entries if one["type"] == "constructor"),
    )
