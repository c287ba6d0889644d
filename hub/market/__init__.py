"""The market engine: orders and net positions enter, trades, prices and costs leave.

Pure functions on plain records, exact in integers, the same on the hub and in the simulator.
Nothing here knows MQTT, SQL, the chain or the page. docs/markets.md states formulas, sources and
properties; `records` holds what enters and leaves.
"""
