"""A port's name in, the open line out, or the sentence that says why it can't be opened."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from typing import Any

import serial

from tools.board.errors import NoBoard, PortBusy

SOCKET = "socket://"
ADDRESS = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})", re.ASCII)
READ_S = 0.2
BUSY_S = 2.0
"""Desktops look for a modem on each new port for a moment."""


def open_line(port: str) -> Any:
    """Open a port to listen. Raises NoBoard or PortBusy."""
    check_line(port)
    try:
        return serial.serial_for_url(port, timeout=READ_S, exclusive=True)
    except serial.SerialException:
        raise NoBoard(f"{port}: nothing answers there") from None


def check_line(port: str) -> None:
    """Raise NoBoard or PortBusy when a port cannot be opened; mpremote would say only that."""
    if port.startswith(SOCKET):
        _check_address(port)
        return
    try:
        mode = os.stat(port).st_mode
    except OSError:
        if ADDRESS.fullmatch(port):
            raise NoBoard(f"{port}: a board at an address is {SOCKET}{port}") from None
        raise NoBoard(f"{port}: there is no such port; see: trueque board list") from None
    if not stat.S_ISCHR(mode):
        raise NoBoard(f"{port}: this is not a serial port; see: trueque board list")
    deadline_s = time.monotonic() + BUSY_S
    while not _is_free(port):
        if time.monotonic() > deadline_s:
            raise PortBusy(port)
        time.sleep(0.1)


def _check_address(port: str) -> None:
    found = ADDRESS.fullmatch(port.removeprefix(SOCKET))
    if found is None or not 0 < int(found["port"]) < 65_536:
        raise NoBoard(f"{port}: an address is {SOCKET}HOST:PORT, such as {SOCKET}127.0.0.1:2000")


def _is_free(port: str) -> bool:
    """Tell whether nobody else has it. Raises NoBoard when that is not the question."""
    try:
        serial.Serial(port, exclusive=True).close()
    except serial.SerialException as problem:
        if isinstance(problem.__context__, PermissionError):
            raise NoBoard(
                f"{port}: no right to open it; run: sudo usermod -aG dialout $USER, log in anew"
            ) from None
        if "lock" in str(problem) or problem.errno == errno.EBUSY:
            return False
        raise NoBoard(f"{port}: this is not a serial port; see: trueque board list") from None
    return True
