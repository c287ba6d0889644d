"""Runs under MicroPython: frames on standard input, windows on standard output, one JSON a line.

The first line of input is {"rate_mhz", "sensors", "calibration", "step_ns", "is_corrected"}; then
follow frames of 3 16 bit codes, little-endian. Windowing, block maths and sensors are the
firmware's own.
"""

import json
import sys
from array import array

from node.calibration import Calibration
from node.load_meter import LoadMeter
from node.quantity import Quantity
from node.registers import Registers
from node.roots import square_root
from node.sensors.fz0430 import WITH_10K_RATIO_MILLI, Fz0430
from node.sensors.hall import Hall
from node.sensors.sct013 import Sct013
from node.sensors.zmpt101b import Zmpt101b, skewed
from node.spans import Span
from node.spikes import shift_table
from node.windows import Windows

if "typing" in sys.modules:  # not under MicroPython
    from typing import Any as Driver
CHANNELS = 3
BLOCK_MS = 100  # as on the board


BURDENS_OHM = {"sct013-000": 33, "sct013-000-22": 22}
HALL_DIVIDER_MILLI = 1_500  # 10 kOhm over 20 kOhm
MAINS_VOLTAGE_MV = 230_000


def build_sensor(name: str, channel: int, calibration: Calibration, rate_mhz: int) -> "Driver":
    """Return the driver called `name` on the command line."""
    if name == "zmpt101b":
        return Zmpt101b(channel, calibration, rate_mhz)
    if name.startswith("sct013"):
        return Sct013(channel, calibration, rate_mhz, BURDENS_OHM.get(name))
    if name.startswith("acs"):
        return Hall(channel, calibration, name, HALL_DIVIDER_MILLI)
    if name == "fz0430-10k":
        return Fz0430(channel, calibration, WITH_10K_RATIO_MILLI)
    return Fz0430(channel, calibration)


def find(sensors: list, prefix: str) -> "Driver | None":
    """Return the sensor whose name begins so, or None."""
    return next((sensor for sensor in sensors if sensor.name.startswith(prefix)), None)


class Summary:
    """The whole recording, one channel: gathered window by window."""

    def __init__(self) -> None:
        self.weight = 0
        self.sum = 0  # of value * weight, of value^2 * weight when alternating
        self.mains_weight = 0
        self.cycles = 0
        self.has_overrange = False

    def add(self, span: Span, quantity: Quantity, is_alternating: bool) -> None:
        """Add one window."""
        value = quantity.value
        self.weight += span.weight
        self.sum += (value * value if is_alternating else value) * span.weight
        self.has_overrange = self.has_overrange or "overrange" in quantity.flags
        if quantity.frequency_uhz is not None:
            self.mains_weight += span.weight
            self.cycles += span.cycles


