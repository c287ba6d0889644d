"""Commands, the virtual bench and what a technician needs."""
