"""The firmware with other numbers, and what a board's flash holds after months: for the bars."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from node.finals import KEPT, Finals
from node.registers import NAMES, PICO_PER_MICRO_HOUR, Registers
from node.slots import Slots

from tools.board.firmware_files import ARCHITECTURE, compiled, linked, source_files

ENERGY_UWH = 3_000_000_000_000  # 3 MWh: beyond what MicroPython keeps without an object of its own
DELIVERED_UWH = 2_000_000_000
SAVES = {"node/store.py": (b"SAVE_PERIOD_MS = 300_000", b"SAVE_PERIOD_MS = 1_000")}
UPTIME = {"node/clock.py": (b"self._now_ms = 0", b"self._now_ms = 8_640_000_000")}
"""A hundred days: from the thirteenth on a time in ms is beyond such a number, too."""
_WITH = {"gain_ppm": 1_000_400, "date": "2017-03-28", "reference": "multimeter, class 0.05"}
LONG_USED_SETTINGS = {
    "snapshot_period_ms": 10_000,  # often: what may hold up a signature comes up
    "update_key": "55" * 64,
    "calibration": {
        "ch0": _WITH | {"offset_micro": 900, "reference_uv": 3_299_000},
        "ch1": _WITH | {"noise_millicodes": 900, "delay_ns": 12_000},
        "ch2": _WITH | {"offset_micro": -900, "reference_uv": 3_299_000},
        "bus": _WITH | {"offset_micro": 20},
        "pv": _WITH | {"offset_micro": 20},
        "battery": _WITH | {"offset_micro": 20},
    },
}
"""Of a board that a technician has calibrated."""


def saving_often() -> dict[str, bytes]:
    """Return the firmware with its registers saved each second, not every five minutes."""
    return _with(SAVES)


def long_used() -> dict[str, bytes]:
    """Return the files of a board that saves often and has been at work for months."""
    return _with(SAVES | UPTIME) | long_used_files()


def _with(changes: Mapping[str, tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Return the firmware with other numbers in its sources, linked as a board's are.

    Once linked they have no names that anything could set.
    """
    sources = source_files()
    for name, (before, after) in changes.items():
        if before not in sources[name]:
            raise RuntimeError(f"{name} no longer says {before.decode()}")
        sources[name] = sources[name].replace(before, after)
    return compiled(linked(sources), ARCHITECTURE)


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
