"""Decks of the analog front ends: values from the drawing go in, ngspice's numbers come out."""

from hw.schematics.spice.deck import Deck, Vector, run
from hw.schematics.spice.front_ends import decks

__all__ = ["Deck", "Vector", "decks", "run"]
