"""The carrier's board: the peer node goes in, a KiCad 9 board comes out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from functools import cache

from hw.schematics.model import Unit
from hw.schematics.pcb.footprints import Pad
from hw.schematics.pcb.layout import HEIGHT_MM, HOLE_MM, HOLES, STEP_MM, WIDTH_MM, Placed, placed
from hw.schematics.pcb.router import (
    LAYERS,
    TRACK_MM,
    VIA_DRILL_MM,
    VIA_MM,
    Land,
    Point,
    Router,
    Tracks,
)
from hw.schematics.peer_node import peer_node

NAME = "carrier"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "trueque:hw/schematics/pcb")
_LAYER_ROWS = (
    '(0 "F.Cu" signal) (2 "B.Cu" signal) (13 "F.Paste" user) (15 "B.Paste" user) '
    '(5 "F.SilkS" user) (7 "B.SilkS" user) (1 "F.Mask" user) (3 "B.Mask" user) '
    '(25 "Edge.Cuts" user) (27 "Margin" user) (31 "F.CrtYd" user) (29 "B.CrtYd" user) '
    '(35 "F.Fab" user) (33 "B.Fab" user)'
)
_SILK_MM = 0.15
TITLE = "TRUEQUE carrier"


@cache
def routed() -> tuple[tuple[Placed, ...], Tracks]:
    """Return the carrier's parts on their places, and the tracks between them."""
    parts = placed(peer_node())
    lands = [
        Land(
            part.net(pad),
            part.x + pad.x,
            part.y + pad.y,
            pad.width / 2,
            pad.height / 2,
            (0, 1) if pad.is_through else (0,),
        )
        for part in parts
        for pad in part.footprint.pads
    ]
    keep_off = HOLE_MM / 2 + 0.3
    lands += [Land(None, x * STEP_MM, y * STEP_MM, keep_off, keep_off) for x, y in HOLES]
    return tuple(parts), Router(lands, WIDTH_MM, HEIGHT_MM).route()


def wanted_nets(unit: Unit) -> dict[str, list[tuple[str, str]]]:
    """Return the nets that the board has to make: (reference, pin) of the carrier only."""
    on_board = {part.part.reference for part in routed()[0]}
    found = {net: [pin for pin in pins if pin[0] in on_board] for net, pins in unit.nets().items()}
    return {net: pins for net, pins in found.items() if pins}


def kicad_board() -> str:
    """Return the text of carrier.kicad_pcb."""
    parts, tracks = routed()
    nets = sorted({net for part in parts for net in part.part.nets.values()})
    numbers = {net: number for number, net in enumerate(nets, 1)}
    rows = [
        '(kicad_pcb (version 20241229) (generator "trueque") (generator_version "9.0")',
        "(general (thickness 1.6) (legacy_teardrops no))",
        '(paper "A4")',
        '(title_block (title "Trueque: carrier of the peer node"))',
        f"(layers {_LAYER_ROWS})",
        "(setup (pad_to_mask_clearance 0) (allow_soldermask_bridges_in_footprints no))",
        '(net 0 "")',
    ]
    rows += [f'(net {number} "{net}")' for net, number in numbers.items()]
    rows += [_footprint(part, numbers) for part in parts]
    rows += [_hole(number, x * STEP_MM, y * STEP_MM) for number, (x, y) in enumerate(HOLES, 1)]
    edge = (0.0, 0.0, WIDTH_MM, HEIGHT_MM)
    rows.append(
        f"(gr_rect (start {_xy(edge[:2])}) (end {_xy(edge[2:])}) "
        f'(stroke (width 0.1) (type default)) (fill no) (layer "Edge.Cuts") {_id("edge")})'
    )
    rows.append(f'(gr_text "{TITLE}" (at {_xy((WIDTH_MM / 2, HEIGHT_MM - 2))} 0) '
                f'(layer "F.SilkS") {_id("title")} {_font(1.2)})')  # fmt: skip
    for number, (net, layer, start, end) in enumerate(tracks.lines):
        rows.append(
            f"(segment (start {_xy(start)}) (end {_xy(end)}) (width {TRACK_MM}) "
            f'(layer "{LAYERS[layer]}") (net {numbers[net]}) {_id("line", number)})'
        )
    for number, (net, at) in enumerate(tracks.vias):
        rows.append(
            f"(via (at {_xy(at)}) (size {VIA_MM}) (drill {VIA_DRILL_MM}) "
            f'(layers "F.Cu" "B.Cu") (net {numbers[net]}) {_id("via", number)})'
        )
    return "\n".join([*rows, ")\n"])


