"""INA226 on I2C: registers in, bus voltage in uV and shunt current in uA out (TI SBOS547).

The shunt voltage register is read and scaled here, as the data sheet's "simple current shunt
monitor usage" (section 6.5.3) allows: the calibration and current registers would only round once
more.
"""

from node.calibration import Calibration
from node.quantity import Quantity

CONFIGURATION = 0x00  # section 7.1.1
SHUNT_VOLTAGE = 0x01  # section 7.1.2, LSB 2.5 uV, two's complement
BUS_VOLTAGE = 0x02  # section 7.1.3, LSB 1.25 mV

# Average of 16, 204 us each for bus and shunt, continuous: a result every 6.5 ms (table 7-2 on),
# for the branch whose limits open a relay and for a technician's tools.
CONTINUOUS_7_MS = 0x4000 | 0b010 << 9 | 0b001 << 6 | 0b001 << 3 | 0b111
# Average of 256, 332 us each: a result every 170 ms, 187 at the most. As long as a metering window
# allows, so that what it does not see of a current that flickers is little.
CONTINUOUS_170_MS = 0x4000 | 0b101 << 9 | 0b010 << 6 | 0b010 << 3 | 0b111
BUS_LSB_UV = 1_250
SHUNT_LSB_NV = 2_500


class Ina226:
    """One part. After an I2C error (OSError) the next call configures it anew."""

    name = "ina226"
    is_alternating = False
    configuration = CONTINUOUS_7_MS
    # How far the middle of what is read lies back, in the mean: half a result until it is there,
    # one half more until the next is.
    lag_us = 9_800
    steady = CONTINUOUS_170_MS  # the configuration for what is read once in a window
    shunt_lsb_nv = SHUNT_LSB_NV
    largest_shunt = 0x7FFF  # of the register: beyond it stands still

    def __init__(self, bus, address, shunt_uohm, calibration=None):
        """`bus`: machine.I2C. `shunt_uohm`: the resistor between IN+ and IN-, nominal.

        `calibration`: Calibration of the current, None for none.
        """
        self._bus = bus
        self._calibration = calibration or Calibration()
        self._address = address
        self._shunt_uohm = shunt_uohm
        self._is_configured = False
        self._buffer = bytearray(2)
        self.voltage_uv = None  # at the last read, as below
        self.is_overrange = False  # at the last read: at the end of the shunt's range

    def measure(self, span):
        """Return the current of the last conversion: a Quantity in uA. Raises OSError when absent.

        `span` is not needed: the part averages by itself.
        """
        current_ua = self.read()[1]
        return Quantity(current_ua, self.flags())

    def flags(self):
        """Return the quality flags of the last read."""
        return ("overrange",) if self.is_overrange else ()

    def read(self):
        """Return (voltage_uv, current_ua) of the last conversion. Raises OSError when absent.

        At the end of the shunt's range (81.92 mV) the current is at least what is returned, and
        `flags` says so.
        """
        try:
            if not self._is_configured:
                self._write(CONFIGURATION, self.configuration)
                self._is_configured = True
            voltage_uv = self.voltage_uv = self._voltage_uv()
            shunt = self._register(SHUNT_VOLTAGE)
        except OSError:
            self._is_configured = False
            raise
        if shunt >= 0x8000:
            shunt -= 0x10000
        self.is_overrange = abs(shunt) >= self.largest_shunt
        current_ua = shunt * self.shunt_lsb_nv * 1000 // self._shunt_uohm
        return voltage_uv, self._calibration.correct(current_ua)

    def _voltage_uv(self):
        return self._register(BUS_VOLTAGE) * BUS_LSB_UV

    def _register(self, register):
        self._bus.readfrom_mem_into(self._address, register, self._buffer)
        return self._buffer[0] << 8 | self._buffer[1]

    def _write(self, register, value):
        self._bus.writeto_mem(self._address, register, bytes((value >> 8, value & 0xFF)))
