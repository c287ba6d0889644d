"""`trueque bench meter`: the meter's errors on virtual boards, beside the bars they must pass.

Each board has its own converter (reference, offset, bow, spikes, noise) and its own front ends. It
is calibrated by the procedure of `trueque board calibrate` and then fed known inputs.
"""

from __future__ import annotations

import json
import math
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from tools.bench.house import FITTED, MAINS_V
from tools.bench.meter_emulated import BARS, emulated_rows
from tools.bench.meter_rows import Row, off_percent, row_of, worst_of
from tools.board.calibration import FULL_PIN_V, Channel, calibrate, channels_of
from tools.board.virtual import VirtualBoard

DC_RANGE_V = FULL_PIN_V * 8
CT_RANGE_A = 10.0
WIDE_CODES = 511, 1535, 2559, 3583
WIDE_CODES_PERCENT = (11.5, 13.0), (36.5, 38.5), (61.5, 63.5), (86.5, 88.5)
"""Of the range: where these lie on any board."""
MEASURE_S = 0.6
STEADY_S = 2.0
"""At wide codes: a board finds an input in one by the rare samples beside it."""
POWER_PERIOD_S = 60.0
HALL = {"part": "acs712-05", "measures": "pv_current", "divider_milli": 1_600}
HALL_RANGE_A, PANEL_V = 5.0, 18.0


