"""Where the legs of a part go: pads, outline and the names printed beside them, in millimetres.

Dimensions are those of the makers' drawings; pads have at least 0.3 mm of copper around the hole.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pad:
    """A pad around its leg; `drill` 0 is a pad on the upper side only."""

    number: str
    x: float
    y: float
    width: float
    height: float
    drill: float

    @property
    def is_through(self) -> bool:
        """Tell whether the pad is on both sides."""
        return self.drill > 0


@dataclass(frozen=True)
class Footprint:
    """Pads, printed outlines, the body's rectangle, and where the reference is printed."""

    name: str
    pads: tuple[Pad, ...]
    lines: tuple[tuple[Point, ...], ...]
    body: Box
    label: Point
    label_mm: float = 1.0
    legend: tuple[tuple[str, Point], ...] = ()

    def turned(self, quarters: int) -> Footprint:
        """Return it turned clockwise by quarter turns; words keep upright."""
        shape = self
        for _ in range(quarters % 4):
            x0, y0, x1, y1 = shape.body
            shape = Footprint(
                shape.name,
                tuple(Pad(p.number, -p.y, p.x, p.height, p.width, p.drill) for p in shape.pads),
                tuple(tuple((-y, x) for x, y in line) for line in shape.lines),
                (-y1, x0, -y0, x1),
                (-shape.label[1], shape.label[0]),
                shape.label_mm,
                tuple((text, (-y, x)) for text, (x, y) in shape.legend),
            )
        return shape


def _row(names: tuple[str, ...], pitch: float, size: Point, drill: float) -> tuple[Pad, ...]:
    return tuple(Pad(name, 0.0, place * pitch, *size, drill) for place, name in enumerate(names))


def _outline(box: Box) -> tuple[Point, ...]:
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))


def axial() -> Footprint:
    """Return a 0.25 W resistor lying over 10.16 mm."""
    body = (1.93, -1.25, 8.23, 1.25)
    pads = (Pad("1", 0, 0, 1.6, 1.6, 0.8), Pad("2", 10.16, 0, 1.6, 1.6, 0.8))
    return Footprint("axial", pads, (_outline(body),), (-0.9, -1.3, 11.06, 1.3), (5.08, 0), 0.8)


def radial(pitch: float, body: Box, name: str) -> Footprint:
    """Return a capacitor standing on two legs, pin 1 (plus) at the origin."""
    pads = (Pad("1", 0, 0, 1.4, 1.4, 0.7), Pad("2", pitch, 0, 1.4, 1.4, 0.7))
    middle = (body[0] + body[2]) / 2
    plus = (("+", (0, 1.7)),) if name == "electrolytic" else ()
    return Footprint(name, pads, (_outline(body),), body, (middle, body[1] - 1.6), 1.0, plus)


def led() -> Footprint:
    """Return a 5 mm LED: the cathode, at the flat side, is at the origin."""
    body = (-1.9, -3.0, 4.44, 3.0)
    pads = (Pad("K", 0, 0, 1.6, 1.6, 0.9), Pad("A", 2.54, 0, 1.6, 1.6, 0.9))
    flat = ((-1.3, -2.6), (-1.3, 2.6))
    return Footprint("led_5mm", pads, (_outline(body), flat), body, (1.27, -3.8), 1.0,
                     (("K", (0, 1.7)), ("A", (2.54, 1.7))))  # fmt: skip


def sot23() -> Footprint:
    """Return a SOT-23 on the upper side."""
    pads = (Pad("1", -0.9375, -0.95, 1.475, 0.6, 0), Pad("2", -0.9375, 0.95, 1.475, 0.6, 0),
            Pad("3", 0.9375, 0, 1.475, 0.6, 0))  # fmt: skip
    lines = (((-0.6, -1.6), (0.76, -1.6), (0.76, -0.6)), ((-0.6, 1.6), (0.76, 1.6), (0.76, 0.6)))
    return Footprint("sot23", pads, lines, (-1.9, -1.75, 1.9, 1.75), (0, -2.5))


def to92() -> Footprint:
    """Return a TO-92 with its legs 2.54 mm apart: D, G, S of a ZVNL110A from above."""
    body = (-2.6, -1.4, 2.2, 6.5)
    pads = _row(("D", "G", "S"), 2.54, (1.6, 1.6), 0.8)
    legend = tuple((pad.number, (1.5, pad.y)) for pad in pads)
    return Footprint("to92", pads, (_outline(body),), body, (-0.2, -2.2), 1.0, legend)


def header() -> Footprint:
    """Return a 1x3 pin header."""
    body = (-1.3, -1.3, 1.3, 6.38)
    pads = _row(("1", "2", "3"), 2.54, (1.6, 1.6), 1.0)
    legend = (("1", (1.9, 0)), ("3", (1.9, 5.08)))
    return Footprint("header_3", pads, (_outline(body),), body, (0, -2.4), 1.0, legend)


def plug(names: tuple[str, ...]) -> Footprint:
    """Return a JST XH header; its opening looks away from the printed names of its pins."""
    pads = tuple(Pad(str(n + 1), 0, 2.5 * n, 1.9, 1.6, 1.0) for n in range(len(names)))
    body = (-3.4, -2.45, 2.35, 2.5 * (len(names) - 1) + 2.45)
    legend = tuple((text, (4.3, 2.5 * n)) for n, text in enumerate(names))
    return Footprint(f"xh_{len(names)}", pads, (_outline(body),), body, (-0.5, -3.5), 1.0, legend)


def clamp(names: tuple[str, ...]) -> Footprint:
    """Return a screw terminal of 5.08 mm."""
    pads = tuple(Pad(str(n + 1), 0, 5.08 * n, 2.6, 2.6, 1.3) for n in range(len(names)))
    body = (-4.1, -2.54, 4.0, 5.08 * (len(names) - 1) + 2.54)
    legend = tuple((text, (6.6, 5.08 * n)) for n, text in enumerate(names))
    return Footprint(f"clamp_{len(names)}", pads, (_outline(body),), body, (0, -4.6), 1.0, legend)


def tactile() -> Footprint:
    """Return a 6 x 6 mm push button: two legs for each end of the contact."""
    pads = tuple(Pad(number, x, y, 1.8, 1.8, 1.0)
                 for number, y in (("1", 0), ("2", 4.5)) for x in (0, 6.5))  # fmt: skip
    body = (-1.1, -1.1, 7.6, 5.6)
    circle = ((1.4, 1.2), (5.1, 1.2), (5.1, 3.3), (1.4, 3.3), (1.4, 1.2))
    return Footprint("tactile", pads, (circle,), body, (3.25, 2.25))


def pico(names: tuple[str, ...]) -> Footprint:
    """Return two sockets 1x20 for the Pico, USB up; pin 1 is at the origin."""
    left = tuple(Pad(str(1 + n), 0, 2.54 * n, 1.6, 1.6, 1.0) for n in range(20))
    right = tuple(Pad(str(40 - n), 17.78, 2.54 * n, 1.6, 1.6, 1.0) for n in range(20))
    body = (-1.6, -1.4, 19.4, 49.7)
    usb = ((4.9, 0.4), (12.9, 0.4), (12.9, 4.4), (4.9, 4.4), (4.9, 0.4))
    mark = (("USB", (8.89, 2.4)), ("1", (2.0, 0)))
    return Footprint("pico", left + right, (_outline(body), usb), body, (8.89, 24.0), 1.5, mark)
