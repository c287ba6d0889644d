"""What can go wrong between a tool and a board: each a sentence that a technician can act on."""

from __future__ import annotations

from hub.errors import BadInput, TruequeError


class BoardError(TruequeError):
    """The board, its cable or its port."""


class NoBoard(BadInput):
    """No board where one was looked for: no such port, or several to choose from."""


class PortBusy(BoardError):
    """Another program holds the port."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port}: another program holds this port; end it (a terminal, an editor, another "
            "trueque command) and run this again"
        )


class NoAnswer(BoardError):
    """Whatever is on the port does not answer as MicroPython does."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port}: no MicroPython prompt answers here; is it the right port "
            "(trueque board list), and is MicroPython on the board (trueque board flash)?"
        )


class CableLost(BoardError):
    """The board went away in the middle of something."""

    def __init__(self, port: str) -> None:
        super().__init__(
            f"{port}: the board went away (cable pulled, or it was reset); its relays are open. "
            "Plug it in and run the same command again: it goes on where it stopped"
        )


class NoSpace(BoardError):
    """The board's flash is full."""


class ProgramFailed(BoardError):
    """Code run on the board raised; `trace` is its traceback."""

    def __init__(self, port: str, trace: str) -> None:
        lines = trace.strip().splitlines()
        super().__init__(f"{port}: on the board: {lines[-1] if lines else 'it failed'}")
        self.trace = trace
