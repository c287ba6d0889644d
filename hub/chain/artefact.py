"""The committed contract artefact enters, its ABI and bytecode leave."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import PartMissing

ARTEFACT_PATH = Path(__file__).parents[2] / "contracts" / "abi" / "EnergyMarket.json"


ADDRESS_BYTES = 20


@dataclass(frozen=True)
class Code:
    """`bytecode` deploys a contract or library; `deployed` is the code then at its address.

    Both have zeros where addresses of libraries are filled in: `links` and `deployed_links` say at
    which bytes.
    """

    bytecode: bytes
    deployed: bytes
    links: dict[str, list[int]]
    deployed_links: dict[str, list[int]]

    def linked(self, addresses: dict[str, bytes]) -> bytes:
        """Return what deploys the contract with libraries at these addresses."""
        code = bytearray(self.bytecode)
        for name, places in self.links.items():
            for start in places:
                code[start : start + ADDRESS_BYTES] = addresses[name]
        return bytes(code)

    def is_deployed(self, found: bytes) -> bool:
        """Tell whether code on a chain is this one, wherever its libraries are."""
        code = bytearray(found)
        for start in (one for places in self.deployed_links.values() for one in places):
            code[start : start + ADDRESS_BYTES] = bytes(ADDRESS_BYTES)
        return bytes(code) == self.deployed

    def libraries_in(self, found: bytes) -> dict[str, bytes]:
        """Return the addresses of the libraries that deployed code calls."""
        return {
            name: found[places[0] : places[0] + ADDRESS_BYTES]
            for name, places in self.deployed_links.items()
        }


@dataclass(frozen=True)
class Artefact:
    """The market's ABI and code, and the code of the libraries it calls."""

    abi: list[dict[str, Any]]
    market: Code
    libraries: dict[str, Code]


@functools.cache
def load_artefact() -> Artefact:
    """Read contracts/abi/EnergyMarket.json. Raises PartMissing when it is not there or damaged."""
    try:
        table = json.loads(ARTEFACT_PATH.read_text(encoding="utf-8"))
        return Artefact(
            abi=table["abi"],
            market=_code(table, table["links"], table["deployedLinks"]),
            libraries={
                name: _code(one, {}, one["deployedLinks"])
                for name, one in table["libraries"].items()
            },
        )
    except (OSError, ValueError, KeyError) as problem:
        raise PartMissing(
            f"{ARTEFACT_PATH} cannot be read ({problem}); "
            "run: npm ci && node tools/contracts/compile.mjs"
        ) from None


def _code(
    table: dict[str, Any], links: dict[str, list[int]], deployed_links: dict[str, list[int]]
) -> Code:
    codes = [bytes.fromhex(table[name][2:]) for name in ("bytecode", "deployedBytecode")]
    return Code(codes[0], codes[1], links, deployed_links)
