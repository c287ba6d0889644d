"""The community's low-voltage feeder: power flow, limits before clearing, violations after it."""
