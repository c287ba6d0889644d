"""What a drawing is made of: parts with pins on nets, where they stand and how lines join them.

Lengths are in grid units of 2.54 mm, x to the right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GRID_MM = 2.54
Terminal = tuple[str, str]
"""(reference, pin number)"""


@dataclass(frozen=True)
class Pin:
    """A pin of a symbol: its connection point and the way out of the body."""

    number: str
    name: str
    x: float
    y: float
    out: str  # left, right, up, down
    role: str = "passive"  # electrical type, as KiCad calls it


@dataclass(frozen=True)
class Symbol:
    """A picture with pins; `strokes` are (kind, points) as drawing.symbols makes them."""

    name: str
    pins: tuple[Pin, ...]
    strokes: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    body: tuple[float, float, float, float]
    shows_names: bool = False
    shows_numbers: bool = False

    def pin(self, number: str) -> Pin:
        """Return the pin of that number. Raises KeyError when there is none."""
        for pin in self.pins:
            if pin.number == number:
                return pin
        raise KeyError(f"{self.name} has no pin {number}")


@dataclass(frozen=True)
class Item:
    """Something to buy. `number` is the manufacturer's; empty for generic modules."""

    description: str
    maker: str
    number: str
    substitutes: str
    prefix: str


@dataclass(frozen=True)
class Part:
    """One part of a unit. `nets` maps pin numbers to nets; a pin left out is not connected."""

    reference: str
    item: str
    value: str
    symbol: Symbol
    x: float
    y: float
    nets: dict[str, str]
    assembly: str = ""
    is_fitted: bool = True

    def at(self, pin: Pin) -> tuple[float, float]:
        """Return where a pin's end lies on the sheet."""
        return self.x + pin.x, self.y + pin.y


@dataclass(frozen=True)
class Frame:
    """A dashed rectangle with a heading around the parts that belong together."""

    title: str
    x0: float
    y0: float
    x1: float
    y1: float
    is_hazardous: bool = False


@dataclass(frozen=True)
class Note:
    """Lines of text on the sheet, from their upper left corner."""

    x: float
    y: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Extra:
    """Something to buy that has no pins: a supply, a cable, a box."""

    quantity: int
    use: str
    item: Item


@dataclass
class Unit:
    """A thing that is built as one and drawn on one sheet.

    `cables` join two terminals directly, `bridges` are made with solder on one module.
    """

    name: str
    title: str
    paper: str
    parts: list[Part] = field(default_factory=list)
    wires: list[tuple[tuple[float, float], ...]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    cables: list[tuple[Terminal, Terminal]] = field(default_factory=list)
    bridges: list[tuple[Terminal, Terminal]] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)

    def part(self, reference: str) -> Part:
        """Return the part of that reference. Raises KeyError when there is none."""
        for part in self.parts:
            if part.reference == reference:
                return part
        raise KeyError(f"{self.name} has no part {reference}")

    def nets(self) -> dict[str, list[tuple[str, str]]]:
        """Return every net's (reference, pin number)s, both sorted."""
        found: dict[str, list[tuple[str, str]]] = {}
        for part in self.parts:
            for number, net in part.nets.items():
                found.setdefault(net, []).append((part.reference, number))
        return {net: sorted(found[net]) for net in sorted(found)}

    def net_of(self, reference: str, number: str) -> str | None:
        """Return the net at a pin, or None when nothing is connected there."""
        part = self.part(reference)
        part.symbol.pin(number)
        return part.nets.get(number)

    def add(self, part: Part) -> Part:
        """Take a part in. Raises ValueError for a reference used twice or a pin it hasn't."""
        if any(other.reference == part.reference for other in self.parts):
            raise ValueError(f"{self.name}: {part.reference} is used twice")
        for number in part.nets:
            part.symbol.pin(number)
        self.parts.append(part)
        return part

    def cable(self, plug: str, module: str, wires: dict[str, str]) -> None:
        """Join a plug with a module: {plug's pin: module's pin}. Both ends must share a net."""
        for start, end in wires.items():
            self.cables.append(self._joint((plug, start), (module, end)))

    def bridge(self, module: str, start: str, end: str) -> None:
        """Join two terminals on a module with solder."""
        self.bridges.append(self._joint((module, start), (module, end)))

    def _joint(self, start: Terminal, end: Terminal) -> tuple[Terminal, Terminal]:
        nets = self.net_of(*start), self.net_of(*end)
        if None in nets or nets[0] != nets[1]:
            raise ValueError(f"{self.name}: {'.'.join(start)} is on {nets[0]}, "
                             f"{'.'.join(end)} on {nets[1]}: no wire joins them")  # fmt: skip
        return start, end

    def wire(self, *stops: str | tuple[float, float]) -> None:
        """Draw a line over stops: "R1.2" is a pin, (x, y) a point; slants become corners."""
        points = [self._point(stop) for stop in stops]
        path = points[:1]
        for x, y in points[1:]:
            last_x, last_y = path[-1]
            if x != last_x and y != last_y:
                path.append((x, last_y))  # across first, then along
            path.append((x, y))
        self.wires.append(tuple(path))

    def _point(self, stop: str | tuple[float, float]) -> tuple[float, float]:
        if not isinstance(stop, str):
            return stop
        reference, _, number = stop.partition(".")
        part = self.part(reference)
        return part.at(part.symbol.pin(number.replace(" ", "_")))
