"""Runs under MicroPython: frames on standard input, windows on standard output, one JSON a line.

The first line of input is {"rate_mhz", "sensors", "calibration"}; then follow frames of 3 16 bit
codes, little-endian. Windowing, block maths and sensors are the firmware's own.
"""

import json
import sys
from array import array

from node.calibration import Calibration
from node.quantity import Quantity
from node.sensors.fz0430 import WITH_10K_RATIO_MILLI, Fz0430
from node.sensors.sct013 import Sct013
from node.windows import Span, Windows, square_root

CHANNELS = 3
BLOCK_MS = 100  # as on the board


def build_sensor(name: str, calibration: Calibration, rate_mhz: int) -> "Fz0430 | Sct013":
    """Return the driver called `name` on the command line."""
    if name == "sct013-010":
        return Sct013(calibration, rate_mhz)
    if name == "fz0430-10k":
        return Fz0430(calibration, WITH_10K_RATIO_MILLI)
    return Fz0430(calibration)


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
                Calibration(header["calibration"].get("ch" + str(channel))),
                rate_mhz,
            )
            for channel in range(CHANNELS)
        ]
        alternating = [i for i in range(CHANNELS) if self._sensors[i].is_alternating]
        self._windows = Windows(rate_mhz, alternating[0] if alternating else None)
        self._summaries = [Summary() for _ in range(CHANNELS)]

    def feed(self, frames: array, frame_count: int) -> None:
        """Take one block."""
        for span in self._windows.feed(frames, frame_count):
            self._tell(span)

    def finish(self) -> None:
        """Tell the last window and the summary."""
        last = self._windows.finish()
        if last:
            self._tell(last)
        print(json.dumps({"channels": self._summary_members()}))

    def _tell(self, span: Span) -> None:
        members = {}
        for channel, sensor in enumerate(self._sensors):
            quantity = sensor.measure(span, channel)
            self._summaries[channel].add(span, quantity, sensor.is_alternating)
            members["ch" + str(channel)] = describe(sensor, quantity)
        line = {
            "start_us": self._windows.start_us(span),
            "duration_us": self._windows.duration_us(span),
            "channels": members,
        }
        print(json.dumps(line))

    def _summary_members(self) -> dict:
        members = {}
        for channel, sensor in enumerate(self._sensors):
            summary = self._summaries[channel]
            if summary.weight:
                members["ch" + str(channel)] = self._describe_summary(sensor, summary)
            else:
                members["ch" + str(channel)] = self._describe_remainder(sensor, channel)
        return members

    def _describe_summary(self, sensor: "Fz0430 | Sct013", summary: Summary) -> dict:
        flags = ["overrange"] if summary.has_overrange else []
        if not sensor.is_alternating:
            mean_uv = summary.sum // summary.weight
            return {"sensor": sensor.name, "mean_uv": mean_uv, "flags": flags}
        frequency_uhz = None
        if summary.mains_weight:
            frequency_uhz = summary.cycles * 256_000 * self.rate_mhz // summary.mains_weight
        else:
            flags.append("no_signal")
        return {
            "sensor": sensor.name,
            "rms_ua": square_root(summary.sum // summary.weight),
            "frequency_uhz": frequency_uhz,
            "flags": flags,
        }

    def _describe_remainder(self, sensor: "Fz0430 | Sct013", channel: int) -> dict:
        """A recording too short for a window: a mean can be told of it, an rms can't."""
        quantity = sensor.measure(self._windows.remainder(), channel)
        members = describe(sensor, quantity)
        if sensor.is_alternating:
            members["rms_ua"] = None
        return members


def describe(sensor: "Fz0430 | Sct013", quantity: Quantity) -> dict:
    """Return the JSON members of one measured quantity."""
    members = {"sensor": sensor.name, "flags": list(quantity.flags)}
    if sensor.is_alternating:
        members["rms_ua"] = quantity.value
        members["frequency_uhz"] = quantity.frequency_uhz
    else:
        members["mean_uv"] = quantity.value
    return members


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
