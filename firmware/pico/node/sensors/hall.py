"""ACS712 and ACS723 Hall sensors on an ADC channel: sums of codes in, a DC current in uA out.

They are ratiometric: no current gives half of their supply, taken as 5 V. A divider brings their
output into the ADC's range. Offset and gain of the part are the calibration's to remove.
"""

from node.quantity import Quantity
from node.sensors.direct import Direct

SUPPLY_UV = 5_000_000
OPEN_UV = 250_000  # half of what a part gives at the end of its range, 0.5 V
SMALLEST_CODES_MILLI = 2_500  # a drift of the offset by so much is no current, as in sct013.py
UV_PER_AMPERE = {  # data sheets ACS712 and ACS723 (Allegro), sensitivity at 5 V
    "acs712-05": 185_000,
    "acs712-20": 100_000,
    "acs712-30": 66_000,
    "acs723-05": 400_000,
    "acs723-10": 200_000,
    "acs723-20": 100_000,
    "acs723-40": 50_000,
}


class Hall(Direct):
    """One part. `divider_milli`: output of the part over voltage at the pin, in 1/1000."""

    def __init__(self, channel, calibration, part, divider_milli):
        super().__init__(channel, calibration)
        self.name = part
        self._uv_per_ampere = UV_PER_AMPERE[part]
        self._divider_milli = divider_milli
        scale = calibration.reference_uv * divider_milli // 4096
        self._smallest_ua = SMALLEST_CODES_MILLI * scale // self._uv_per_ampere

    def measure(self, span):
        """Return the mean current over `span`: a Quantity in uA, `overrange` at either rail.

        I = (code * Vref / 4096 * divider - Vsupply / 2) / sensitivity. What is too small reads 0;
        so does a pin without the part's offset, or one that never leaves a rail, and is
        `sensor_open` too: its plug is out.
        """
        sums = span.channels[self.channel]
        output_uv = self.scaled_uv(sums, self._divider_milli)
        flags = ("overrange",) if sums.highest >= 4095 or sums.lowest <= 0 else ()
        if output_uv < OPEN_UV or (sums.railed + 1) * 256 > sums.weight:
            return Quantity(0, flags + ("sensor_open",))
        current_ua = (output_uv - SUPPLY_UV // 2) * 1_000_000 // self._uv_per_ampere
        current_ua = self.calibration.correct(current_ua)
        if abs(current_ua) < self._smallest_ua:
            current_ua = 0
        return Quantity(current_ua, flags)
