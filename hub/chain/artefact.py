"""The committed contract artefact enters, its ABI and bytecode leave."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import PartMissing

ARTEFACT_PATH = Path(__file__).parents[2] / "contracts" / "abi" / "EnergyMarket.json"


@dataclass(frozen=True)
class Artefact:
    """`bytecode` deploys the contract; `deployed_bytecode` is the code then at its address."""

    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes


@functools.cache
def load_artefact() -> Artefact:
    """Read contracts/abi/EnergyMarket.json. Raises PartMissing when it is not there or damaged."""
    try:
        table = json.loads(ARTEFACT_PATH.read_text(encoding="utf-8"))
        return Artefact(
            abi=table["abi"],
            bytecode=bytes.fromhex(table["bytecode"].removeprefix("0x")),
            deployed_bytecode=bytes.fromhex(table["deployedBytecode"].removeprefix("0x")),
        )
    except (OSError, ValueError, KeyError) as problem:
        raise PartMissing(
            f"{ARTEFACT_PATH} cannot be read ({problem}); "
            "run: npm ci && node tools/contracts/compile.mjs"
        ) from None
