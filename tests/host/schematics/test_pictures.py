"""Nothing on a picture overlaps: names, flags, lines and bodies keep apart."""

from __future__ import annotations

from itertools import combinations

import pytest

from hw.schematics import picture, wiring
from hw.schematics.bench_layout import bench_layout
from hw.schematics.canvas import Box, Canvas
from hw.schematics.model import GRID_MM, Unit
from hw.schematics.sheet import resolve

NAMES = ["peer-node", "hub", "bus-2", "bus-5"]


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def shrunk(box: Box) -> Box:
    """Leave the edge out: a flag's tip touches its own line."""
    return box[0] + 0.2, box[1] + 0.2, box[2] - 0.2, box[3] - 0.2


def flags(canvas: Canvas) -> list[Box]:
    """Return the rectangles of the nets' flags."""
    found = []
    for stroke in canvas.strokes:
        if stroke.colour == picture.LABEL and stroke.is_closed:
            xs, ys = [x for x, _ in stroke.points], [y for _, y in stroke.points]
            found.append((min(xs), min(ys), max(xs), max(ys)))
    return found


def bodies(unit: Unit) -> list[Box]:
    found = []
    for part in unit.parts:
        left, top, right, bottom = part.symbol.body
        found.append(((part.x + left) * GRID_MM, (part.y + top) * GRID_MM,
                      (part.x + right) * GRID_MM, (part.y + bottom) * GRID_MM))  # fmt: skip
    return found


@pytest.mark.parametrize("draw", [picture.schematic, wiring.drawing], ids=["schematic", "wiring"])
@pytest.mark.parametrize("name", NAMES)
def test_texts_keep_apart_when_drawn(kit: dict[str, Unit], name: str, draw) -> None:
    canvas = draw(kit[name])
    clashes = [(a.text, b.text) for a, b in combinations(canvas.texts, 2) if overlap(a.box, b.box)]
    assert clashes == []
    for text in canvas.texts:
        left, top, right, bottom = text.box
        assert left > 0 and top > 0 and right < canvas.width and bottom < canvas.height, text.text


@pytest.mark.parametrize("name", NAMES)
def test_flags_keep_apart_when_drawn(kit: dict[str, Unit], name: str) -> None:
    unit = kit[name]
    canvas = picture.schematic(unit)
    boxes = flags(canvas)
    assert [pair for pair in combinations(boxes, 2) if overlap(*pair)] == []
    assert [(a, b) for a in boxes for b in bodies(unit) if overlap(a, b)] == []
    for text in canvas.texts:
        covered = [box for box in boxes if overlap(box, text.box)]
        assert len(covered) <= (text.colour == picture.LABEL), text.text


@pytest.mark.parametrize("name", NAMES)
def test_lines_cross_no_flag_body_or_name_when_drawn(kit: dict[str, Unit], name: str) -> None:
    unit = kit[name]
    canvas = picture.schematic(unit)
    names = [text.box for text in canvas.texts]
    for (x0, y0), (x1, y1) in resolve(unit).segments:
        line = (min(x0, x1) * GRID_MM - 0.1, min(y0, y1) * GRID_MM - 0.1,
                max(x0, x1) * GRID_MM + 0.1, max(y0, y1) * GRID_MM + 0.1)  # fmt: skip
        touched = [box for box in names + bodies(unit) if overlap(line, box)]
        assert touched == [], (x0, y0, x1, y1)
        inside = [box for box in flags(canvas) if overlap(line, shrunk(box))]
        assert inside == [], (x0, y0, x1, y1)


@pytest.mark.parametrize("name", NAMES)
def test_bodies_keep_apart_when_drawn(kit: dict[str, Unit], name: str) -> None:
    assert [pair for pair in combinations(bodies(kit[name]), 2) if overlap(*pair)] == []


@pytest.mark.parametrize("name", NAMES)
def test_wiring_lines_of_two_nets_never_coincide_when_drawn(
    kit: dict[str, Unit], name: str
) -> None:
    thick = [stroke for stroke in wiring.drawing(kit[name]).strokes if stroke.width == 0.7]
    for a, b in combinations(thick, 2):
        if a.colour == b.colour and set(a.points) & set(b.points):
            continue  # pieces of one net
        for axis in (0, 1):
            other = 1 - axis
            if a.points[0][axis] == a.points[1][axis] == b.points[0][axis] == b.points[1][axis]:
                low = max(min(p[other] for p in a.points), min(p[other] for p in b.points))
                high = min(max(p[other] for p in a.points), max(p[other] for p in b.points))
                assert low >= high or a.colour == b.colour


@pytest.mark.parametrize("name", NAMES)
def test_wiring_tracks_cross_no_name_when_drawn(kit: dict[str, Unit], name: str) -> None:
    canvas = wiring.drawing(kit[name])
    upright = [stroke for stroke in canvas.strokes if len(stroke.points) == 2
               and stroke.points[0][0] == stroke.points[1][0]]  # fmt: skip
    for text in canvas.texts:
        left, top, right, bottom = text.box
        crossed = [x for stroke in upright for (x, y0), (_, y1) in [stroke.points]
                   if left < x < right and min(y0, y1) < bottom and top < max(y0, y1)]  # fmt: skip
        assert crossed == [], text.text


def test_bench_layout_texts_keep_apart_when_drawn() -> None:
    canvas = bench_layout()
    boxes = [text.box for text in canvas.texts]
    assert [pair for pair in combinations(boxes, 2) if overlap(*pair)] == []
    assert all(left > 8 and right < canvas.width - 8 for left, _, right, _ in boxes)
