"""Alarms: what a person has to look at, raised once, acknowledged by a name, cleared, kept."""
