"""Emulated boards: an unmodified MicroPython image on rp2040py, on the bench's physics."""
