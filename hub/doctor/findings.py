"""One finding of the doctor: what was looked at, how it is, and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

GOOD, WARNING, FAILED = "good", "warning", "failed"


@dataclass(frozen=True)
class Finding:
    """`level`: good, warning (it runs, not for long or not as it should) or failed.

    `remedy`: what a person does. `mend`: the same done by the program, where that is harmless; it
    returns nothing and raises TruequeError or OSError.
    """

    part: str
    level: str
    sentence: str
    remedy: str = ""
    mend: Callable[[], object] | None = None


def good(part: str, sentence: str) -> Finding:
    return Finding(part, GOOD, sentence)
