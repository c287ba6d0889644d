"""The hub's panel: emergency stop, lamps and the contactors' permit, on GPIO or on the page."""
