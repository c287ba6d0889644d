"""Bridges to neighbours: what the hub knows goes out, house meters come in. Nothing commands."""