class Bench:
    """One calibrated board and what may be applied to it."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.channels: dict[str, Channel] = {}
        for channel in channels_of(board.settings):
            self.channels[channel.quantity] = channel
        calibrate(board, board, list(self.channels.values()), "bench meter")

    def apply(self, **inputs: float) -> None:
        """Apply an input to each quantity named, in V or A."""
        for quantity, value in inputs.items():
            self.board.apply(self.channels[quantity], value)

    def error_percent(self, quantity: str, value: float, duration_s: float = MEASURE_S) -> float:
        """Apply an input; return the absolute error of the mean reading, in percent of it."""
        self.apply(**{quantity: value})
        found = self.board.measure(self.board.settings["calibration"], duration_s)
        return abs(float(found[quantity]["value"]) / 1e6 / value - 1) * 100


def dc_rows(bench: Bench) -> list[Row]:
    """Sweep a DC voltage over 10 to 100 % of the range, finely around the wide codes."""
    bench.apply(load_current=1.0)
    sweeps = {"10_to_100_percent": (np.arange(10, 100.5, 1), MEASURE_S)}
    for (low, high), code in zip(WIDE_CODES_PERCENT, WIDE_CODES, strict=True):
        sweeps[f"at_code_{code}"] = np.arange(low, high, 0.05), STEADY_S
    rows = []
    for name, (percents, duration_s) in sweeps.items():
        volts = percents / 100 * DC_RANGE_V
        worst = max(bench.error_percent("pv_voltage", value, duration_s) for value in volts)
        rows.append(row_of(f"dc_voltage_{name}", worst, "%", 0.5))
    return rows


def ct_rows(bench: Bench) -> list[Row]:
    """Sweep the load current at 50 Hz, then at the ends of what the mains may do."""
    bench.apply(pv_voltage=12.0)
    amperes = [percent / 100 * CT_RANGE_A for percent in (5, 7, 10, 15, *range(20, 101, 5))]
    rows = [
        row_of("ct_current_5_to_100_percent", _worst_current(bench, amperes), "%", 1.0),
        row_of("ct_current_2_percent", bench.error_percent("load_current", 0.2), "%", 1.5),
    ]
    for mains_hz in (49.5, 50.5):
        bench.board.mains_hz = mains_hz
        name = f"at_{mains_hz}_hz"
        rows.append(row_of(f"ct_current_{name}", _worst_current(bench, (0.5, 5.0, 10.0)), "%", 1.0))
        dc = max(bench.error_percent("pv_voltage", volts) for volts in (5.0, 13.0, 25.0))
        rows.append(row_of(f"dc_voltage_{name}", dc, "%", 0.5))
    bench.board.mains_hz = 50.0
    return rows


def _worst_current(bench: Bench, amperes: Sequence[float]) -> float:
    return max(bench.error_percent("load_current", value) for value in amperes)


def start_rows(bench: Bench) -> list[Row]:
    """Meter 0.4 % of the range for a minute: the register must move, as the physics says."""
    bench.apply(load_current=0.004 * CT_RANGE_A)
    bench.board.begin_metering()
    counted = bench.board.meter(60.0)["registers"]["load_apparent"]
    true_uvah = 0.004 * CT_RANGE_A * MAINS_V * 60 / 3600 * 1e6
    return [row_of("starting_current_0.4_percent", counted, "uVAh", round(true_uvah, 1))]


def no_load_rows(bench: Bench, hours: float) -> list[Row]:
    """Meter nothing for so long: no register may move."""
    house = bench.board.house
    bench.apply(load_current=0.0, pv_voltage=0.0, battery_voltage=12.0)
    for branch in ("pv", "battery"):
        house.traces[branch].note(bench.board.now_s, 12.0 if branch == "battery" else 0.0, 0.0)
    bench.board.begin_metering()
    counts, left_s = 0, hours * 3600
    while left_s > 0:
        registers = bench.board.meter(min(60.0, left_s))["registers"]
        counts = sum(registers.values())
        left_s -= 60.0
    return [row_of(f"no_load_{hours:g}_hours", counts, "uWh", 0.0)]


def hall_rows(bench: Bench, hours: float) -> list[Row]:
    """Meter a PV's current by a Hall part: its least, then none for so long, its offset drifting.

    With the voltage of a panel in the sun, so that any current would count.
    """
    board = bench.board
    least_a = 0.004 * HALL_RANGE_A
    bench.apply(pv_voltage=PANEL_V, pv_current=least_a)
    board.begin_metering()
    counted = board.meter(60.0)["registers"]["pv_export"]
    true_uwh = round(PANEL_V * least_a * 60 / 3600 * 1e6, 1)
    rows = [row_of("hall_starting_current_0.4_percent", counted, "uWh", true_uwh)]
    bench.apply(pv_current=0.0)
    board.house.traces["battery"].note(board.now_s, 12.0, 0.0)
    board.begin_metering()
    counts, left_s = 0, hours * 3600
    while left_s > 0:
        registers = board.meter(min(60.0, left_s))["registers"]
        counts = sum(registers.values())
        left_s -= 60.0
    return [*rows, row_of(f"hall_no_load_{hours:g}_hours", counts, "uWh", 0.0)]


def energy_rows(bench: Bench) -> list[Row]:
    """Let power swing for two minutes; compare registers with their integrals and the physics."""
    board, house = bench.board, bench.board.house
    house.applied.clear()
    board.begin_metering()
    true = {"pv_export": 0.0, "battery_import": 0.0, "load_apparent": 0.0}
    step_s = 1.0
    result: Mapping[str, Mapping[str, int]] = {}
    for step in range(120):
        swing = 1 + 0.6 * math.sin(2 * math.pi * step * step_s / POWER_PERIOD_S)
        flows = {"pv": (18.0, 1.0 * swing), "battery": (12.4, 0.6 * swing)}
        for branch, (volts, amperes) in flows.items():
            house.traces[branch].note(board.now_s, volts, amperes)
        house.home_load_w = 700.0 * swing
        result = board.meter(step_s)
        true["pv_export"] += 18.0 * swing * step_s
        true["battery_import"] += 12.4 * 0.6 * swing * step_s
        true["load_apparent"] += 700.0 * swing * step_s
    registers, integrals = result["registers"], result["integrals_uwh"]
    names = {"pv_export": "pv", "battery_import": "battery", "load_apparent": "load_apparent"}
    return [
        row
        for register, integral in names.items()
        for row in (
            row_of(
                f"energy_{register}_to_integral",
                off_percent(registers[register], integrals[integral]),
                "%",
                0.1,
            ),
            row_of(
                f"energy_{register}_to_physics",
                off_percent(registers[register], true[register] / 3600 * 1e6),
                "%",
                1.5,
            ),
        )
    ]


def power_rows(bench: Bench) -> list[Row]:
    """Meter the real power of a load with a ZMPT101B, at power factors of the fundamental."""
    board, house = bench.board, bench.board.house
    rows = []
    for name, lag_rad in (("1", 0.0), ("0.5", math.pi / 3)):
        house.clamp.lag_rad = lag_rad
        worst = 0.0
        for amperes in (1.0, 5.0, 10.0):
            bench.apply(load_current=amperes, load_voltage=MAINS_V)
            board.begin_metering()
            board.meter(1.0)
            before = board.meter(0.5)["integrals_uwh"]["load"]
            after = board.meter(10.0)["integrals_uwh"]["load"]
            # Voltage is a sine: only the fundamental of the current makes power.
            true_uwh = MAINS_V * amperes * house.clamp.fundamental * math.cos(lag_rad) / 360 * 1e6
            worst = max(worst, off_percent(after - before, true_uwh))
        rows.append(row_of(f"real_power_pf_{name}", worst, "%", 1.0 if name == "1" else 1.5))
    return rows


def measure_boards(boards: int, hours: float) -> Iterator[list[Row]]:
    """Yield the rows of each board; only the first runs through the hours without load."""
    with tempfile.TemporaryDirectory(prefix="trueque-meter-") as directory:
        for number in range(1, boards + 1):
            name = f"house-{number}"
            rows: list[Row] = []
            with VirtualBoard(_flash(Path(directory) / "thesis" / name, "thesis")) as board:
                bench = Bench(board)
                for part in (dc_rows, ct_rows, start_rows, energy_rows):
                    rows += part(bench)
                if number == 1:
                    rows += no_load_rows(bench, hours)
            with VirtualBoard(_flash(Path(directory) / "ac" / name, "ac")) as board:
                rows += power_rows(Bench(board))
            if number == 1:
                with VirtualBoard(_flash(Path(directory) / "hall" / name, "thesis", HALL)) as board:
                    rows += hall_rows(Bench(board), hours)
            yield rows


def _tracked(boards: int, hours: float) -> list[list[Row]]:
    """Return the rows of each board, progress shown."""
    console = Console(stderr=True)
    measured = measure_boards(boards, hours)
    return list(
        track(measured, total=boards, description="boards", console=console, transient=True)
    )


def _flash(directory: Path, profile: str, hall: Mapping[str, Any] | None = None) -> Path:
    """Make the flash of a board; keys and broker are not those of any site.

    `hall`: the part that measures the PV's current instead of an INA226.
    """
    directory.mkdir(parents=True)
    settings: dict[str, Any] = {
        "node": directory.name,
        "profile": profile,
        "wifi_ssid": "",
        "wifi_password": "",
        "broker_host": "127.0.0.1",
        "broker_port": 1883,
        "broker_user": directory.name,
        "broker_password": "",
        "key_up": "00" * 32,
        "key_down": "00" * 32,
        "relay_active_low": True,
        "ina226": {branch: dict(part) for branch, part in FITTED.items()},
    }
    if hall:
        del settings["ina226"]["pv"]
        settings["sensors"] = {"ch1": dict(hall)}
    (directory / "settings.json").write_text(json.dumps(settings))
    return directory


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON instead of lines.")
@click.option("--boards", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option(
    "--hours",
    type=click.FloatRange(0.01, 1000),
    default=24.0,
    show_default=True,
    help="Simulated time without load; 24 hours take some five minutes.",
)
@click.option(
    "--image",
    type=click.Path(dir_okay=False, path_type=Path),
    help="MicroPython UF2 of an emulated Pico W, whose bars are measured too (TRUEQUE_IMAGE).",
)
@click.option(
    "--seconds",
    type=click.FloatRange(2, 3600),
    default=60.0,
    show_default=True,
    help="How long the emulated board samples, in its own time; a second takes 10 to 60 here.",
)
@click.option(
    "--bar",
    "bars",
    type=click.Choice(BARS),
    multiple=True,
    help="Measure only this one of the emulated board's, and no virtual boards; can be repeated.",
)
def meter(
    is_json: bool,
    boards: int,
    hours: float,
    image: Path | None,
    seconds: float,
    bars: tuple[str, ...],
) -> None:
    """Measure the meter's errors on virtual boards after their calibration.

    Each row is that of the worst board. The baseline is the bar; a ratio up to 1 passes it, from
    1 on where the name ends in "at_least".

    The bars of an emulated board take from one to some ten minutes each; --bar chooses.

    Examples: trueque bench meter --json;
    trueque bench meter --image pico-w.uf2 --bar cuts --bar torn
    """
    if bars:
        boards, rows = 0, emulated_rows(image, seconds, bars)
    else:
        rows = worst_of(_tracked(boards, hours)) + emulated_rows(image, seconds)
    if is_json:
        machine = f"{platform.machine()} {platform.system()}, Python {platform.python_version()}"
        report = {"command": "bench meter", "machine": machine, "boards": boards}
        click.echo(json.dumps({**report, "rows": [asdict(row) for row in rows]}, indent=1))
        return
    for row in rows:
        beside = "" if row.baseline is None else f"  (bar {row.baseline:g} {row.unit})"
        click.echo(f"{row.name:36} {row.value:12.4f} {row.unit}{beside}")
