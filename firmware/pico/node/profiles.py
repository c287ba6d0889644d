"""Pin profiles: which part sits where."""

from node.calibration import Calibration
from node.sensors.fz0430 import Fz0430
from node.sensors.sct013 import Sct013


class Thesis:
    """FZ0430 at PV and battery, SCT-013-010 at the load, INA226 on I2C0, two relays and a LED."""

    ADC_PINS = (26, 27, 28)  # PV voltage, load current, battery voltage
    LOAD_CHANNEL = 1
    RELAY_IN = 14
    RELAY_OUT = 15
    LED = 16  # lit while the house receives energy
    I2C = 0
    SDA = 4
    SCL = 5

    @staticmethod
    def sensors(settings, rate_mhz):
        """Return the drivers of the ADC channels, in order."""
        corrections = [
            Calibration(settings.calibration.get("ch%d" % channel)) for channel in range(3)
        ]
        return (
            Fz0430(corrections[0], settings.divider_ratio),
            Sct013(corrections[1], rate_mhz),
            Fz0430(corrections[2], settings.divider_ratio),
        )


PROFILES = {"thesis": Thesis}
