"""A recording in, the windows and the summary that the board's own meter makes of it out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.errors import TruequeError
from tools.replay.recording import Recording

FIRMWARE = Path(__file__).parents[2] / "firmware" / "pico"
SCRIPT = Path(__file__).parent / "on_board.py"
SENSORS = ("fz0430", "fz0430-10k", "sct013-010")
TIMEOUT_S = 600


class ReplayFailed(TruequeError):
    """The meter under MicroPython ended with an error: a fault of this project."""


def run_meter(
    recording: Recording,
    sensors: Sequence[str],
    calibration: Mapping[str, Mapping[str, int]],
    skew_us: int,
) -> dict[str, Any]:
    """Return what `trueque meter replay --json` prints.

    `skew_us`: channel k was sampled k * skew_us after its row's time.
    """
    header = {
        "rate_mhz": recording.rate_mhz,
        "sensors": list(sensors),
        "calibration": {name: dict(members) for name, members in calibration.items()},
    }
    lines = _run(json.dumps(header).encode() + b"\n" + _little_endian(recording))
    summary = lines.pop()
    alternating = [i for i, name in enumerate(sensors) if name.startswith("sct013")]
    # Windows begin where the alternating channel crosses its level.
    shift_us = recording.start_us + skew_us * (alternating[0] if alternating else 0)
    return {
        "samples": recording.samples,
        "duration_us": recording.duration_us,
        "channels": _in_order(summary["channels"]),
        "windows": [
            {
                "start_us": window["start_us"] + shift_us,
                "duration_us": window["duration_us"],
                "channels": _in_order(window["channels"]),
            }
            for window in lines
        ],
    }


def _in_order(channels: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """MicroPython's dictionaries keep no order; people read better with one."""
    names = ("sensor", "mean_uv", "rms_ua", "frequency_uhz", "flags")
    return {
        channel: {name: channels[channel][name] for name in names if name in channels[channel]}
        for channel in sorted(channels)
    }


def _little_endian(recording: Recording) -> bytes:
    frames = recording.frames
    if sys.byteorder == "big":
        frames = frames[:]
        frames.byteswap()
    return frames.tobytes()


def _run(stdin: bytes) -> list[dict[str, Any]]:
    environment = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", "-X", "heapsize=16M", str(SCRIPT)]
    done = subprocess.run(
        argv, input=stdin, capture_output=True, env=environment, timeout=TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()
        raise ReplayFailed("the meter failed under MicroPython: " + (last[-1] if last else "?"))
    return [json.loads(line) for line in done.stdout.splitlines()]
