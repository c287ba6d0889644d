"""A virtual board for measurements: its bench front ends in, its firmware's readings out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from node.sensors.ina226 import Ina226
from node.settings import Settings, SettingsError

from hub.errors import BadInput, TruequeError
from tools.bench.frontend import MAINS_HZ
from tools.bench.house import House, Wiring
from tools.bench.ina226 import BUS, CONFIG, SHUNT
from tools.bench.profile import profile_of_house
from tools.board.calibration import Channel

FIRMWARE = Path(__file__).parents[2] / "firmware" / "pico"
SCRIPT = Path(__file__).parent / "on_board.py"
RATE_HZ = 8_000
CHANNELS = 3
MEASURE_S = 2.0
PADS = 0b111
BRANCH_V = 12.0
"""Across a branch while a known current is applied to its shunt."""


class VirtualBoard:
    """One house's board on a test bench, its firmware run by MicroPython, not in real time.

    The house is that of the virtual bench: the same converter and front ends, drawn by its name.
    Use as a context manager.
    """

    def __init__(self, directory: Path, *, house: House | None = None) -> None:
        """`directory`: the board's flash, named like its node, with its settings.json."""
        self._path = directory / "settings.json"
        self.settings = _read_settings(self._path)
        self.name = str(self.settings.get("node", directory.name))
        self.house = house or _house(self.name, self.settings)
        self.rate_hz = RATE_HZ
        self.now_s = 0.0
        self.mains_hz = MAINS_HZ
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> VirtualBoard:
        for part in self.house.meters.values():
            part.write(
                CONFIG, Ina226.configuration, self.now_s
            )  # as the firmware does at its start
        self._process = subprocess.Popen(
            [sys.executable, "-m", "micropython_unix", "-X", "heapsize=2M", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen"),
        )
        return self

    def __exit__(self, *problem: object) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def apply(self, channel: Channel, value: float) -> float:
        """Apply a known input to a channel or branch; the bench's reference is exact."""
        if channel.is_on_i2c:
            self.house.traces[channel.name].note(self.now_s, BRANCH_V, value)
        else:
            self.house.applied[int(channel.name[-1])] = value
        return value

    def measure(
        self, calibration: Mapping[str, Any], duration_s: float = MEASURE_S
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return what each quantity reads with `calibration` (see BoardUnderTest)."""
        settings = {**self.settings, "calibration": dict(calibration)}
        frames, i2c = self._sample(duration_s)
        return self._ask("measure", frames, settings=settings, i2c=i2c)

    def begin_metering(self) -> None:
        """Build the meters of the house by the board's settings, registers at 0."""
        self._ask("begin", b"", settings=self.settings)

    def meter(self, duration_s: float) -> Mapping[str, Mapping[str, int]]:
        """Meter for so long; return {"registers", "integrals_uwh"} since `begin_metering`."""
        frames, i2c = self._sample(duration_s)
        return self._ask("meter", frames, i2c=i2c[-1:])

    def _ask(self, what: str, frames: bytes, **members: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "what": what,
            "i2c": [],
            "rate_mhz": RATE_HZ * 1000,
            "frames": len(frames) // (2 * CHANNELS),
            **members,
        }
        assert self._process is not None and self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n" + frames)
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as problem:
            raise TruequeError(f"{self.name}: its firmware ended while measuring") from problem
        return answer

    def save(self, calibration: Mapping[str, Any]) -> None:
        """Write the calibration into settings.json, in one step and for its owner only."""
        self.settings["calibration"] = dict(calibration)
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(self.settings, indent=1))
        os.replace(fresh, self._path)

    def _sample(self, duration_s: float) -> tuple[bytes, list[dict[int, dict[int, int]]]]:
        """Return the next `duration_s`, block by block as the board gets them.

        Codes, and {address: {register: value}} of the parts on I2C at each block's end.
        """
        parts = []
        i2c = []
        block = RATE_HZ // 10 * CHANNELS
        for _ in range(round(duration_s * 10)):
            at_s = self.now_s + np.arange(1, block + 1) / (RATE_HZ * CHANNELS)
            # The front ends' mains is one of 50 Hz: any other is it, sooner or later.
            front_s = at_s * (self.mains_hz / MAINS_HZ)
            parts.append(self.house.sample([0, 1, 2], front_s, PADS).astype("<u2").tobytes())
            self.now_s = float(at_s[-1])
            i2c.append(self._i2c_registers())
        return b"".join(parts), i2c

    def _i2c_registers(self) -> dict[int, dict[int, int]]:
        return {
            address: {register: part.read(register, self.now_s) for register in (SHUNT, BUS)}
            for address, part in self.house.meters.items()
        }


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise BadInput(f"{path}: not JSON: {problem}") from problem
    try:
        Settings(settings)
    except SettingsError as problem:
        raise BadInput(f"{path}: {problem}") from problem
    assert isinstance(settings, dict)
    return settings


def _house(name: str, settings: Mapping[str, Any]) -> House:
    number = name.rpartition("-")[2]
    profile = profile_of_house(int(number) if number.isdecimal() else 1)
    return House(name, profile, Wiring.of_settings(settings))
