"""Hardware of the kit."""
