"""The version of the firmware, as status records tell it."""

FIRMWARE = "0.1.0"
