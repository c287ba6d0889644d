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
SENSORS = (
    "fz0430", "fz0430-10k", "sct013-010", "sct013-000", "sct013-000-22", "zmpt101b",
    "acs712-05", "acs712-20", "acs712-30", "acs723-05", "acs723-10", "acs723-20", "acs723-40",
)  # fmt: skip
TIMEOUT_S = 600


class ReplayFailed(TruequeError):
    """The meter under MicroPython ended with an error: a fault of this project."""


def run_meter(
    recording: Recording,
    sensors: Sequence[str],
    calibration: Mapping[str, Mapping[str, int]],
    skew_us: float,
    *,
    is_corrected: bool = False,
) -> dict[str, Any]:
    """Return what `trueque meter replay --json` prints.

    `skew_us`: channel k was sampled k * skew_us after its row's time. `is_corrected`: the codes of
    an RP2040 are corrected for the spikes of erratum E11.
    """
    header = {
        "rate_mhz": recording.rate_mhz,
        "sensors": list(sensors),
        "calibration": {name: dict(members) for name, members in calibration.items()},
        "step_ns": round(skew_us * 1000),
        "is_corrected": is_corrected,
    }
    lines = _run(json.dumps(header).encode() + b"\n" + _little_endian(recording))
    summary = lines.pop()
    # Windows begin where the channel they follow crosses its level.
    shift_us = recording.start_us + round(skew_us * _followed_channel(sensors))
    return {
        "samples": recording.samples,
        "duration_us": recording.duration_us,
        "channels": _in_order(summary["channels"]),
        **_load(summary),
        "windows": [
            {
                "start_us": window["start_us"] + shift_us,
                "duration_us": window["duration_us"],
                "channels": _in_order(window["channels"]),
                **_load(window),
            }
            for window in lines
        ],
    }


def _followed_channel(sensors: Sequence[str]) -> int:
    """Return the channel the windows follow: the mains voltage, else the current, else 0."""
    for part in ("zmpt101b", "sct013"):
        for channel, name in enumerate(sensors):
            if name.startswith(part):
                return channel
    return 0


def _load(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the power of the load where both its channels are there."""
    names = ("power_uw", "apparent_uva", "power_factor_permille")
    load = line.get("load")
    return {"load": {name: load[name] for name in names if name in load}} if load else {}


def _in_order(channels: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """MicroPython's dictionaries keep no order; people read better with one."""
    names = ("sensor", "mean_uv", "mean_ua", "rms_uv", "rms_ua", "frequency_uhz", "flags")
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
