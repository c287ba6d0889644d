"""The firmware's sources in, the same program in fewer files and shorter names out.

A board's interpreter keeps each name it has met, and for each module an object, a dictionary and a
table. So what is always loaded becomes one or a few files, and names that are the program's own
become names that every MicroPython has in its read-only memory anyway. `link` does it all.
"""
