"""A deck is a netlist with the numbers expected of it; `run` asks ngspice for them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

_ANSWER = re.compile(r"^\s*(\w+)\s*=\s*([-+0-9.eE]+)", re.MULTILINE)


@dataclass(frozen=True)
class Vector:
    """A number that a deck prints as `name`: what is expected, its unit, what it is."""

    name: str
    expected: float
    unit: str
    meaning: str
    is_fact: bool = True
    """True for the vectors the design rests on, False for what follows from the drawing."""
    slack: float = 0.0
    """Half of the last digit, where the expected value is given in few digits."""

    def accepts(self, value: float) -> bool:
        """Tell whether a value is within 1 % of the expected one, or within the slack."""
        return abs(value - self.expected) <= max(0.01 * abs(self.expected), self.slack, 1e-6)


@dataclass(frozen=True)
class Deck:
    """A netlist with its vectors."""

    name: str
    title: str
    body: str
    control: str
    vectors: tuple[Vector, ...]

    @property
    def text(self) -> str:
        """Return what ngspice reads."""
        control = f".control\nset numdgt=7\n{self.control.strip()}\nquit\n.endc"
        return f"* {self.title}\n{MODELS}{self.body.strip()}\n{control}\n.end\n"


MODELS = """\
* Generic parts: BAT54-like pair, ESD diode, optocoupler and indicator, power Schottky.
.model clamp d(is=2.6e-7 n=1.083 rs=1)
.model esd d(is=1e-14 n=1.05)
.model opto d(is=1.14e-15 n=1.5)
.model indicator d(is=9.15e-18 n=2)
.model power d(is=5.55e-6 n=1.05 rs=0.04)
.model nmos nmos(level=1 vto=1.2 kp=0.1)
"""


def run(deck: Deck) -> dict[str, float]:
    """Return what ngspice prints for a deck. Raises RuntimeError with its words when it fails."""
    done = subprocess.run(["ngspice", "-b", "/dev/stdin"], input=deck.text, text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip
    found = {name: float(value) for name, value in _ANSWER.findall(done.stdout)}
    missing = [vector.name for vector in deck.vectors if vector.name not in found]
    if missing:
        raise RuntimeError(f"ngspice gave no {', '.join(missing)}:\n{done.stdout}{done.stderr}")
    return found
