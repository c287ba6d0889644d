"""INA226 at register level: a branch's voltage and current become what I2C reads (SBOS547A)."""

from __future__ import annotations

import numpy as np

from tools.bench.trace import Trace

CONFIG, SHUNT, BUS, POWER, CURRENT, CALIBRATION, MASK_ENABLE, ALERT_LIMIT = range(8)
MANUFACTURER_ID, DIE_ID = 0xFE, 0xFF
CONFIG_RESET = 0x4127
SHUNT_LSB_V = 2.5e-6
BUS_LSB_V = 1.25e-3
CONVERSION_READY = 1 << 3
AVERAGES = (1, 4, 16, 64, 128, 256, 512, 1024)
CONVERSION_S = (140e-6, 204e-6, 332e-6, 588e-6, 1.1e-3, 2.116e-3, 4.156e-3, 8.244e-3)


class Ina226:
    """One part on its shunt; errors of gain and offset are drawn within the data sheet's limits.

    Continuous and triggered conversions, averaging, calibration, current and power registers, the
    conversion-ready flag. Alerts are absent: nothing is wired to the ALERT pin.
    """

    def __init__(self, trace: Trace, shunt_uohm: int, rng: np.random.Generator) -> None:
        self._trace = trace
        self._rng = rng
        self._shunt_ohm = shunt_uohm * 1e-6 * (1 + float(rng.uniform(-5e-4, 5e-4)))
        self._shunt_gain = 1 + float(np.clip(rng.normal(0, 3e-4), -1e-3, 1e-3))
        self._bus_gain = 1 + float(np.clip(rng.normal(0, 3e-4), -1e-3, 1e-3))
        self._shunt_offset_v = float(np.clip(rng.normal(0, 2.5e-6), -1e-5, 1e-5))
        self._bus_offset_v = float(np.clip(rng.normal(0, 1.25e-3), -7.5e-3, 7.5e-3))
        self.is_dead = False
        self._is_ready = False
        self.reset(0.0)

    def reset(self, now_s: float) -> None:
        """Put the registers to their power-on values."""
        self._config, self._calibration, self._mask, self._alert = CONFIG_RESET, 0, 0, 0
        self._restart(now_s)
        self._shunt = self._bus = 0

    def write(self, register: int, value: int, now_s: float) -> None:
        """Write a 16-bit register. Writing the configuration starts a conversion anew."""
        if register == CONFIG:
            if value & 0x8000:
                self.reset(now_s)
                return
            self._convert(now_s)
            self._config = value
            self._restart(now_s)
        elif register == CALIBRATION:
            self._calibration = value & 0x7FFF
        elif register == MASK_ENABLE:
            self._mask = value & ~0x1F
        elif register == ALERT_LIMIT:
            self._alert = value

    def read(self, register: int, now_s: float) -> int:
        """Return a 16-bit register, negative values in two's complement."""
        self._convert(now_s)
        current = _saturated(self._shunt * self._calibration // 2048)
        if register == MASK_ENABLE:
            ready = CONVERSION_READY if self._is_ready else 0
            self._is_ready = False
            return self._mask | ready
        values = {
            CONFIG: self._config,
            SHUNT: self._shunt,
            BUS: self._bus,
            POWER: min(0xFFFF, abs(current) * self._bus // 20000),
            CURRENT: current,
            CALIBRATION: self._calibration,
            ALERT_LIMIT: self._alert,
            MANUFACTURER_ID: 0x5449,
            DIE_ID: 0x2260,
        }
        return values.get(register, 0) & 0xFFFF

    def _restart(self, now_s: float) -> None:
        self._started_s = now_s
        self._conversions = 0
        self._is_ready = False

    def _cycle_s(self) -> float:
        mode = self._config & 0b11
        shunt_s = CONVERSION_S[self._config >> 3 & 7] if mode & 1 else 0.0
        bus_s = CONVERSION_S[self._config >> 6 & 7] if mode & 2 else 0.0
        return AVERAGES[self._config >> 9 & 7] * (shunt_s + bus_s)

    def _convert(self, now_s: float) -> None:
        """Bring the result registers to the last conversion that is complete."""
        cycle_s = self._cycle_s()
        if cycle_s == 0:
            return
        complete = int((now_s - self._started_s) / cycle_s)
        if not self._config & 0b100:
            complete = min(complete, 1)
        if complete <= self._conversions:
            return
        self._conversions = complete
        self._is_ready = True
        end_s = self._started_s + complete * cycle_s
        voltage_v, current_a = self._trace.mean(end_s - cycle_s, end_s)
        noise = 1 / np.sqrt(AVERAGES[self._config >> 9 & 7])
        if self._config & 1:
            shunt_v = current_a * self._shunt_ohm * self._shunt_gain + self._shunt_offset_v
            lsb = shunt_v / SHUNT_LSB_V + noise * self._rng.normal(0, 0.5)
            self._shunt = _saturated(round(lsb))
        if self._config & 2:
            bus_v = max(0.0, voltage_v * self._bus_gain + self._bus_offset_v)
            lsb = bus_v / BUS_LSB_V + noise * self._rng.normal(0, 0.3)
            self._bus = max(0, _saturated(round(lsb)))


def _saturated(value: int) -> int:
    return max(-0x8000, min(0x7FFF, value))
