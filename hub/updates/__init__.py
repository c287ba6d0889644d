"""Firmware over the air: packages checked, offered to nodes, sent chunk by chunk, followed."""
