"""How a technician wires a unit: every box with its terminals, every run of wire as one line.

Boxes stand in two columns; between them each run has a vertical track, joined to its terminals by
horizontal lines. A dot is a joint; lines that cross without a dot don't touch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hw.schematics.canvas import Canvas, Text, text_width_mm
from hw.schematics.model import Part, Pin, Unit

COLOURS = {"BK": "#111111", "RD": "#d01c1c", "OG": "#e07800", "BN": "#7a4a21", "BU": "#1f5fc4",
           "YE": "#c2a400", "GN": "#1e8a3c", "VT": "#8a3ab0", "GY": "#7d8790", "PK": "#d05c93",
           "TQ": "#1397a0", "GNYE": "#6aa51a"}  # fmt: skip
"""IEC 60757 codes and what they look like on paper."""
_FIXED = {"GND": "BK", "BUS-": "BK", "C0V": "GY", "COIL_RTN": "BU", "3V3": "OG", "5V": "RD",
          "BUS+": "RD", "BAT_BUS": "RD", "BUS_H": "RD", "SDA": "BU", "SCL": "YE",
          "MAINS_L": "BN", "LOAD_L": "BN", "LOAD_L_CT": "BN", "MAINS_N": "BU", "LOAD_N": "BU",
          "PE": "GNYE"}  # fmt: skip
_CYCLE = ("VT", "GN", "BN", "TQ", "PK", "GY")
_MAINS = ("MAINS_L", "MAINS_N", "LOAD_L", "LOAD_L_CT", "LOAD_N", "PE")
_SIGNALS = ("3V3", "SDA", "SCL", "CT_TIP", "CT_BIAS", "K_IN", "K_OUT", "PV_ADC_S", "BAT_ADC_S",
            "ZMPT_OUT", "SENSE_RTN", "SENSE_MID", "SENSE_STOP", "SENSE_KM", "ESTOP_SENSE",
            "CONTACTOR_SENSE", "MARKET_LED", "DELIVERY_LED", "FAULT_LED", "ACKNOWLEDGE_BUTTON",
            "CONTACTOR_PERMIT", "5V")  # fmt: skip
"""Nets of at most 0.2 A that no fuse above 1 A feeds; everything else is power: 0.75 mm2."""
ROW, BOX_W, TRACK = 5.0, 62.0, 4.5
GAP = 1.2 * ROW  # a box and its gap are whole rows, so lines of the two columns never coincide
Terminal = tuple[str, str]


@dataclass(frozen=True)
class Block:
    """A box to wire: a module, a part, or an assembly whose terminals are nets."""

    name: str
    value: str
    terminals: tuple[tuple[str, str], ...]  # (terminal, net)
    is_fitted: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """Terminals of a net wired together: in a row, or each to the first, which is a bar."""

    net: str
    ends: tuple[Terminal, ...]
    is_star: bool = False
    is_cable: bool = False


@dataclass(frozen=True)
class Wire:
    """One piece of wire to cut: net, colour, cross-section and its two ends."""

    net: str
    colour: str
    square_mm: str
    start: Terminal
    end: Terminal


def blocks(unit: Unit) -> list[Block]:
    """Return what is wired together, in the order of the sheet; a board's plugs are boxes too."""
    found: list[Block] = []
    boards: dict[str, list[Part]] = {}
    for part in unit.parts:
        if part.assembly and not _is_plug(part):
            boards.setdefault(part.assembly, []).append(part)
            continue
        bridged = {ends[0][1]: ends[1][1] for ends in unit.bridges
                   if ends[0][0] == part.reference}  # fmt: skip
        ends = tuple((_terminal(pin), part.nets[pin.number]) for pin in _wired(part)
                     if pin.number not in bridged)  # fmt: skip
        value = f"{part.assembly}: {part.value}" if part.assembly else part.value
        notes = tuple(f"solder {start} to {end}" for start, end in bridged.items())
        found.append(Block(part.reference, value, ends, part.is_fitted, notes))
    plugged = {ends[0][0] for ends in unit.cables}
    for name, parts in boards.items():
        if any(part.assembly == name and part.reference in plugged for part in unit.parts):
            continue  # its wires end on its plugs
        inside = {net for part in parts for net in part.nets.values()}
        outside = {net for part in unit.parts if part.assembly != name
                   for net in part.nets.values()}  # fmt: skip
        ends = tuple((net, net) for net in sorted(inside & outside))
        found.append(Block(name, f"{len(parts)} parts, see the schematic", ends))
    return found


