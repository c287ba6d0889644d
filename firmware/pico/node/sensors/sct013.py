"""SCT-013 current transformers on an ADC channel: sums of codes in, an rms current in uA out."""

from node.sensors.alternating import Alternating

MILLI_PER_VOLT = 10_000  # the -010: 10 A give 1 V rms, its burden inside
TURNS = 2_000  # of the -000: 100 A give 50 mA
SMALLEST_CODES_MILLI = 2_500  # 20 mA of a -010, half of 0.4 % of its range


class Sct013(Alternating):
    """One transformer. `burden_ohm`: of a -000; None is a -010."""

    smallest_milli = SMALLEST_CODES_MILLI

    def __init__(self, channel, calibration, rate_mhz, burden_ohm=None):
        super().__init__(channel, calibration, rate_mhz)
        self.name = "sct013-000" if burden_ohm else "sct013-010"
        self.per_volt_milli = TURNS * 1000 // burden_ohm if burden_ohm else MILLI_PER_VOLT
