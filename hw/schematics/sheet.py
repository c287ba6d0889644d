"""A unit's drawing resolved: lines split at every meeting, dots, labels, and the nets they make.

The nets found here come from geometry alone, by KiCad's rule that lines join at their ends only;
`check` compares them with the nets the unit declares.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hw.schematics.model import Unit

Point = tuple[float, float]
Segment = tuple[Point, Point]
Terminal = tuple[str, str]
_DIRECTIONS = {(1, 0): "right", (-1, 0): "left", (0, 1): "down", (0, -1): "up"}


class DrawingError(ValueError):
    """The picture and the nets of a unit don't agree."""


@dataclass(frozen=True)
class Label:
    """A net's name at a point; `out` is where its flag extends to."""

    net: str
    point: Point
    out: str


@dataclass(frozen=True)
class Sheet:
    """What is drawn besides the parts."""

    segments: tuple[Segment, ...]
    dots: tuple[Point, ...]
    labels: tuple[Label, ...]
    unconnected: tuple[Point, ...]


def resolve(unit: Unit) -> Sheet:
    """Return the sheet of a unit. Raises DrawingError when its lines make other nets."""
    pins = _pin_points(unit)
    segments = _split(unit, set(pins))
    groups = _groups(segments, set(pins))
    ends = Counter(point for segment in segments for point in segment)
    labels, unconnected = _labels(unit, segments, groups, ends)
    dots = tuple(sorted(p for p, n in ends.items() if n + (p in pins) >= 3))
    sheet = Sheet(segments, dots, labels, unconnected)
    check(unit, sheet)
    return sheet


def check(unit: Unit, sheet: Sheet) -> None:
    """Compare the nets of the picture with the declared ones; DrawingError names differences."""
    drawn = {frozenset(group) for group in drawn_nets(unit, sheet)}
    wanted = {frozenset(pins) for pins in unit.nets().values()}
    problems = [f"the lines join {_list(group)}" for group in sorted(drawn - wanted, key=_list)]
    problems += [f"{_list(group)} should be joined" for group in sorted(wanted - drawn, key=_list)]
    if problems:
        raise DrawingError(f"{unit.name}: " + "; ".join(problems))


def drawn_nets(unit: Unit, sheet: Sheet) -> list[list[Terminal]]:
    """Return which pins the lines and labels of a sheet join; lone unlabelled pins are left out."""
    pins = _pin_points(unit)
    groups = _groups(sheet.segments, set(pins))
    names: dict[str, Point] = {}
    for label in sheet.labels:
        root = _root(groups, label.point)
        first = names.setdefault(label.net, root)
        groups[_root(groups, root)] = _root(groups, first)
    joined: dict[Point, list[Terminal]] = {}
    for point, terminals in pins.items():
        joined.setdefault(_root(groups, point), []).extend(terminals)
    named = {_root(groups, point) for point in names.values()}
    return [found for root, found in joined.items() if len(found) > 1 or root in named]


def _pin_points(unit: Unit) -> dict[Point, list[Terminal]]:
    found: dict[Point, list[Terminal]] = {}
    for part in unit.parts:
        for pin in part.symbol.pins:
            found.setdefault(part.at(pin), []).append((part.reference, pin.number))
    return found


def _split(unit: Unit, pins: set[Point]) -> tuple[Segment, ...]:
    """Cut every line at pins and at the ends of other lines that lie on it."""
    raw = [pair for path in unit.wires for pair in zip(path, path[1:], strict=False)]
    cuts = pins | {point for segment in raw for point in segment}
    pieces: set[Segment] = set()
    for start, end in raw:
        on_it = sorted(point for point in cuts if _is_on(point, start, end))
        pieces.update(zip(on_it, on_it[1:], strict=False))
    return tuple(sorted(pieces))


def _is_on(point: Point, start: Point, end: Point) -> bool:
    (x, y), (x0, y0), (x1, y1) = point, start, end
    return min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1)


def _groups(segments: tuple[Segment, ...], pins: set[Point]) -> dict[Point, Point]:
    parents = {point: point for point in pins}
    for start, end in segments:
        parents.setdefault(start, start)
        parents.setdefault(end, end)
        parents[_root(parents, start)] = _root(parents, end)
    return parents


def _root(parents: dict[Point, Point], point: Point) -> Point:
    while parents[point] != point:
        point = parents[point]
    return point


def _labels(
    unit: Unit,
    segments: tuple[Segment, ...],
    groups: dict[Point, Point],
    ends: Counter[Point],
) -> tuple[tuple[Label, ...], tuple[Point, ...]]:
    """Label pins without a line, and lines at their free ends; unused pins are returned too."""
    labels, unused = [], []
    nets: dict[Point, str] = {}
    occupied = set()
    for part in unit.parts:
        for pin in part.symbol.pins:
            point, net = part.at(pin), part.nets.get(pin.number)
            occupied.add(point)
            if net is None:
                unused.append(point)
                continue
            nets[_root(groups, point)] = net
            if not ends[point]:
                labels.append(Label(net, point, pin.out))
    for start, end in segments:
        for tip, tail in ((start, end), (end, start)):
            if ends[tip] == 1 and tip not in occupied:
                step = (_sign(tip[0] - tail[0]), _sign(tip[1] - tail[1]))
                labels.append(Label(nets[_root(groups, tip)], tip, _DIRECTIONS[step]))
    return tuple(labels), tuple(unused)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _list(group: frozenset[Terminal]) -> str:
    return ", ".join(f"{reference}.{number}" for reference, number in sorted(group))
