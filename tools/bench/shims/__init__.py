"""Stand-ins for MicroPython's hardware modules; MicroPython finds them by MICROPYPATH."""
