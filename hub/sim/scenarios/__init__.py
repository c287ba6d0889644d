"""Scenarios that ship with the simulator."""
