"""The carrier's board as a person sees it from above: tracks, pads and print on a canvas."""

from __future__ import annotations

from hw.schematics.canvas import Canvas, Text
from hw.schematics.pcb.board import TITLE, routed
from hw.schematics.pcb.footprints import Pad
from hw.schematics.pcb.layout import HEIGHT_MM, HOLE_MM, HOLES, STEP_MM, WIDTH_MM, Placed
from hw.schematics.pcb.router import TRACK_MM, VIA_MM, Point

COPPER = ("#c0392b", "#2c6fbb")
"""Colours of the upper and the lower side."""
_SCALE, _LEFT, _TOP = 2.5, 21.5, 8.0


def drawing() -> Canvas:
    """Return the board from above, 2.5 times its size, on A4."""
    parts, tracks = routed()
    canvas = Canvas(297, 210)
    canvas.rectangle((*_at((0, 0)), *_at((WIDTH_MM, HEIGHT_MM))), "#111111", "#f6f7f2", 0.4)
    for layer in (1, 0):
        for _, on, start, end in tracks.lines:
            if on == layer:
                canvas.line((_at(start), _at(end)), COPPER[layer], TRACK_MM * _SCALE)
    for part in parts:
        for pad in part.footprint.pads:
            _draw_pad(canvas, part, pad)
    for _, at in tracks.vias:
        _square(canvas, at, VIA_MM, "#7a5a10")
    for x, y in HOLES:
        _square(canvas, (x * STEP_MM, y * STEP_MM), HOLE_MM, "#ffffff")
    for part in parts:
        _draw_print(canvas, part)
    canvas.write(Text(*_at((WIDTH_MM / 2, HEIGHT_MM - 1.6)), TITLE, 4.0, "#111111", "middle"))
    words = (("red: upper side", COPPER[0], 0.0), ("blue: lower side", COPPER[1], 32.0),
             ("brown: vias; white: 3.2 mm holes; seen from above, 2.5 : 1", "#5b6b7a",
              66.0))  # fmt: skip
    for text, colour, x in words:
        canvas.write(Text(_LEFT + x, 207.6, text, 2.6, colour))
    return canvas


def _at(point: Point) -> Point:
    return _LEFT + point[0] * _SCALE, _TOP + point[1] * _SCALE


def _square(canvas: Canvas, at: Point, size: float, fill: str) -> None:
    (x, y), half = _at(at), size * _SCALE / 2
    canvas.rectangle((x - half, y - half, x + half, y + half), "#555555", fill, 0.15)


def _draw_pad(canvas: Canvas, part: Placed, pad: Pad) -> None:
    x, y = _at((part.x + pad.x, part.y + pad.y))
    across, along = pad.width * _SCALE / 2, pad.height * _SCALE / 2
    fill = "#c9a227" if pad.is_through else COPPER[0]
    canvas.rectangle((x - across, y - along, x + across, y + along), "#555555", fill, 0.15)
    if pad.is_through:
        _square(canvas, (part.x + pad.x, part.y + pad.y), pad.drill * 0.7, "#ffffff")


def _draw_print(canvas: Canvas, part: Placed) -> None:
    for line in part.footprint.lines:
        canvas.line([_at((part.x + x, part.y + y)) for x, y in line], "#111111", 0.3)
    words = [(part.part.reference, part.footprint.label, part.footprint.label_mm)]
    words += [(text, at, 0.8) for text, at in part.footprint.legend]
    for text, (x, y), size in words:
        across, along = _at((part.x + x, part.y + y))
        height = 1.4 * size * _SCALE  # KiCad's size is that of capitals
        canvas.write(Text(across, along + 0.36 * height, text, height, "#111111", "middle"))
