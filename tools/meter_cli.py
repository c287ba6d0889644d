"""`trueque meter`: recorded ADC codes in, what the board's own meter makes of them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from node.part_checks import calibration_problems
from rich.console import Console
from rich.table import Table

from hub.errors import BadInput
from tools.replay.recording import read_recording
from tools.replay.runner import SENSORS, run_meter

CHANNELS = ("ch0", "ch1", "ch2")
DEFAULT_SENSORS = "ch0=fz0430,ch1=sct013-010,ch2=fz0430"


@click.group()
def meter() -> None:
    """Run the board's meter on recorded samples.

    Example: trueque meter replay samples.csv --json
    """


@meter.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--sensors",
    default=DEFAULT_SENSORS,
    show_default=True,
    help=f"What sits on each channel: {', '.join(SENSORS)}.",
)
@click.option(
    "--calibration",
    "calibration_path",
    type=click.Path(path_type=Path),
    help="JSON: the calibration of a board's settings.json, or the whole of that file.",
)
@click.option(
    "--skew-us",
    type=click.IntRange(0, 1_000_000),
    default=0,
    help="Channel k of a row was sampled k times this later; without it they are simultaneous.",
)
@click.option(
    "--spike-correction",
    "is_corrected",
    is_flag=True,
    help="The codes are an RP2040's as read: correct the spikes of its erratum E11.",
)
def replay(
    samples: Path,
    is_json: bool,
    sensors: str,
    calibration_path: Path | None,
    skew_us: int,
    is_corrected: bool,
) -> None:
    """Meter SAMPLES, a CSV file of ADC codes with the header t_us,ch0,ch1,ch2.

    Whole mains cycles make a window; without a mains signal windows last 200 ms. The code that
    measures is the firmware's, run by MicroPython.

    Example: trueque meter replay samples.csv --sensors ch0=fz0430-10k --json
    """
    fitted = parse_sensors(sensors)
    calibration = read_calibration(calibration_path) if calibration_path else {}
    recording = read_recording(samples)
    result = run_meter(recording, fitted, calibration, skew_us, is_corrected=is_corrected)
    if is_json:
        click.echo(json.dumps(result, indent=1))
    else:
        Console().print(*_tables(result), sep="\n")


def parse_sensors(text: str) -> list[str]:
    """Return the sensor of each channel; channels not named keep their default."""
    chosen = dict(part.split("=") for part in DEFAULT_SENSORS.split(","))
    for part in text.split(","):
        channel, _, name = part.strip().partition("=")
        if channel not in CHANNELS:
            raise BadInput(f"--sensors: {channel!r} is not one of {', '.join(CHANNELS)}")
        if name not in SENSORS:
            raise BadInput(f"--sensors, {channel}: {name!r} is not one of {', '.join(SENSORS)}")
        chosen[channel] = name
    fitted = [chosen[channel] for channel in CHANNELS]
    for part, what in (("sct013", "current"), ("zmpt101b", "voltage")):
        if sum(name.startswith(part) for name in fitted) > 1:
            raise BadInput(f"--sensors: only one channel can have the mains {what}")
    return fitted


def read_calibration(path: Path) -> dict[str, dict[str, int]]:
    """Return the corrections of each channel. Raises BadInput that names file and field."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise BadInput(f"{path}: not JSON: {problem}") from problem
    if isinstance(content, dict) and isinstance(content.get("calibration"), dict):
        content = content["calibration"]
    if not isinstance(content, dict):
        raise BadInput(f"{path}: must be an object with members ch0, ch1, ch2")
    for channel, members in content.items():
        if channel not in CHANNELS:
            raise BadInput(f"{path}, field {channel}: not one of {', '.join(CHANNELS)}")
        for sentence in calibration_problems(members, channel):
            raise BadInput(f"{path}, field {sentence}")
    return content


def _tables(result: dict[str, Any]) -> list[Table]:
    """Return the summary and the windows, for people."""
    summary = Table(title=f"{result['samples']} samples, {result['duration_us'] / 1e6:.3f} s")
    for heading in ("channel", "sensor", "value", "frequency", "flags"):
        summary.add_column(heading)
    for name, channel in result["channels"].items():
        flags = ", ".join(channel["flags"])
        summary.add_row(name, channel["sensor"], _value(channel), _frequency(channel), flags)
    windows = Table(title=f"windows: {len(result['windows'])}")
    for heading in ("start", "duration", *CHANNELS):
        windows.add_column(heading, justify="right")
    for window in result["windows"]:
        values = [_value(window["channels"][name]) for name in CHANNELS]
        start, duration = window["start_us"], window["duration_us"]
        windows.add_row(f"{start / 1e6:.4f} s", f"{duration / 1e3:.2f} ms", *values)
    return [summary, windows]


def _value(channel: dict[str, Any]) -> str:
    for name, unit in (("mean_uv", "V"), ("mean_ua", "A"), ("rms_uv", "V"), ("rms_ua", "A")):
        if channel.get(name) is not None:
            return f"{channel[name] / 1e6:.3f} {unit}"
    return "-"


def _frequency(channel: dict[str, Any]) -> str:
    frequency_uhz = channel.get("frequency_uhz")
    return "-" if frequency_uhz is None else f"{frequency_uhz / 1e6:.3f} Hz"
