"""The carrier's board makes the model's nets, and copper of two nets keeps apart."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from hw.schematics.model import Unit
from hw.schematics.pcb import board, layout
from hw.schematics.pcb.layout import HEIGHT_MM, WIDTH_MM, Placed
from hw.schematics.pcb.router import (
    CLEARANCE_MM,
    TRACK_MM,
    VIA_MM,
    Land,
    Router,
    RoutingError,
    Tracks,
)

Shape = tuple[str, tuple[int, ...], float, float, float, float, float]
"""Net, layers, and copper: all within a radius of the rectangle left, top, right, bottom."""


def copper(parts: tuple[Placed, ...], tracks: Tracks) -> list[Shape]:
    """Return every piece of copper; a pad that joins nothing has a net of its own."""
    found: list[Shape] = []
    for part in parts:
        for place, pad in enumerate(part.footprint.pads):
            x, y = part.x + pad.x, part.y + pad.y
            a, b = pad.width / 2, pad.height / 2
            net = part.net(pad) or f"{part.part.reference}.{place}"
            layers = (0, 1) if pad.is_through else (0,)
            found.append((net, layers, x - a, y - b, x + a, y + b, 0.0))
    for net, layer, (x0, y0), (x1, y1) in tracks.lines:
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        found.append((net, (layer,), *box, TRACK_MM / 2))
    for net, (x, y) in tracks.vias:
        found.append((net, (0, 1), x, y, x, y, VIA_MM / 2))
    return found


def gap(a: Shape, b: Shape) -> float:
    """Return the distance between two pieces, 0 or less when they touch."""
    across = max(0.0, a[2] - b[4], b[2] - a[4])
    along = max(0.0, a[3] - b[5], b[3] - a[5])
    return math.hypot(across, along) - a[6] - b[6]


@pytest.fixture(scope="module")
def shapes() -> list[Shape]:
    return copper(*board.routed())


def test_copper_of_two_nets_keeps_its_distance_when_routed(shapes: list[Shape]) -> None:
    near = [(a, b) for a, b in combinations(shapes, 2) if a[0] != b[0]
            and set(a[1]) & set(b[1]) and gap(a, b) < CLEARANCE_MM - 0.011]  # fmt: skip
    assert near == []


def test_copper_keeps_off_the_edge_and_the_holes_when_routed(shapes: list[Shape]) -> None:
    for _, _, left, top, right, bottom, _ in shapes:
        assert left > 1 and top > 1 and right < WIDTH_MM - 1 and bottom < HEIGHT_MM - 1
    for x, y in layout.HOLES:
        x, y = x * layout.STEP_MM, y * layout.STEP_MM
        hole = ("hole", (0, 1), x, y, x, y, layout.HOLE_MM / 2)
        assert all(gap(hole, shape) > 0.25 for shape in shapes)


def test_each_net_is_one_piece_when_routed(shapes: list[Shape]) -> None:
    for net in {shape[0] for shape in shapes}:
        pieces = [shape for shape in shapes if shape[0] == net]
        reached, new = set(), {0}
        while new:
            reached |= new
            new = {n for n, other in enumerate(pieces) if n not in reached
                   and any(set(other[1]) & set(pieces[m][1]) and gap(other, pieces[m]) < -0.05
                           for m in reached)}  # fmt: skip
        assert len(reached) == len(pieces), net


def test_pads_have_the_models_nets_when_placed(node: Unit) -> None:
    made: dict[str, set[tuple[str, str]]] = {}
    for part in board.routed()[0]:
        for pad in part.footprint.pads:
            net = part.net(pad)
            if net:
                made.setdefault(net, set()).add((part.part.reference, pad.number))
    assert made == {net: set(pins) for net, pins in board.wanted_nets(node).items()}


def test_part_is_named_when_it_has_no_place(node: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {name: at for name, at in layout.PLACES.items() if name != "R12"}
    monkeypatch.setattr(layout, "PLACES", fewer)
    with pytest.raises(ValueError, match="model only: R12"):
        layout.placed(node)


def test_net_is_named_when_it_finds_no_way() -> None:
    wall = [Land("other", 5.0, 1.27 * row, 0.6, 0.6) for row in range(8)]
    ends = [Land("cut", 2.54, 5.08, 0.5, 0.5), Land("cut", 7.62, 5.08, 0.5, 0.5)]
    with pytest.raises(RoutingError, match="cut found no way"):
        Router(wall + ends, 10.0, 10.0).route()


def test_tracks_avoid_each_other_when_two_nets_cross() -> None:
    lands = [Land("a", 2.54, 5.08, 0.5, 0.5), Land("a", 12.7, 5.08, 0.5, 0.5),
             Land("b", 7.62, 2.54, 0.5, 0.5), Land("b", 7.62, 10.16, 0.5, 0.5)]  # fmt: skip
    tracks = Router(lands, 15.24, 12.7).route()
    on = {net: {layer for name, layer, *_ in tracks.lines if name == net} for net in "ab"}
    assert on["a"] != on["b"]
