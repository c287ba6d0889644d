"""The USB host of an emulated board: it refuses reads politely, as a real one does."""

from __future__ import annotations

from rp2040py.peripherals.usb import RPUSBController
from rp2040py.usb.cdc import USBCDC

ANSWER_NS = 10_000


class Console(USBCDC):
    """A serial console that answers a pending read only when it has something to send.

    rp2040py 0.3.6 answers each read at once with nothing, which wakes the guest every 10 us for
    ever; a real host lets the transfer wait (NAK).
    """

    def __init__(self, usb: RPUSBController) -> None:
        self._waiting_size: int | None = None
        self._is_answering = False
        super().__init__(usb)
        answer_read = usb.on_endpoint_read
        assert answer_read is not None  # set by the constructor above
        self._answer_read = answer_read
        usb.on_endpoint_read = self._on_read
        self._alarm = usb.rp2040.clock.create_alarm(self._answer)

    def send_serial_byte(self, data: int) -> None:
        """Queue a byte for the guest."""
        super().send_serial_byte(data)
        if self._waiting_size is not None and not self._is_answering:
            self._is_answering = True
            self._alarm.schedule(ANSWER_NS)

    def _on_read(self, endpoint: int, size: int) -> None:
        if endpoint > 0 and endpoint == self._out_endpoint and not self.tx_fifo.item_count:
            self._waiting_size = size
            return
        self._answer_read(endpoint, size)

    def _answer(self) -> None:
        self._is_answering = False
        if self._waiting_size is not None and self.tx_fifo.item_count:
            size, self._waiting_size = self._waiting_size, None
            self._answer_read(self._out_endpoint, size)

    def _on_controller_reset(self) -> None:
        self._waiting_size = None
        super()._on_controller_reset()
