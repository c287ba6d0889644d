"""Hardware tests: a package, so that their boards end with its last test."""
