"""A board to oneself: its node not started, its watchdog not running, its relays open.

The watchdog of a node that runs can't be stopped and would reset the board in the middle of any
work longer than 8 s. So the tool leaves a mark in the board's flash and resets it; main.py then
starts no node (firmware/pico/main.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tools.board.errors import BoardError
from tools.board.prompt import Prompt
from tools.board.state import MAINTENANCE, BoardState, look

ONCE = b"once"
"""For one start: a board whose cable is pulled runs again when it next gets power."""
UNTIL_DONE = b"until a tool removes this"
"""Files are being changed: half of them must never run, however often it is started."""


@contextlib.contextmanager
def alone(port: str) -> Iterator[tuple[Prompt, BoardState]]:
    """Work on a board whose firmware stays; afterwards it starts again, whatever happens.

    Raises BoardError when its firmware does not know the mark.
    """
    with Prompt(port) as prompt:
        state = look(prompt)
        if not state.can_wait:
            raise BoardError(
                f"{port}: the program on this board is not this version's firmware; "
                "first: trueque board flash"
            )
        if state.is_waiting and prompt.read(MAINTENANCE) != ONCE:
            raise BoardError(
                f"{port}: its firmware was not written to the end; first: trueque board flash"
            )
        prompt.write(MAINTENANCE, ONCE)
        prompt.reset()
        try:
            yield prompt, state
        finally:
            let_run(prompt)


def let_run(prompt: Prompt) -> None:
    """Take the mark away and start the board. It runs again by itself if it is gone already."""
    with contextlib.suppress(BoardError):
        prompt.remove(MAINTENANCE)
        prompt.restart()
