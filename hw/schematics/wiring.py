"""How a technician wires a unit: every box with its terminals, every net as one coloured line.

Boxes stand in two columns; between them each net has a vertical track, joined to its terminals by
horizontal lines. A dot is a joint; lines that cross without a dot don't touch.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.schematics.canvas import Canvas, Text, text_width_mm
from hw.schematics.model import Part, Pin, Unit

COLOURS = {"BK": "#111111", "RD": "#d01c1c", "OG": "#e07800", "BN": "#7a4a21", "BU": "#1f5fc4",
           "YE": "#c2a400", "GN": "#1e8a3c", "VT": "#8a3ab0", "GY": "#7d8790", "PK": "#d05c93",
           "TQ": "#1397a0", "GNYE": "#6aa51a"}  # fmt: skip
"""IEC 60757 codes and what they look like on paper."""
_FIXED = {"GND": "BK", "BUS-": "BK", "C0V": "GY", "3V3": "OG", "5V": "RD", "BUS+": "RD",
          "BAT_BUS": "RD", "SDA": "BU", "SCL": "YE", "MAINS_L": "BN", "LOAD_L": "BN",
          "LOAD_L_CT": "BN", "MAINS_N": "BU", "LOAD_N": "BU", "PE": "GNYE"}  # fmt: skip
_CYCLE = ("VT", "GN", "BN", "TQ", "PK", "BU", "GY")
_THIN = ("3V3", "SDA", "SCL", "CT_", "K_", "SENSE", "RELAY", "LED", "ZMPT", "STOP", "KM_", "_ADC",
         "BUTTON", "RUN")  # fmt: skip
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


@dataclass(frozen=True)
class Wire:
    """One piece of wire to cut: net, colour, cross-section and its two ends."""

    net: str
    colour: str
    square_mm: str
    start: Terminal
    end: Terminal


def blocks(unit: Unit) -> list[Block]:
    """Return what is wired together, in the order of the sheet."""
    found: list[Block] = []
    boards: dict[str, list[Part]] = {}
    for part in unit.parts:
        if part.assembly:
            boards.setdefault(part.assembly, []).append(part)
            continue
        ends = tuple((_terminal(pin), part.nets[pin.number]) for pin in _wired(part))
        found.append(Block(part.reference, part.value, ends, part.is_fitted))
    for name, parts in boards.items():
        inside = {net for part in parts for net in part.nets.values()}
        outside = {
            net for part in unit.parts if part.assembly != name for net in part.nets.values()
        }
        ends = tuple((net, net) for net in sorted(inside & outside))
        found.append(Block(name, f"{len(parts)} parts, see the schematic", ends))
    return found


def wires(unit: Unit) -> list[Wire]:
    """Return the wires that join the blocks: each net goes from terminal to terminal in a chain."""
    nets = _by_net(blocks(unit))
    found = []
    for net, ends in nets.items():
        for start, end in zip(ends, ends[1:], strict=False):
            found.append(Wire(net, colours(list(nets))[net], _square_mm(net), start, end))
    return found


def colours(nets: list[str]) -> dict[str, str]:
    """Give every net a colour code: those with a custom keep it, the rest take turns."""
    free = [net for net in nets if net not in _FIXED]
    turns = {net: _CYCLE[place % len(_CYCLE)] for place, net in enumerate(free)}
    return {net: _FIXED.get(net) or turns[net] for net in nets}


def drawing(unit: Unit) -> Canvas:
    """Return the wiring picture of a unit on a page that fits it."""
    left, right = _columns(blocks(unit))
    rows_left, height_left = _place(left, 22.0)
    rows_right, height_right = _place(right, 22.0 + ROW / 2)
    spans: dict[str, list[tuple[str, float]]] = {}
    for side, rows in (("left", rows_left), ("right", rows_right)):
        for net, y in rows:
            spans.setdefault(net, []).append((side, y))
    tracks, count = _tracks(spans)
    x_left = 12 + BOX_W
    x_first = x_left + 26
    x_right = x_first + count * TRACK + 26
    canvas = Canvas(x_right + BOX_W + 12, max(height_left, height_right) + 14)
    shades = {net: COLOURS[code] for net, code in colours(list(spans)).items()}
    for net, ends in spans.items():
        _net(canvas, net, ends, (x_left, x_first + tracks[net] * TRACK, x_right), shades[net])
    codes = colours(list(spans))
    _column(canvas, left, (12, 22.0), codes)
    _column(canvas, right, (x_right, 22.0 + ROW / 2), codes)
    heading = f"{unit.title}: wiring"
    canvas.write(Text(12, 11, heading, 5.0, "#111111", is_bold=True))
    legend = "A dot joins; lines that cross without a dot don't touch. Colours after IEC 60757."
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


def _square_mm(net: str) -> str:
    if net == "PE" or net.startswith(("MAINS_", "LOAD_")):
        return "ready-made lead"
    return "0.25" if any(part in net for part in _THIN) else "0.75"


def _by_net(found: list[Block]) -> dict[str, list[Terminal]]:
    nets: dict[str, list[Terminal]] = {}
    for block in found:
        for terminal, net in block.terminals:
            nets.setdefault(net, []).append((block.name, terminal))
    return {net: ends for net, ends in nets.items() if len(ends) > 1}


def _height(block: Block) -> float:
    return ROW * (len(block.terminals) + 1.8) + GAP


def _columns(found: list[Block]) -> tuple[list[Block], list[Block]]:
    half, used = sum(map(_height, found)) / 2, 0.0
    left: list[Block] = []
    for block in found:
        if used + _height(block) / 2 > half:
            break
        used += _height(block)
        left.append(block)
    return left, found[len(left) :]


def _place(column: list[Block], y: float) -> tuple[list[tuple[str, float]], float]:
    """Return (net, y) of every terminal of a column, and where the column ends."""
    rows = []
    for block in column:
        for row, (_, net) in enumerate(block.terminals):
            rows.append((net, y + ROW * (row + 2.3)))
        y += _height(block)
    return rows, y


def _tracks(spans: dict[str, list[tuple[str, float]]]) -> tuple[dict[str, int], int]:
    """Give nets the first track that is free over their height; long ones come first."""
    extent = {
        net: (min(y for _, y in ends), max(y for _, y in ends)) for net, ends in spans.items()
    }
    taken: list[list[tuple[float, float]]] = []
    places = {}
    for net in sorted(extent, key=lambda net: (extent[net][0], -extent[net][1], net)):
        low, high = extent[net]
        place = next((n for n, busy in enumerate(taken) if _is_free(busy, low, high)), len(taken))
        if place == len(taken):
            taken.append([])
        taken[place].append((low, high))
        places[net] = place
    return places, len(taken)


def _is_free(busy: list[tuple[float, float]], low: float, high: float) -> bool:
    return all(high + ROW < other_low or low - ROW > other_high for other_low, other_high in busy)


def _net(canvas: Canvas, net: str, ends: list[tuple[str, float]],
         xs: tuple[float, float, float], shade: str) -> None:  # fmt: skip
    x_left, x, x_right = xs
    heights = [y for _, y in ends]
    canvas.line(((x, min(heights)), (x, max(heights))), shade, 0.7)
    for side, y in ends:
        edge = x_left if side == "left" else x_right
        canvas.line(((edge, y), (x, y)), shade, 0.7)
        if min(heights) < y < max(heights):
            dot = [(x - 0.9, y), (x, y - 0.9), (x + 0.9, y), (x, y + 0.9)]
            canvas.area(dot, shade, shade, 0.1)


def _column(canvas: Canvas, column: list[Block], at: tuple[float, float],
            codes: dict[str, str]) -> None:  # fmt: skip
    x, y = at
    is_left = x < 20
    for block in column:
        ink = "#111111" if block.is_fitted else "#7d8790"
        box = (x, y, x + BOX_W, y + ROW * (len(block.terminals) + 1.8))
        canvas.rectangle(box, ink, "#f4f6f8", 0.4)
        canvas.write(Text(x + 2, y + 4.2, block.name, 3.4, ink, is_bold=True))
        after = x + 4 + text_width_mm(block.name, 3.4, is_bold=True)
        canvas.write(Text(after, y + 4.2, block.value, 2.5, ink))
        for row, (terminal, net) in enumerate(block.terminals):
            line_y = y + ROW * (row + 2.3)
            edge = x + BOX_W if is_left else x
            side, inward = ("end", -1.5) if is_left else ("start", 1.5)
            canvas.write(Text(edge + inward, line_y + 0.9, terminal, 2.6, ink, side))
            other, outward = ("start", 1.0) if is_left else ("end", -1.0)
            tag = f"{net} {codes[net]}"
            canvas.write(Text(edge + outward, line_y - 0.7, tag, 2.0, "#444444", other))
        y += _height(block)
