"""Pictures of parts, drawn for this project: two-terminal symbols in four directions, and boxes.

A stroke is (kind, points): "line" joins its points, "fill" is a filled outline, "rectangle" has two
corners, "circle" a centre and a point on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from hw.schematics.model import Pin, Symbol

Point = tuple[float, float]
Stroke = tuple[str, tuple[Point, ...]]

_LEAD_IN: Stroke = ("line", ((-1, 0), (-0.6, 0)))
_LEAD_OUT: Stroke = ("line", ((0.6, 0), (1, 0)))
_TRIANGLE: Stroke = ("fill", ((-0.45, -0.5), (-0.45, 0.5), (0.45, 0)))
_DIODE: tuple[Stroke, ...] = (
    ("line", ((-1, 0), (-0.45, 0))), _TRIANGLE,
    ("line", ((0.45, 0), (1, 0))), ("line", ((0.45, -0.5), (0.45, 0.5))))  # fmt: skip
_ARROWS: tuple[Stroke, ...] = (
    ("line", ((-0.1, -0.6), (0.35, -1.05))), ("line", ((0.1, -1.05), (0.35, -1.05), (0.35, -0.8))),
    ("line", ((0.4, -0.6), (0.85, -1.05))), ("line", ((0.6, -1.05), (0.85, -1.05), (0.85, -0.8))),
)  # fmt: skip
_CROSS = 0.6 / math.sqrt(2)

SHAPES: dict[str, tuple[Stroke, ...]] = {
    "resistor": (("rectangle", ((-1, -0.38), (1, 0.38))),),
    "capacitor": (("line", ((-1, 0), (-0.18, 0))), ("line", ((-0.18, -0.6), (-0.18, 0.6))),
                  ("line", ((0.18, -0.6), (0.18, 0.6))), ("line", ((0.18, 0), (1, 0)))),
    "electrolytic": (("line", ((-1, 0), (-0.3, 0))), ("rectangle", ((-0.3, -0.6), (-0.08, 0.6))),
                     ("fill", ((0.12, -0.6), (0.34, -0.6), (0.34, 0.6), (0.12, 0.6))),
                     ("line", ((0.34, 0), (1, 0))), ("line", ((-0.9, -0.4), (-0.5, -0.4))),
                     ("line", ((-0.7, -0.6), (-0.7, -0.2)))),
    "diode": _DIODE,
    "schottky": (*_DIODE, ("line", ((0.45, -0.5), (0.2, -0.5), (0.2, -0.3))),
                 ("line", ((0.45, 0.5), (0.7, 0.5), (0.7, 0.3)))),
    "tvs": (*_DIODE, ("line", ((0.45, -0.5), (0.2, -0.65))), ("line", ((0.45, 0.5), (0.7, 0.65)))),
    "led": (*_DIODE, *_ARROWS),
    "fuse": (("rectangle", ((-1, -0.38), (1, 0.38))), ("line", ((-1, 0), (1, 0)))),
    "lamp": (("line", ((-1, 0), (-0.6, 0))), ("line", ((0.6, 0), (1, 0))),
             ("circle", ((0, 0), (0.6, 0))), ("line", ((-_CROSS, -_CROSS), (_CROSS, _CROSS))),
             ("line", ((-_CROSS, _CROSS), (_CROSS, -_CROSS)))),
    "battery": (("line", ((-1, 0), (-0.35, 0))), ("line", ((-0.35, -0.8), (-0.35, 0.8))),
                ("fill", ((-0.12, -0.4), (0.0, -0.4), (0.0, 0.4), (-0.12, 0.4))),
                ("line", ((0.2, -0.8), (0.2, 0.8))),
                ("fill", ((0.42, -0.4), (0.54, -0.4), (0.54, 0.4), (0.42, 0.4))),
                ("line", ((0.54, 0), (1, 0)))),
    "make": (("line", ((-1, 0), (-0.6, 0), (0.55, -0.6))), _LEAD_OUT),
    "plug": (("line", ((-1, 0), (-0.3, 0))), ("line", ((-0.7, -0.4), (-0.3, 0), (-0.7, 0.4))),
             ("line", ((-0.2, -0.4), (0.2, 0), (-0.2, 0.4))), ("line", ((0.2, 0), (1, 0)))),
    "break": (("line", ((-1, 0), (-0.6, 0), (0.75, -0.25))), _LEAD_OUT,
              ("line", ((0.6, 0), (0.6, -0.4)))),
}  # fmt: skip
_TURNS = {"right": (1, 0, 0, 1), "down": (0, -1, 1, 0), "left": (-1, 0, 0, -1), "up": (0, 1, -1, 0)}
_OPPOSITE = {"right": "left", "left": "right", "up": "down", "down": "up"}


@cache
def two_terminal(shape: str, direction: str, numbers: tuple[str, str] = ("1", "2")) -> Symbol:
    """Return a symbol whose first pin is behind and second ahead of `direction`."""
    a, b, c, d = _TURNS[direction]

    def turn(point: Point) -> Point:
        x, y = point
        return a * x + b * y, c * x + d * y

    strokes = []
    for kind, points in SHAPES[shape]:
        strokes.append((kind, tuple(turn(point) for point in points)))
    pins = (Pin(numbers[0], numbers[0], *turn((-2, 0)), _OPPOSITE[direction]),
            Pin(numbers[1], numbers[1], *turn((2, 0)), direction))  # fmt: skip
    top = 1.15 if shape == "led" else 0.6
    body = (-1, -top, 1, top) if direction in ("left", "right") else (-0.6, -1, 0.6, 1)
    return Symbol(f"{shape}_{direction}", pins, tuple(strokes), body)


def _schottky_up(y: float) -> tuple[Stroke, ...]:
    """Return a Schottky diode pointing up, its middle at `y`."""
    return (("fill", ((-0.5, y + 0.4), (0.5, y + 0.4), (0, y - 0.4))),
            ("line", ((-0.5, y - 0.4), (0.5, y - 0.4))),
            ("line", ((-0.5, y - 0.4), (-0.5, y - 0.2), (-0.3, y - 0.2))),
            ("line", ((0.5, y - 0.4), (0.5, y - 0.6), (0.3, y - 0.6))))  # fmt: skip


CLAMP = Symbol(
    "schottky_pair",
    (Pin("1", "A", 0, 3, "down"), Pin("2", "K", 0, -3, "up"), Pin("3", "AK", -2, 0, "left")),
    (("rectangle", ((-1, -2), (1, 2))), *_schottky_up(-1.1), *_schottky_up(1.1),
     ("line", ((0, -2), (0, -1.5))), ("line", ((0, -0.7), (0, 0.7))), ("line", ((0, 1.5), (0, 2))),
     ("line", ((-1, 0), (0, 0)))),
    (-1, -2, 1, 2),
)  # fmt: skip
"""Two Schottky diodes in series: pin 1 the lower anode, 2 the upper cathode, 3 the middle."""

MOSFET = Symbol(
    "mosfet_n",
    (Pin("G", "G", -2, 0, "left", "input"), Pin("D", "D", 1, -2, "up"),
     Pin("S", "S", 1, 2, "down")),
    (("circle", ((0.4, 0), (1.5, 0))), ("line", ((-1, 0), (-0.1, 0))),
     ("line", ((-0.1, -0.6), (-0.1, 0.6))), ("line", ((0.2, -0.7), (0.2, 0.7))),
     ("line", ((0.2, -0.5), (1, -0.5), (1, -1))), ("line", ((0.2, 0.5), (1, 0.5), (1, 1))),
     ("line", ((0.2, 0), (1, 0), (1, 0.5))), ("fill", ((0.25, 0), (0.6, -0.2), (0.6, 0.2)))),
    (-1, -1, 1.6, 1),
)  # fmt: skip


def box(
    name: str,
    width: float,
    left: Sequence[str],
    right: Sequence[str] = (),
    contacts: Sequence[int] = (),
) -> Symbol:
    """Return a rectangle with pins on two sides, one a row.

    A pin is written `number:name:role`, the last two optional; an empty text leaves a gap.
    `contacts` are rows where an open contact joins left and right inside.
    """
    pins = []
    for side, texts in (("left", left), ("right", right)):
        x = -width / 2 - 1 if side == "left" else width / 2 + 1
        for row, text in enumerate(texts):
            if text:
                number, name_, role = (*text.split(":"), "", "")[:3]
                label = name_ or number
                number = number.replace(" ", "_")  # KiCad's netlist does so too
                pins.append(Pin(number, label, x, row, side, role or "passive"))
    height = max(len(left), len(right))
    corners = ((-width / 2, -1.0), (width / 2, float(height)))
    strokes: list[Stroke] = [("rectangle", corners)]
    for row in contacts:
        strokes.append(("line", ((-0.9, row), (-0.5, row), (0.5, row - 0.55))))
        strokes.append(("line", ((0.5, row), (0.9, row))))
    has_numbers = any(pin.number != pin.name.replace(" ", "_") for pin in pins)
    return Symbol(name, tuple(pins), tuple(strokes), (*corners[0], *corners[1]), True, has_numbers)
