"""Short ways to put parts of the catalogue on a sheet."""

from __future__ import annotations

from dataclasses import dataclass

from hw.schematics.model import Part, Symbol, Unit
from hw.schematics.symbols import CLAMP, MOSFET, two_terminal

DIODES = ("A", "K")
PLAIN = ("1", "2")
POLES = ("+", "-")
_SHAPES = {
    "r": ("resistor", PLAIN), "c": ("capacitor", PLAIN), "fuse": ("fuse", PLAIN),
    "c-10u": ("electrolytic", PLAIN), "1n5822": ("schottky", DIODES), "1n4007": ("diode", DIODES),
    "p6ke18a": ("tvs", DIODES), "led": ("led", DIODES), "lamp": ("lamp", PLAIN),
    "pack": ("battery", POLES), "panel": ("battery", POLES), "switch": ("make", PLAIN),
    "button": ("make", PLAIN), "tactile": ("make", PLAIN), "estop": ("break", PLAIN),
    "xt30": ("plug", PLAIN), "mc4": ("plug", PLAIN),
}  # fmt: skip


@dataclass
class Kit:
    """Adds parts to a unit; those without an assembly of their own belong to `assembly`."""

    unit: Unit
    assembly: str = ""

    def two(self, reference: str, item: str, value: str, at: str, *nets: str) -> Part:
        """Add a two-terminal part. `at` is "x y direction", the direction from pin 1 to 2."""
        x, y, direction = at.split()
        shape, numbers = _SHAPES.get(item) or _SHAPES[item.split("-")[0]]
        symbol = two_terminal(shape, direction, numbers)
        joined = dict(zip(numbers, nets, strict=True))
        return self._add(reference, item, value, symbol, (float(x), float(y)), joined)

    def clamp(self, reference: str, x: float, y: float, nets: tuple[str, str, str]) -> Part:
        """Add a Schottky pair between the nets (lower, upper, middle)."""
        joined = dict(zip(("1", "2", "3"), nets, strict=True))
        return self._add(reference, "bat54s", "BAT54S", CLAMP, (x, y), joined)

    def mosfet(self, reference: str, x: float, y: float, nets: tuple[str, str, str]) -> Part:
        """Add a MOSFET with the nets of gate, drain and source."""
        joined = dict(zip("GDS", nets, strict=True))
        return self._add(reference, "zvnl110a", "ZVNL110A", MOSFET, (x, y), joined)

    def box(
        self,
        reference: str,
        item: str,
        value: str,
        at: tuple[float, float],
        symbol: Symbol,
        nets: dict[str, str],
        *,
        is_fitted: bool = True,
    ) -> Part:
        """Add a module. Keys of `nets` are pin names; pins of one name are one net."""
        joined = {pin.number: nets[pin.name] for pin in symbol.pins if pin.name in nets}
        unknown = set(nets) - {pin.name for pin in symbol.pins}
        if unknown:
            raise ValueError(f"{reference} has no pin {', '.join(sorted(unknown))}")
        return self._add(reference, item, value, symbol, at, joined, is_fitted=is_fitted)

    def _add(
        self,
        reference: str,
        item: str,
        value: str,
        symbol: Symbol,
        at: tuple[float, float],
        nets: dict[str, str],
        *,
        is_fitted: bool = True,
    ) -> Part:
        part = Part(reference, item, value, symbol, *at, nets, self.assembly, is_fitted)
        return self.unit.add(part)
