"""Who waits for a block goes on with it."""

from __future__ import annotations

import threading
import time

from hub.chain.pulse import Pulse


def test_waiting_ends_at_once_when_a_block_comes():
    pulse, began_s = Pulse(), time.monotonic()
    threading.Timer(0.05, pulse.beat).start()
    pulse.wait(pulse.beats, 60.0)
    assert time.monotonic() - began_s < 30.0


def test_waiting_does_not_begin_when_a_block_came_since_the_look():
    pulse, began_s = Pulse(), time.monotonic()
    seen = pulse.beats
    pulse.beat()
    pulse.wait(seen, 60.0)
    assert time.monotonic() - began_s < 30.0


def test_waiting_ends_when_no_block_comes():
    Pulse().wait(0, 0.01)
