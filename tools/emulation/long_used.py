"""What a board keeps in flash after months of deliveries: full, where a new board's is empty."""

from __future__ import annotations

import tempfile
from pathlib import Path

from node.finals import KEPT, Finals
from node.registers import NAMES, PICO_PER_MICRO_HOUR, Registers
from node.slots import Slots

ENERGY_UWH = 3_000_000_000_000  # 3 MWh: beyond what MicroPython keeps without an object of its own
DELIVERED_UWH = 2_000_000_000


def long_used_files() -> dict[str, bytes]:
    """Return files of such a board: registers, and as many ended deliveries as it remembers."""
    with tempfile.TemporaryDirectory(prefix="trueque-emulated-") as name:
        registers = Registers()
        for each in NAMES:
            registers.add(each, PICO_PER_MICRO_HOUR, ENERGY_UWH)
        Slots(f"{name}/registers").save(registers.to_bytes())
        finals = Finals(Slots(f"{name}/finals"))
        for number in range(KEPT):
            delivery_id = f"{number + 1:032x}"[::-1]
            finals.add(
                {
                    "delivery_id": delivery_id,
                    "role": "seller",
                    "phase": "final",
                    "energy_uwh": DELIVERED_UWH,
                    "counterparty_uwh": DELIVERED_UWH,
                    "elapsed_ms": 3_600_000,
                    "register_uwh": ENERGY_UWH,
                    "reason": "energy_reached",
                }
            )
            finals.acknowledge(delivery_id)
            finals.acknowledge_signature(delivery_id)
        finals.save()
        return {path.name: path.read_bytes() for path in Path(name).iterdir()}
