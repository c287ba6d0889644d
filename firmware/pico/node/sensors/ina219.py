"""INA219 on I2C: registers in, bus voltage in uV and shunt current in uA out (TI SBOS448).

As with the INA226 the shunt voltage is read and scaled here, not by the calibration register.
"""

from node.sensors.ina226 import Ina226

CONFIGURATION = 0x00  # section 8.6
SHUNT_VOLTAGE = 0x01  # section 8.6, LSB 10 uV, two's complement
BUS_VOLTAGE = 0x02  # section 8.6, bits 15..3, LSB 4 mV

# 32 V, gain /2 (+-80 mV), 8 samples of 12 bit each for bus and shunt, continuous: 9 ms a result.
CONTINUOUS_9_MS = 1 << 13 | 0b01 << 11 | 0b1011 << 7 | 0b1011 << 3 | 0b111
CONTINUOUS_136_MS = 1 << 13 | 0b01 << 11 | 0b1111 << 7 | 0b1111 << 3 | 0b111  # of 128 samples each
BUS_LSB_UV = 4_000
SHUNT_LSB_NV = 10_000


class Ina219(Ina226):
    """One part: up to 26 V, no averaging over mains cycles, no more than 10 uV resolution."""

    name = "ina219"
    configuration = CONTINUOUS_9_MS
    lag_us = 12_800
    steady = CONTINUOUS_136_MS
    shunt_lsb_nv = SHUNT_LSB_NV
    largest_shunt = 8_000  # 80 mV, the range of this gain

    def _voltage_uv(self):
        return (self._register(BUS_VOLTAGE) >> 3) * BUS_LSB_UV
