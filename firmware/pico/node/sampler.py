"""Blocks of the ADC stream in, measured windows in the house meter out."""

import asyncio

POLL_MS = 25  # half a block: to look takes half a ms
STALL_MS = 500  # without a block for so long the stream stands still: DMA or ADC have stopped


class Sampler:
    """Feeds each full block to the windows and each ended window to the meter."""

    def __init__(self, stream, windows, meter, clock):
        """`stream`: AdcStream. `windows`: Windows. `meter`: HouseMeter. `clock`: Clock."""
        self._stream = stream
        self._windows = windows
        self._meter = meter
        self._clock = clock
        self._has_lost = False
        self._block_at_ms = clock.now_ms()

    def start(self):
        """Start the stream."""
        self._block_at_ms = self._clock.now_ms()
        self._stream.start()

    def step(self):
        """Take the block that is full and return True, or False when there is none yet."""
        block = self._stream.take()
        if block is None:
            self._restart_when_stalled()
            return False
        self._block_at_ms = self._clock.now_ms()
        spans = self._windows.feed(block, self._stream.frames_per_block)
        is_gapless = self._stream.release()
        for span in spans:
            self._meter.measure(span, self._windows.duration_us(span))
        if not is_gapless:
            self._note_gap()
        return True

    def take_lost(self):
        """Tell whether samples were lost since the last call."""
        has_lost = self._has_lost
        self._has_lost = False
        return has_lost

    def _restart_when_stalled(self):
        now_ms = self._clock.now_ms()
        if now_ms - self._block_at_ms < STALL_MS:
            return
        self._block_at_ms = now_ms
        self._stream.restart()
        self._meter.forget()  # what is not measured must not look measured
        self._note_gap()

    def _note_gap(self):
        self._windows.restart()
        self._has_lost = True

    async def run(self, beat, on_lost, turns):
        """Sample for ever. `beat()` after every block, `on_lost(count)` at every gap.

        `turns`: Turns. A stream that cannot be restarted beats no more, so the watchdog ends it.
        """
        self.start()
        told = self._stream.lost
        while True:
            if self._stream.take() is not None:
                await turns.take_for_samples()
            is_more_likely = self.step()
            if is_more_likely:
                beat()
            if self._stream.lost != told:
                told = self._stream.lost
                on_lost(told)
            # What waited for a save to end is caught up with turn by turn, not every other turn.
            if not is_more_likely:
                await asyncio.sleep(POLL_MS / 1000)
