"""A unit's schematic as a person reads it: parts, lines and names on a canvas."""

from __future__ import annotations

import math

from hw.schematics.canvas import PAPERS_MM, Canvas, Text, text_width_mm
from hw.schematics.model import GRID_MM, Frame, Note, Part, Pin, Unit
from hw.schematics.sheet import Label, Sheet, resolve

INK, WIRE, LABEL, BODY, PAPER = "#1a1a1a", "#0b6b3a", "#8a1c1c", "#7a1f1f", "#fffbe8"
FRAME, DANGER, PALE = "#5b6b7a", "#c01818", "#9aa5ad"
TEXT_MM = 1.75


def schematic(unit: Unit) -> Canvas:
    """Return the drawing of a unit on its paper."""
    sheet = resolve(unit)
    canvas = Canvas(*PAPERS_MM[unit.paper])
    for frame in unit.frames:
        _frame(canvas, frame)
    for start, end in sheet.segments:
        canvas.line((_mm(start), _mm(end)), WIRE, 0.3)
    for dot in sheet.dots:
        x, y = _mm(dot)
        canvas.area(_circle(x, y, 0.55), WIRE, WIRE, 0.1)
    for part in unit.parts:
        _part(canvas, part)
    for label in sheet.labels:
        _label(canvas, label)
    _marks(canvas, sheet)
    for note in unit.notes:
        _note(canvas, note)
    _title(canvas, unit)
    return canvas


def _mm(point: tuple[float, float]) -> tuple[float, float]:
    return point[0] * GRID_MM, point[1] * GRID_MM


def _circle(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    turns = [2 * math.pi * n / 24 for n in range(24)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in turns]


def _frame(canvas: Canvas, frame: Frame) -> None:
    (x0, y0), (x1, y1) = _mm((frame.x0, frame.y0)), _mm((frame.x1, frame.y1))
    colour = DANGER if frame.is_hazardous else FRAME
    canvas.line(((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)), colour, 0.3, dash=2.0)
    canvas.write(Text(x0 + 1.5, y0 + 3.2, frame.title, 2.2, colour, is_bold=True))


def _part(canvas: Canvas, part: Part) -> None:
    colour = BODY if part.is_fitted else PALE
    for kind, points in part.symbol.strokes:
        placed = [_mm((part.x + x, part.y + y)) for x, y in points]
        if kind == "circle":
            (x, y), _ = placed
            canvas.area(_circle(x, y, math.dist(*placed)), colour, PAPER)
        elif kind == "rectangle":
            (x0, y0), (x1, y1) = placed
            canvas.rectangle((x0, y0, x1, y1), colour, PAPER)
        elif kind == "fill":
            canvas.area(placed, colour, colour, 0.15)
        else:
            canvas.line(placed, colour)
    for pin in part.symbol.pins:
        _pin(canvas, part, pin, colour)
    _names(canvas, part)


def _pin(canvas: Canvas, part: Part, pin: Pin, colour: str) -> None:
    x, y = _mm(part.at(pin))
    step_x, step_y = {"left": (1, 0), "right": (-1, 0), "up": (0, 1), "down": (0, -1)}[pin.out]
    inner_x, inner_y = x + step_x * GRID_MM, y + step_y * GRID_MM
    canvas.line(((x, y), (inner_x, inner_y)), colour)
    if part.symbol.shows_names:
        anchor = "start" if pin.out == "left" else "end"
        canvas.write(Text(inner_x + step_x * 0.7, y + 0.6, pin.name, TEXT_MM, INK, anchor))
    if part.symbol.shows_numbers:
        anchor = "end" if pin.out == "left" else "start"
        canvas.write(Text(inner_x - step_x * 0.3, y - 0.25, pin.number, 1.2, INK, anchor))


def name_places(part: Part) -> tuple[tuple[float, float], tuple[float, float], str]:
    """Return where reference and value stand, in grid units, and their anchor."""
    left, top, right, _ = part.symbol.body
    if part.symbol.shows_names:
        return (part.x + left, part.y + top - 0.95), (part.x + left, part.y + top - 0.2), "start"
    if len(part.symbol.pins) == 2 and part.symbol.pins[0].y == part.symbol.pins[1].y:
        return (part.x, part.y + top - 0.55), (part.x, part.y + 1.5), "middle"
    beside = part.x + right + 0.45
    return (beside, part.y - 0.25), (beside, part.y + 0.65), "start"


def _names(canvas: Canvas, part: Part) -> None:
    reference, value, anchor = name_places(part)
    colour = INK if part.is_fitted else PALE
    canvas.write(Text(*_mm(reference), part.reference, 1.9, colour, anchor, is_bold=True))
    canvas.write(Text(*_mm(value), part.value, TEXT_MM, colour, anchor))


def _label(canvas: Canvas, label: Label) -> None:
    """Draw a net's name in a flag that points at its line."""
    x, y = _mm(label.point)
    length, half = text_width_mm(label.net, TEXT_MM) + 2.4, 1.15
    shape = [(0.0, 0.0), (1.2, -half), (length, -half), (length, half), (1.2, half)]
    along = {"right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}[label.out]
    dx, dy = along
    placed = [(x + dx * a + dy * b, y + dy * a + dx * b) for a, b in shape]
    canvas.area(placed, LABEL, "#fff", 0.2)
    middle = 0.5 * (length + 0.8)
    if dy:
        canvas.write(Text(x + 0.6, y + dy * middle, label.net, TEXT_MM, LABEL, "middle", turn=90))
    else:
        canvas.write(Text(x + dx * middle, y + 0.6, label.net, TEXT_MM, LABEL, "middle"))


def _marks(canvas: Canvas, sheet: Sheet) -> None:
    for point in sheet.unconnected:
        x, y = _mm(point)
        canvas.line(((x - 0.7, y - 0.7), (x + 0.7, y + 0.7)), FRAME, 0.2)
        canvas.line(((x - 0.7, y + 0.7), (x + 0.7, y - 0.7)), FRAME, 0.2)


def _note(canvas: Canvas, note: Note) -> None:
    x, y = _mm((note.x, note.y))
    for row, line in enumerate(note.lines):
        canvas.write(Text(x, y + 3.6 * row, line, 2.1, INK))


def _title(canvas: Canvas, unit: Unit) -> None:
    right, bottom = canvas.width - 8, canvas.height - 8
    canvas.rectangle((8, 8, right, bottom), INK, "", 0.35)
    canvas.rectangle((right - 110, bottom - 20, right, bottom), INK, "#fff", 0.35)
    canvas.write(Text(right - 107, bottom - 12.5, unit.title, 4.0, INK, is_bold=True))
    line = f"Trueque  |  {unit.name}  |  {unit.paper}  |  drawn by hw/schematics from its model"
    canvas.write(Text(right - 107, bottom - 5, line, 2.1, INK))
