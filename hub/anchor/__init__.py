"""Hashes of closed windows on an outside chain: so nobody, the hub included, rewrites the past."""
