"""A Pico without a Pico: fakes that refuse what hardware refuses, own time, keep history."""
