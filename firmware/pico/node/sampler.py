"""Blocks of the ADC stream in, measured windows in the house meter out."""

import asyncio

POLL_MS = 10


class Sampler:
    """Feeds each full block to the windows and each ended window to the meter."""

    def __init__(self, stream, windows, meter):
        """`stream`: AdcStream. `windows`: Windows. `meter`: HouseMeter."""
        self._stream = stream
        self._windows = windows
        self._meter = meter
        self._has_lost = False

    def step(self):
        """Take the block that is full, if one is. Return False when samples were lost."""
        block = self._stream.take()
        if block is None:
            return True
        spans = self._windows.feed(block, self._stream.frames_per_block)
        is_gapless = self._stream.release()
        for span in spans:
            self._meter.measure(span, self._windows.duration_us(span))
        if not is_gapless:
            self._windows.restart()
            self._has_lost = True
        return is_gapless

    def take_lost(self):
        """Tell whether samples were lost since the last call."""
        has_lost = self._has_lost
        self._has_lost = False
        return has_lost

    async def run(self, beat, on_lost):
        """Sample for ever. `beat()` after every look, `on_lost(count)` at every gap."""
        self._stream.start()
        while True:
            if not self.step():
                on_lost(self._stream.lost)
            beat()
            await asyncio.sleep(POLL_MS / 1000)
