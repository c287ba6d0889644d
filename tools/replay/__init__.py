"""Recorded samples through the board's own meter."""
