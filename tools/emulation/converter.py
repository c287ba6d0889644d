"""The board's ADC: the bench's codes come out of its FIFO in round robin order and in time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rp2040py.peripherals import adc
from rp2040py.rp2040 import RP2040

Sample = Callable[[list[int], NDArray[np.float64], int], NDArray[np.uint16]]
"""(channels in turn, times in s, pads set up for analog use) -> codes; as bench House.sample."""
AHEAD = 240
"""Codes drawn at a time while the converter runs free: 10 ms of three channels at 8 kS/s."""
CHANNELS = 5
FIRST_PIN = 26
CLOCK_HZ = 48e6


class Converter(adc.RPADC):
    """rp2040py's converter with its round robin mended and the bench as its input.

    In 0.3.6 the number of the next channel is masked with 12 instead of 7, so that every turn
    lands on channel 0.
    """

    def __init__(self, mcu: RP2040, sample: Sample) -> None:
        self._sample = sample
        self._codes: list[int] = []
        self.overruns = 0  # codes that found the FIFO full
        self.converted = 0  # codes put into the FIFO, those among them
        super().__init__(mcu, "ADC")

    @classmethod
    def fit(cls, mcu: RP2040, sample: Sample) -> Converter:
        """Put this converter in the place of the emulator's own."""
        converter = cls(mcu, sample)
        mcu.adc = converter
        mcu.peripherals[0x4004C] = converter
        return converter

    @property
    def _active_channel(self) -> int:
        return (self.cs >> adc.CS_AINSEL_SHIFT) & adc.CS_AINSEL_MASK

    @_active_channel.setter
    def _active_channel(self, channel: int) -> None:
        self.cs &= ~(adc.CS_AINSEL_MASK << adc.CS_AINSEL_SHIFT)
        self.cs |= (channel & adc.CS_AINSEL_MASK) << adc.CS_AINSEL_SHIFT

    def write_uint32(self, offset: int, value: int) -> None:
        """Take a register write; what was drawn ahead is void when the sequence changes."""
        if offset in (adc.CS, adc.DIV):
            self._codes = []
        super().write_uint32(offset, value)

    def reset(self) -> None:
        self._codes = []
        super().reset()
        # Asked for while the FIFO is full, and in 0.3.6 for ever: a channel of the DMA would then
        # take what is not there, without end and in no time.
        self.rp2040.dma.clear_dreq(self.dreq)

    def complete_adc_read(self, value: int, error: bool) -> None:
        """Put a code into the FIFO and go on to the next channel."""
        if self.fcs & adc.FCS_EN:
            self.converted += 1
            self.overruns += self.fifo.full
        super().complete_adc_read(value, error)

    def _on_sample_alarm(self) -> None:
        if not self._codes:
            self._draw()
        self.complete_adc_read(self._codes.pop(), False)

    def _draw(self) -> None:
        now_s = self.rp2040.clock.nanos / 1e9
        turn = self.cs >> adc.CS_RROBIN_SHIFT & adc.CS_RROBIN_MASK
        channels = [channel for channel in range(CHANNELS) if turn >> channel & 1]
        if not self.cs & adc.CS_START_MANY or self.current_channel not in channels:
            at_s = np.array([now_s])
            channels = [self.current_channel]
        else:
            place = channels.index(self.current_channel)
            channels = channels[place:] + channels[:place]
            at_s = now_s + np.arange(AHEAD) * (max(96.0, self.divider) / CLOCK_HZ)
        self._codes = self._sample(channels, at_s, self._analog_pads())[::-1].tolist()

    def _analog_pads(self) -> int:
        """Return a mask of the channels whose pad has its pull-down off."""
        pins = self.rp2040.gpio[FIRST_PIN : FIRST_PIN + 4]
        return sum(1 << place for place, pin in enumerate(pins) if not pin.pulldown_enabled)
