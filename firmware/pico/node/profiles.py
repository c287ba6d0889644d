"""Pin profiles: which part sits where."""


class Thesis:
    """FZ0430 at PV and battery, SCT-013-010 at the load, INA226 on I2C0, two relays and a LED."""

    ADC_PINS = (26, 27, 28)
    FITTED = {
        "ch0": {"part": "fz0430", "measures": "pv_voltage"},
        "ch1": {"part": "sct013-010", "measures": "load_current"},
        "ch2": {"part": "fz0430", "measures": "battery_voltage"},
    }
    RELAY_IN = 14
    RELAY_OUT = 15
    LED = 16  # lit while the house receives energy
    I2C = 0
    SDA = 4
    SCL = 5


class Ac(Thesis):
    """The third channel has a ZMPT101B instead: real power of the load.

    The battery's voltage comes from the part on I2C that measures its current.
    """

    FITTED = dict(Thesis.FITTED, ch2={"part": "zmpt101b", "measures": "load_voltage"})


PROFILES = {"thesis": Thesis, "ac": Ac}
