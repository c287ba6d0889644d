"""A unit becomes a KiCad 9 schematic; every id is a uuid5 of what it names, so bytes repeat."""

from __future__ import annotations

import json
import math
import uuid

from hw.schematics.items import ITEMS
from hw.schematics.model import GRID_MM, Part, Pin, Symbol, Unit
from hw.schematics.picture import name_places
from hw.schematics.sheet import resolve

LIBRARY = "trueque"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "trueque:hw/schematics")
_HEAD = '(version {}) (generator "trueque") (generator_version "9.0")'
_ANGLES = {"right": 0, "up": 90, "left": 180, "down": 270}
_INWARD = {"left": 0, "down": 90, "right": 180, "up": 270}
_STROKE = "(stroke (width 0.2) (type default))"


def schematic(unit: Unit) -> str:
    """Return the text of the unit's .kicad_sch."""
    sheet = resolve(unit)
    symbols = {part.symbol.name: part.symbol for part in unit.parts}
    rows = [
        f"(kicad_sch {_HEAD.format(20250114)}",
        f"{_id(unit.name)} (paper {_q(unit.paper)})",
        f'(title_block (title {_q(unit.title)}) (company "Trueque"))',
        "(lib_symbols",
    ]
    rows += [_symbol(symbol, f"{LIBRARY}:{name}") for name, symbol in sorted(symbols.items())]
    rows.append(")")
    for x, y in sheet.dots:
        rows.append(f"(junction (at {_xy(x, y)}) (diameter 0) (color 0 0 0 0) "
                    f"{_id(unit.name, 'dot', x, y)})")  # fmt: skip
    for x, y in sheet.unconnected:
        rows.append(f"(no_connect (at {_xy(x, y)}) {_id(unit.name, 'open', x, y)})")
    for (x0, y0), (x1, y1) in sheet.segments:
        rows.append(f"(wire (pts (xy {_xy(x0, y0)}) (xy {_xy(x1, y1)})) {_STROKE} "
                    f"{_id(unit.name, 'wire', x0, y0, x1, y1)})")  # fmt: skip
    for label in sheet.labels:
        side = "left" if label.out in ("right", "up") else "right"
        rows.append(f"(global_label {_q(label.net)} (shape passive) "
                    f"(at {_xy(*label.point)} {_ANGLES[label.out]}) {_effects(side)} "
                    f"{_id(unit.name, 'label', *label.point)})")  # fmt: skip
    rows += _texts(unit)
    rows += [_instance(unit, part) for part in unit.parts]
    rows.append('(sheet_instances (path "/" (page "1")))')
    return "\n".join([*rows, ")\n"])


def library(units: list[Unit]) -> str:
    """Return the .kicad_sym with every symbol of the units."""
    symbols = {part.symbol.name: part.symbol for unit in units for part in unit.parts}
    body = [_symbol(symbol, name) for name, symbol in sorted(symbols.items())]
    return "\n".join([f"(kicad_symbol_lib {_HEAD.format(20241209)}", *body, ")\n"])


def library_table() -> str:
    """Return the project's symbol library table."""
    return (
        f'(sym_lib_table (version 7) (lib (name "{LIBRARY}") (type "KiCad") '
        f'(uri "${{KIPRJMOD}}/{LIBRARY}.kicad_sym") (options "") (descr "Trueque\'s symbols")))\n'
    )


def project(unit: Unit) -> str:
    """Return a .kicad_pro that leaves every rule of KiCad at its default."""
    return (
        json.dumps({"meta": {"filename": f"{unit.name}.kicad_pro", "version": 3}}, indent=2) + "\n"
    )


