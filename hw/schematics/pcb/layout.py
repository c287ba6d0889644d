"""Where the carrier's parts stand on its board: the model's parts go in, placed footprints out.

Places are in steps of 1.27 mm from the upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw.schematics.carrier import CARRIER
from hw.schematics.model import Part, Unit
from hw.schematics.pcb import footprints
from hw.schematics.pcb.footprints import Footprint, Pad

STEP_MM = 1.27
WIDTH_MM, HEIGHT_MM = 80 * STEP_MM, 62 * STEP_MM
HOLES = ((3, 3), (77, 3), (3, 59), (77, 59))
"""Places of the 3.2 mm mounting holes."""
HOLE_MM = 3.2
_FILM, _ELECTROLYTIC = (-1.3, -1.6, 3.84, 1.6), (-1.6, -2.6, 3.6, 2.6)
# Below U1 stays free of tall parts: the network socket of a W5500-EVB-Pico stands over it.
PLACES: dict[str, tuple[float, float, int]] = {  # x, y, quarter turns clockwise
    "U1": (32, 8, 0),
    "X5": (5, 9, 0), "X6": (5, 21, 0), "X7": (5, 33, 0), "X8": (5, 45, 0),
    "R8": (18, 11, 0), "R9": (18, 15, 0),
    "R10": (19, 36, 0), "R12": (19, 40, 0), "R11": (19, 44, 0), "R13": (19, 48, 0),
    "Q1": (15, 35, 0), "Q2": (15, 44, 0),
    "X12": (22, 58, 3), "S1": (10, 55, 0),
    "X9": (75, 10, 2), "X10": (75, 19, 2), "X11": (75, 30, 2), "X3": (75, 43, 2),
    "R1": (58, 8, 0), "R2": (58, 12, 0), "D1": (55.25, 12.25, 2), "C1": (50, 9, 1),
    "R3": (58, 17, 0), "R4": (58, 21, 0), "D2": (55.25, 21.25, 2), "C2": (50, 18, 1),
    "R16": (58, 26, 0), "D13": (55.25, 26.25, 2), "JP1": (50, 26, 0),
    "R7": (58, 34, 0), "D3": (55.25, 34.25, 2), "R5": (58, 38, 0), "R6": (58, 42, 0),
    "C3": (52, 40, 1), "JP2": (50, 48, 0),
    "R14": (55, 49, 0), "D11": (70, 49, 0), "R15": (55, 56, 0), "D12": (70, 56, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """A part on the board; `x` and `y` in mm are of its footprint's origin."""

    part: Part
    footprint: Footprint
    x: float
    y: float

    def net(self, pad: Pad) -> str | None:
        """Return the net at a pad, or None when nothing is joined there."""
        return self.part.nets.get(pad.number)


def placed(unit: Unit) -> list[Placed]:
    """Return every part of the carrier on its place. Raises ValueError when one has none."""
    parts = {part.reference: part for part in unit.parts if part.assembly == CARRIER}
    if set(parts) != set(PLACES):
        odd = ", ".join(sorted(set(parts) ^ set(PLACES)))
        raise ValueError(f"on the board or in the model only: {odd}")
    found = []
    for reference, (x, y, quarters) in PLACES.items():
        shape = _footprint(parts[reference]).turned(quarters)
        missing = set(parts[reference].nets) - {pad.number for pad in shape.pads}
        if missing:
            raise ValueError(f"{reference} has no pad {', '.join(sorted(missing))}")
        found.append(Placed(parts[reference], shape, x * STEP_MM, y * STEP_MM))
    return found


def _footprint(part: Part) -> Footprint:
    names = tuple(pin.name for pin in part.symbol.pins)
    if part.item.startswith("r-"):
        return footprints.axial()
    if part.item.startswith("led-"):
        return footprints.led()
    if part.item.startswith("xh-"):
        return footprints.plug(names)
    return {
        "c-100n": lambda: footprints.radial(2.54, _FILM, "disc"),
        "c-10u": lambda: footprints.radial(2.0, _ELECTROLYTIC, "electrolytic"),
        "bat54s": footprints.sot23,
        "zvnl110a": footprints.to92,
        "jumper": footprints.header,
        "clamp-2": lambda: footprints.clamp(names),
        "tactile": footprints.tactile,
        "pico": lambda: footprints.pico(names),
    }[part.item]()
