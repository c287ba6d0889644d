"""GPIOs of the panel on the Raspberry Pi, BCM numbers; hw/schematics draws the same."""

ESTOP_SENSE = 17  # low while STOP is released; an open wire reads as pressed
CONTACTOR_SENSE = 27  # low while every contactor is closed
ACKNOWLEDGE_BUTTON = 25  # low while pressed
MARKET_LED = 22
DELIVERY_LED = 23
FAULT_LED = 24
CONTACTOR_PERMIT = 26  # high: the contactors may hold; low, as at boot: they drop


def table() -> dict[str, int]:
    """Return the pins by name."""
    return {name: number for name, number in globals().items() if name.isupper()}
