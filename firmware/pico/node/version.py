"""The firmware's version, as status records tell it and updates compare it."""

FIRMWARE = "0.1.0"
RELEASE = 1  # grows with every release
