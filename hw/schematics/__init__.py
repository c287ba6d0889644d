"""Drawings of the kit: one model, from which every picture, list and deck is made."""