def _q(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mm(value: float) -> str:
    return f"{round(value * GRID_MM, 4) + 0.0:g}"


def _xy(x: float, y: float) -> str:
    return f"{_mm(x)} {_mm(y)}"


def _uuid(*names: object) -> str:
    return str(uuid.uuid5(_SPACE, "|".join(map(str, names))))


def _id(*names: object) -> str:
    return f'(uuid "{_uuid(*names)}")'


def _effects(side: str = "", *, is_hidden: bool = False) -> str:
    justify = f" (justify {side})" if side else ""
    hide = " (hide yes)" if is_hidden else ""
    return f"(effects (font (size 1.27 1.27)){justify}{hide})"


def _property(name: str, value: str, at: str, effects: str) -> str:
    return f"(property {_q(name)} {_q(value)} (at {at} 0) {effects})"


def _symbol(symbol: Symbol, name: str) -> str:
    numbers = "" if symbol.shows_numbers else " (pin_numbers (hide yes))"
    names = "(pin_names (offset 0.5))" if symbol.shows_names else "(pin_names (hide yes))"
    hidden = _effects(is_hidden=True)
    rows = [
        f"(symbol {_q(name)}{numbers} {names} (exclude_from_sim no) (in_bom yes) (on_board yes)",
        _property("Reference", "X", "0 0", _effects()),
        _property("Value", symbol.name, "0 0", _effects()),
    ]
    rows += [
        _property(field, "", "0 0", hidden) for field in ("Footprint", "Datasheet", "Description")
    ]
    rows.append(f"(symbol {_q(symbol.name + '_0_1')}")
    rows += [_stroke(kind, points) for kind, points in symbol.strokes]
    rows += [")", f"(symbol {_q(symbol.name + '_1_1')}"]
    rows += [_pin(pin) for pin in symbol.pins]
    return "\n".join([*rows, ")", "(embedded_fonts no))"])


def _stroke(kind: str, points: tuple[tuple[float, float], ...]) -> str:
    # A library's y axis points up, a sheet's down.
    placed = [_xy(x, -y) for x, y in points]
    if kind == "rectangle":
        return (
            f"(rectangle (start {placed[0]}) (end {placed[1]}) {_STROKE} (fill (type background)))"
        )
    if kind == "circle":
        radius = _mm(math.dist(*points))
        return f"(circle (center {placed[0]}) (radius {radius}) {_STROKE} (fill (type none)))"
    fill = "outline" if kind == "fill" else "none"
    if kind == "fill":
        placed.append(placed[0])
    path = " ".join(f"(xy {point})" for point in placed)
    return f"(polyline (pts {path}) {_STROKE} (fill (type {fill})))"


def _pin(pin: Pin) -> str:
    return (
        f"(pin {pin.role} line (at {_xy(pin.x, -pin.y)} {_INWARD[pin.out]}) (length {_mm(1)}) "
        f"(name {_q(pin.name)} {_effects()}) (number {_q(pin.number)} {_effects()}))"
    )


def _instance(unit: Unit, part: Part) -> str:
    item = ITEMS[part.item]
    reference_at, value_at, anchor = name_places(part)
    # A text's point is the middle of its height here, its base line on the canvas.
    rise = 0.5 if part.symbol.shows_names else 0.25
    side = "left" if anchor == "start" else ""
    hidden = _effects(is_hidden=True)
    dnp = "no" if part.is_fitted else "yes"
    here = _xy(part.x, part.y)
    rows = [
        f"(symbol (lib_id {_q(f'{LIBRARY}:{part.symbol.name}')}) (at {here} 0) (unit 1)",
        f"(exclude_from_sim no) (in_bom yes) (on_board yes) (dnp {dnp})",
        _id(unit.name, part.reference),
        _property(
            "Reference",
            part.reference,
            _xy(reference_at[0], reference_at[1] - rise),
            _effects(side),
        ),
        _property("Value", part.value, _xy(value_at[0], value_at[1] - rise), _effects(side)),
        _property("Footprint", "", here, hidden),
        _property("Datasheet", "", here, hidden),
        _property("Description", item.description, here, hidden),
        _property("Manufacturer", item.maker, here, hidden),
        _property("MPN", item.number, here, hidden),
    ]
    for pin in part.symbol.pins:
        rows.append(f"(pin {_q(pin.number)} {_id(unit.name, part.reference, pin.number)})")
    path = _q("/" + _uuid(unit.name))
    rows.append(f"(instances (project {_q(unit.name)} (path {path} "
                f"(reference {_q(part.reference)}) (unit 1)))))")  # fmt: skip
    return "\n".join(rows)


def _texts(unit: Unit) -> list[str]:
    rows = []
    for frame in unit.frames:
        ends = f"(start {_xy(frame.x0, frame.y0)}) (end {_xy(frame.x1, frame.y1)})"
        rows.append(f"(rectangle {ends} (stroke (width 0.2) (type dash)) (fill (type none)) "
                    f"{_id(unit.name, 'frame', frame.title)})")  # fmt: skip
        rows.append(_text(unit, frame.title, frame.x0 + 0.5, frame.y0 + 1))
    for note in unit.notes:
        for row, line in enumerate(note.lines):
            rows.append(_text(unit, line, note.x, note.y + 1.4 * row))
    return rows


def _text(unit: Unit, text: str, x: float, y: float) -> str:
    return (f"(text {_q(text)} (exclude_from_sim no) (at {_xy(x, y)} 0) {_effects('left')} "
            f"{_id(unit.name, 'text', x, y)})")  # fmt: skip
