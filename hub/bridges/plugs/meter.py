"""A plug's readings in, rows with a register that never falls back out. Pure.

A device's own counter is followed by its rises; without one, power is integrated between readings
that are close together. What a plug did while nobody heard it is counted only by its own counter.
"""

from __future__ import annotations

from hub.bridges.config import Plug
from hub.bridges.plugs.reading import PlugReading
from hub.bridges.views import PlugRow

MS_PER_HOUR = 3_600_000
MOST_POWER_UW = 25_000_000_000  # a house's main fuse: no counter rises faster
STEP_UWH = 10_000_000  # counters go up in steps of up to 0.01 kWh
LONGEST_GAP_MS = 60_000  # power is not integrated over more


class PlugMeter:
    """Counts one plug's energy; `last` is its newest stored row."""

    def __init__(self, plug: Plug, last: PlugRow | None) -> None:
        self._plug = plug
        self._last = last
        self._remainder = 0  # in uW ms, below one uWh

    def take(self, reading: PlugReading, at_ms: int) -> PlugRow:
        """Return the row of a reading that arrived at `at_ms`."""
        power_uw = _plausible(reading.power_uw)
        row = PlugRow(
            plug=self._plug.name,
            at_ms=at_ms,
            house=self._plug.house,
            is_house_meter=self._plug.is_house_meter,
            is_on=reading.is_on,
            power_uw=power_uw,
            voltage_uv=reading.voltage_uv,
            current_ua=reading.current_ua,
            energy_uwh=self._energy_uwh(reading.device_uwh, power_uw, at_ms),
            device_uwh=reading.device_uwh,
        )
        self._last = row
        return row

    def _energy_uwh(self, device_uwh: int | None, power_uw: int | None, at_ms: int) -> int:
        last = self._last
        if last is None:
            return 0
        elapsed_ms = max(0, at_ms - last.at_ms)
        if device_uwh is not None or last.device_uwh is not None:
            rise = 0 if None in (device_uwh, last.device_uwh) else device_uwh - last.device_uwh  # type: ignore[operator]
            # Fallen back: the device was reset. Risen too far: it lies, or is another device.
            most = MOST_POWER_UW * elapsed_ms // MS_PER_HOUR + STEP_UWH
            return last.energy_uwh + (rise if 0 <= rise <= most else 0)
        if power_uw is None or last.power_uw is None or elapsed_ms > LONGEST_GAP_MS:
            self._remainder = 0
            return last.energy_uwh
        mean_uw = max(0, power_uw + last.power_uw) // 2
        rise, self._remainder = divmod(mean_uw * elapsed_ms + self._remainder, MS_PER_HOUR)
        return last.energy_uwh + rise


def _plausible(power_uw: int | None) -> int | None:
    return power_uw if power_uw is not None and abs(power_uw) <= MOST_POWER_UW else None