def runs(unit: Unit) -> list[Run]:
    """Return every run: a cable's wire has two ends; the rest of a net is one run, or a star."""
    pins = {(part.reference, pin.number): (part.reference, _terminal(pin))
            for part in unit.parts for pin in part.symbol.pins}  # fmt: skip
    bars = {part.reference for part in unit.parts if part.item == "bar"}
    cables = [(pins[start], pins[end]) for start, end in unit.cables]
    joined = {end for pair in cables for end in pair if end[0] not in bars}
    plugs = {part.reference for part in unit.parts if part.assembly and _is_plug(part)}
    found = []
    for net, ends in _by_net(blocks(unit)).items():
        found += [Run(net, pair, is_cable=True) for pair in cables
                  if set(pair) <= set(ends) and pair[1][0] not in bars]  # fmt: skip
        to_bar = [pair[0] for pair in cables if pair[0] in ends and pair[1][0] in bars]
        rest = [end for end in ends if end not in joined and end[0] not in plugs] + to_bar
        bar = [end for end in rest if end[0] in bars]
        if len(rest) > 1:
            rest = bar + [end for end in rest if end not in bar]
            found.append(Run(net, tuple(rest), bool(bar)))
    return found


def wires(unit: Unit) -> list[Wire]:
    """Return the wires to cut: a star's go from the bar to each end, a run's from end to end."""
    found = []
    built = runs(unit)
    codes = colours([run.net for run in built])
    for run in built:
        starts = [run.ends[0]] * (len(run.ends) - 1) if run.is_star else run.ends
        for start, end in zip(starts, run.ends[1:], strict=False):
            if not (run.net in _MAINS and start[0] == end[0]):  # joined inside a closed device
                size = _square_mm(run)
                found.append(Wire(run.net, codes[run.net], size, start, end))
    return found


def colours(nets: list[str]) -> dict[str, str]:
    """Give every net a colour code: those with a custom keep it, the rest take turns."""
    free = [net for net in dict.fromkeys(nets) if net not in _FIXED]
    turns = {net: _CYCLE[place % len(_CYCLE)] for place, net in enumerate(free)}
    return {net: _FIXED.get(net) or turns[net] for net in nets}


def drawing(unit: Unit) -> Canvas:
    """Return the wiring picture of a unit on a page that fits it."""
    left, right = _columns(blocks(unit))
    rows_left, height_left = _place(left, 22.0)
    rows_right, height_right = _place(right, 22.0 + ROW / 2)
    places = {end: ("left", y) for end, y in rows_left.items()}
    places |= {end: ("right", y) for end, y in rows_right.items()}
    built = runs(unit)
    codes = colours([run.net for run in built])
    spans = [[places[end] for end in run.ends] for run in built]
    tracks, count = _tracks(spans, [codes[run.net] for run in built])
    tags = {end: f"{run.net} {codes[run.net]}" for run in built for end in run.ends}
    margin = max(26.0, 4 + max(text_width_mm(tag, 2.0) for tag in tags.values()))
    x_left = 12 + BOX_W
    x_first = x_left + margin
    x_right = x_first + count * TRACK + margin
    canvas = Canvas(x_right + BOX_W + 12, max(height_left, height_right) + 14)
    for run, ends, track in zip(built, spans, tracks, strict=True):
        width = 1.6 if run.is_star else 0.7
        _run(canvas, ends, (x_left, x_first + track * TRACK, x_right),
             COLOURS[codes[run.net]], width)  # fmt: skip
    _column(canvas, left, (12, 22.0), tags)
    _column(canvas, right, (x_right, 22.0 + ROW / 2), tags)
    heading = f"{unit.title}: wiring"
    canvas.write(Text(12, 11, heading, 5.0, "#111111", is_bold=True))
    legend = "A dot joins; lines that cross without a dot don't touch. Colours after IEC 60757."
    if any(run.is_star for run in built):
        legend += " A wide line is a bar: a wire of its own from the bar to each end."
    canvas.write(Text(12, 16.5, legend, 2.6, "#5b6b7a"))
    return canvas


def _terminal(pin: Pin) -> str:
    is_named = pin.number != pin.name.replace(" ", "_")
    return f"{pin.number} {pin.name}" if is_named else pin.name


def _wired(part: Part) -> list[Pin]:
    """Return the pins to wire: of pins with one name, joined on the board, only the first."""
    first: dict[str, Pin] = {}
    for pin in part.symbol.pins:
        if pin.number in part.nets:
            first.setdefault(pin.name, pin)
    order = list(part.nets)
    return sorted(first.values(), key=lambda pin: order.index(pin.number))


def _square_mm(run: Run) -> str:
    if run.net in _MAINS:
        return "ready-made lead"
    # Ground is power where it is a star; elsewhere it goes along with signals into small headers.
    is_signal = run.net in _SIGNALS or (run.net == "GND" and not run.is_star)
    return "0.25" if run.is_cable or is_signal else "0.75"


