"""What a sensor answers: a value in the unit of its driver, a frequency where it has one, flags."""


class Quantity:
    """`value`: integer. `flags`: names from wire.records.QUALITY. `frequency_uhz`: or None."""

    def __init__(self, value, flags=(), frequency_uhz=None):
        self.value = value
        self.flags = flags
        self.frequency_uhz = frequency_uhz
