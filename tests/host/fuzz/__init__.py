"""Random and mutated inputs by the million, at every door of a board and of the hub.

.venv/bin/python -m tests.host.fuzz --inputs 1000000
"""