def _is_plug(part: Part) -> bool:
    return part.item.startswith(("xh-", "clamp-"))


def _by_net(found: list[Block]) -> dict[str, list[Terminal]]:
    nets: dict[str, list[Terminal]] = {}
    for block in found:
        for terminal, net in block.terminals:
            nets.setdefault(net, []).append((block.name, terminal))
    return {net: ends for net, ends in nets.items() if len(ends) > 1}


def _rows(block: Block) -> float:
    """Return the height of a box in rows: whole rows and 1.8, so that with GAP all keep step."""
    return len(block.terminals) + math.ceil(0.8 * len(block.notes)) + 1.8


def _height(block: Block) -> float:
    return ROW * _rows(block) + GAP


def _columns(found: list[Block]) -> tuple[list[Block], list[Block]]:
    half, used = sum(map(_height, found)) / 2, 0.0
    left: list[Block] = []
    for block in found:
        if used + _height(block) / 2 > half:
            break
        used += _height(block)
        left.append(block)
    return left, found[len(left) :]


def _place(column: list[Block], y: float) -> tuple[dict[Terminal, float], float]:
    """Return the y of every terminal of a column, and where the column ends."""
    rows = {}
    for block in column:
        for row, (terminal, _) in enumerate(block.terminals):
            rows[block.name, terminal] = y + ROW * (row + 2.3)
        y += _height(block)
    return rows, y


def _tracks(spans: list[list[tuple[str, float]]], codes: list[str]) -> tuple[list[int], int]:
    """Give runs the first track that is free over their height; a track has one colour."""
    taken: list[tuple[str, list[tuple[float, float]]]] = []
    extents = [(min(y for _, y in ends), max(y for _, y in ends)) for ends in spans]
    places = [0] * len(spans)
    for run in sorted(range(len(spans)), key=lambda run: (extents[run][0], -extents[run][1], run)):
        low, high = extents[run]
        place = next((n for n, (code, busy) in enumerate(taken)
                      if code != codes[run] and _is_free(busy, low, high)), len(taken))  # fmt: skip
        if place == len(taken):
            taken.append((codes[run], []))
        taken[place][1].append((low, high))
        places[run] = place
    return places, len(taken)


def _is_free(busy: list[tuple[float, float]], low: float, high: float) -> bool:
    return all(high + ROW < other_low or low - ROW > other_high for other_low, other_high in busy)


def _run(canvas: Canvas, ends: list[tuple[str, float]], xs: tuple[float, float, float],
         shade: str, width: float) -> None:  # fmt: skip
    x_left, x, x_right = xs
    heights = [y for _, y in ends]
    canvas.line(((x, min(heights)), (x, max(heights))), shade, width)
    for side, y in ends:
        edge = x_left if side == "left" else x_right
        canvas.line(((edge, y), (x, y)), shade, 0.7)
        if min(heights) < y < max(heights):
            dot = [(x - 0.9, y), (x, y - 0.9), (x + 0.9, y), (x, y + 0.9)]
            canvas.area(dot, shade, shade, 0.1)


def _column(canvas: Canvas, column: list[Block], at: tuple[float, float],
            tags: dict[Terminal, str]) -> None:  # fmt: skip
    x, y = at
    is_left = x < 20
    for block in column:
        ink = "#111111" if block.is_fitted else "#7d8790"
        box = (x, y, x + BOX_W, y + ROW * _rows(block))
        canvas.rectangle(box, ink, "#f4f6f8", 0.4)
        canvas.write(Text(x + 2, y + 4.2, block.name, 3.4, ink, is_bold=True))
        after = x + 5 + text_width_mm(block.name, 3.4, is_bold=True)
        canvas.write(Text(after, y + 4.2, block.value, 2.5, ink))
        for row, (terminal, _) in enumerate(block.terminals):
            line_y = y + ROW * (row + 2.3)
            edge = x + BOX_W if is_left else x
            side, inward = ("end", -1.5) if is_left else ("start", 1.5)
            canvas.write(Text(edge + inward, line_y + 0.9, terminal, 2.6, ink, side))
            other, outward = ("start", 1.0) if is_left else ("end", -1.0)
            tag = tags.get((block.name, terminal), "")
            canvas.write(Text(edge + outward, line_y - 0.7, tag, 2.0, "#444444", other))
        for row, note in enumerate(block.notes):
            note_y = y + ROW * (len(block.terminals) + 2.3 + 0.8 * row)
            note_x, anchor = (x + 2, "start") if is_left else (x + BOX_W - 2, "end")
            canvas.write(Text(note_x, note_y, note, 2.4, "#8a1c1c", anchor))
        y += _height(block)