class Replay:
    """Feeds blocks to the meter and prints what it says."""

    def __init__(self, header: dict) -> None:
        rate_mhz = header["rate_mhz"]
        self.rate_mhz = rate_mhz
        self._sensors = [
            build_sensor(
                header["sensors"][channel],
                channel,
                Calibration(header["calibration"].get("ch" + str(channel))),
                rate_mhz,
            )
            for channel in range(CHANNELS)
        ]
        for sensor in self._sensors:
            if header["is_corrected"] and not sensor.is_alternating:
                sensor.resolve_wide_codes()
        self._windows, self._load = self._build_windows(header)
        self._summaries = [Summary() for _ in range(CHANNELS)]
        self._power = Summary()

    def _build_windows(self, header: dict) -> tuple:
        """Return the windows, and the load's meter when both its channels are there."""
        table = shift_table(header["is_corrected"])
        current, voltage = find(self._sensors, "sct013"), find(self._sensors, "zmpt101b")
        follows = voltage or current
        channel = follows.channel if follows else None
        if not current or not voltage:
            return Windows(self.rate_mhz, channel, table), None
        current.sets_cycles = False
        product = skewed(current, voltage, self.rate_mhz, header["step_ns"])
        windows = Windows(self.rate_mhz, channel, table, product)
        return windows, LoadMeter(current, voltage, Registers(), MAINS_VOLTAGE_MV)

    def feed(self, frames: array, frame_count: int) -> None:
        """Take one block."""
        for span in self._windows.feed(frames, frame_count):
            self._tell(span)

    def finish(self) -> None:
        """Tell the last window and the summary."""
        last = self._windows.finish()
        if last:
            self._tell(last)
        line = {"channels": self._summary_members()}
        if self._power.weight:
            line["load"] = {"power_uw": self._power.sum // self._power.weight}
        print(json.dumps(line))

    def _tell(self, span: Span) -> None:
        members = {}
        for channel, sensor in enumerate(self._sensors):
            quantity = sensor.measure(span)
            self._summaries[channel].add(span, quantity, sensor.is_alternating)
            members["ch" + str(channel)] = describe(sensor, quantity)
        line = {
            "start_us": self._windows.start_us(span),
            "duration_us": self._windows.duration_us(span),
            "channels": members,
        }
        if self._load:
            line["load"] = self._describe_load(span)
        print(json.dumps(line))

    def _describe_load(self, span: Span) -> dict:
        self._load.measure(span, self._windows.duration_us(span))
        self._power.add(span, Quantity(self._load.power_uw), False)
        return {
            "power_uw": self._load.power_uw,
            "apparent_uva": self._load.apparent_uva,
            "power_factor_permille": self._load.power_factor_permille(),
        }

    def _summary_members(self) -> dict:
        members = {}
        for channel, sensor in enumerate(self._sensors):
            summary = self._summaries[channel]
            if summary.weight:
                members["ch" + str(channel)] = self._describe_summary(sensor, summary)
            else:
                members["ch" + str(channel)] = self._describe_remainder(sensor)
        return members

    def _describe_summary(self, sensor: "Driver", summary: Summary) -> dict:
        flags = ["overrange"] if summary.has_overrange else []
        if not sensor.is_alternating:
            mean = summary.sum // summary.weight
            return {"sensor": sensor.name, value_name(sensor): mean, "flags": flags}
        frequency_uhz = None
        if summary.mains_weight:
            frequency_uhz = summary.cycles * 256_000 * self.rate_mhz // summary.mains_weight
        else:
            flags.append("no_signal")
        return {
            "sensor": sensor.name,
            value_name(sensor): square_root(summary.sum // summary.weight),
            "frequency_uhz": frequency_uhz,
            "flags": flags,
        }

    def _describe_remainder(self, sensor: "Driver") -> dict:
        """A recording too short for a window: a mean can be told of it, an rms can't."""
        quantity = sensor.measure(self._windows.remainder())
        members = describe(sensor, quantity)
        if sensor.is_alternating:
            members[value_name(sensor)] = None
        return members


def describe(sensor: "Driver", quantity: Quantity) -> dict:
    """Return the JSON members of one measured quantity."""
    members = {"sensor": sensor.name, "flags": list(quantity.flags)}
    members[value_name(sensor)] = quantity.value
    if sensor.is_alternating:
        members["frequency_uhz"] = quantity.frequency_uhz
    return members


def value_name(sensor: "Driver") -> str:
    """Return the JSON name of what a sensor measures."""
    if sensor.is_alternating:
        return "rms_uv" if sensor.name == "zmpt101b" else "rms_ua"
    return "mean_uv" if sensor.name == "fz0430" else "mean_ua"


def read_block(size: int) -> bytes:
    """Return up to `size` bytes of standard input; fewer only at its end."""
    stream = sys.stdin.buffer
    block = b""
    while len(block) < size:
        part = stream.read(size - len(block))
        if not part:
            break
        block += part
    return block


def main() -> None:
    """Replay standard input."""
    replay = Replay(json.loads(sys.stdin.buffer.readline()))
    frame_bytes = 2 * CHANNELS
    block_frames = max(1, replay.rate_mhz * BLOCK_MS // 1_000_000)
    while True:
        block = read_block(block_frames * frame_bytes)
        if not block:
            break
        replay.feed(array("H", block), len(block) // frame_bytes)
    replay.finish()


if __name__ == "__main__":
    main()
