"""A Pico without a Pico: fakes that refuse what the hardware refuses, own the time, keep history."""