def kicad_project() -> str:
    """Return a .kicad_pro that leaves every rule of KiCad at its default."""
    return json.dumps({"meta": {"filename": f"{NAME}.kicad_pro", "version": 3}}, indent=2) + "\n"


def _footprint(part: Placed, numbers: dict[str, int]) -> str:
    name, shape = part.part.reference, part.footprint
    surface = "through_hole" if shape.pads[0].is_through else "smd"
    rows = [
        f'(footprint "{shape.name}" (layer "F.Cu") {_id(name)} (at {_xy((part.x, part.y))})',
        _property("Reference", name, shape.label, "F.SilkS", shape.label_mm),
        _property("Value", part.part.value, (0, 0), "F.Fab", 0.8, is_hidden=True),
        f"(attr {surface})",
    ]
    for number, line in enumerate(shape.lines):
        for start, end in zip(line, line[1:], strict=False):
            rows.append(
                f"(fp_line (start {_xy(start)}) (end {_xy(end)}) "
                f"(stroke (width {_SILK_MM}) (type solid)) "
                f'(layer "F.SilkS") {_id(name, number, start, end)})'
            )
    for text, at in shape.legend:
        rows.append(f'(fp_text user "{text}" (at {_xy(at)} 0) (layer "F.SilkS") '
                    f"{_id(name, text, at)} {_font(0.8)})")  # fmt: skip
    x0, y0, x1, y1 = shape.body
    rows.append(f"(fp_rect (start {_xy((x0, y0))}) (end {_xy((x1, y1))}) (stroke (width 0.05) "
                f'(type solid)) (fill no) (layer "F.CrtYd") {_id(name, "room")})')  # fmt: skip
    rows += [_pad(part, place, pad, numbers) for place, pad in enumerate(shape.pads)]
    return "\n".join([*rows, ")"])


def _pad(part: Placed, place: int, pad: Pad, numbers: dict[str, int]) -> str:
    net = part.net(pad)
    joined = f' (net {numbers[net]} "{net}")' if net else ""
    shape = "rect" if not pad.is_through or place == 0 else "oval"
    if shape == "oval" and pad.width == pad.height:
        shape = "circle"
    kind, drill, layers = "smd", "", '"F.Cu" "F.Mask" "F.Paste"'
    if pad.is_through:
        kind, drill, layers = "thru_hole", f" (drill {_n(pad.drill)})", '"*.Cu" "*.Mask"'
    return (f'(pad "{pad.number}" {kind} {shape} (at {_xy((pad.x, pad.y))}) '
            f"(size {_xy((pad.width, pad.height))}){drill} (layers {layers}){joined} "
            f"{_id(part.part.reference, 'pad', place)})")  # fmt: skip


def _hole(number: int, x: float, y: float) -> str:
    return (f'(footprint "hole" (layer "F.Cu") {_id("hole", number)} (at {_xy((x, y))})\n'
            f"{_property('Reference', f'H{number}', (0, 0), 'F.Fab', 1.0)}\n"
            f"{_property('Value', 'M3', (0, 0), 'F.Fab', 1.0, is_hidden=True)}\n"
            "(attr exclude_from_pos_files exclude_from_bom)\n"
            f'(pad "" np_thru_hole circle (at 0 0) (size {HOLE_MM} {HOLE_MM}) (drill {HOLE_MM}) '
            f'(layers "*.Cu" "*.Mask") {_id("hole pad", number)}))')  # fmt: skip


def _property(
    name: str, value: str, at: Point, layer: str, size: float, *, is_hidden: bool = False
) -> str:
    hide = " (hide yes)" if is_hidden else ""
    return (f'(property "{name}" "{value}" (at {_xy(at)} 0) (layer "{layer}"){hide} '
            f"{_id(name, value, at, layer)} {_font(size)})")  # fmt: skip


def _font(size: float) -> str:
    return f"(effects (font (size {size} {size}) (thickness {_SILK_MM if size >= 1 else 0.12})))"


def _n(value: float) -> str:
    return f"{round(value, 4) + 0.0:g}"


def _xy(point: Sequence[float]) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _id(*names: object) -> str:
    return f'(uuid "{uuid.uuid5(_SPACE, "|".join(map(str, names)))}")'
