"""The virtual bench: house physics and boards that run the real firmware without hardware."""
