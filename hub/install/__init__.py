"""The hub as a service of a Raspberry Pi: units for systemd, a user of its own, limits on logs."""
