"""The carrier as a printed circuit board: parts of the model go in, a KiCad board comes out."""
