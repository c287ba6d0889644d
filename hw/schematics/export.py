"""The model becomes files: drawings, lists, nets and decks; the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from hw.schematics import kicad, picture, tolerance, wiring
from hw.schematics.bench_layout import bench_layout
from hw.schematics.carrier import BOARDS
from hw.schematics.dc_bus import dc_bus
from hw.schematics.hub_panel import PINS as PANEL_PINS
from hw.schematics.hub_panel import hub_panel
from hw.schematics.items import ITEMS
from hw.schematics.model import Part, Unit
from hw.schematics.pcb import board as pcb
from hw.schematics.pcb import picture as pcb_picture
from hw.schematics.peer_node import ADDRESS_STRAPS, peer_node
from hw.schematics.spice import decks

DIRECTORY = Path(__file__).parent / "exports"
SETTINGS = {"relay_active_low": False, "divider_ratio": 8000}
"""What node/settings.py must be told about this wiring."""


def units() -> list[Unit]:
    """Return every unit of the kit."""
    return [peer_node(), hub_panel(), dc_bus(2), dc_bus(5)]


def files() -> dict[str, bytes]:
    """Return every export: name below `exports` -> content."""
    built = units()
    found: dict[str, bytes] = {
        f"{kicad.LIBRARY}.kicad_sym": kicad.library(built).encode(),
        "sym-lib-table": kicad.library_table().encode(),
        "nets.json": _json(nets(built)),
        "bom.csv": bom(built).encode(),
        "error-budget.md": tolerance.table().encode(),
        "expected-readings.md": readings().encode(),
        "carrier.kicad_pcb": pcb.kicad_board().encode(),
        "carrier.kicad_pro": pcb.kicad_project().encode(),
        "carrier.svg": pcb_picture.drawing().svg("Trueque: carrier, board").encode(),
        "carrier.pdf": pcb_picture.drawing().pdf("Trueque: carrier, board"),
        "bench-layout.svg": bench_layout().svg("Trueque: bench for five houses").encode(),
        "bench-layout.pdf": bench_layout().pdf("Trueque: bench for five houses"),
    }
    for unit in built:
        found[f"{unit.name}.kicad_sch"] = kicad.schematic(unit).encode()
        found[f"{unit.name}.kicad_pro"] = kicad.project(unit).encode()
        for kind, canvas in (("", picture.schematic(unit)), ("-wiring", wiring.drawing(unit))):
            title = f"Trueque: {unit.title}"
            found[f"{unit.name}{kind}.svg"] = canvas.svg(title).encode()
            found[f"{unit.name}{kind}.pdf"] = canvas.pdf(title)
        found[f"{unit.name}-wires.csv"] = wire_list(unit).encode()
    for deck in decks(peer_node()):
        found[f"spice/{deck.name}.cir"] = deck.text.encode()
    return found


def stale() -> list[str]:
    """Return the names of committed exports that differ from the model, sorted."""
    wanted = files()
    present = {path.relative_to(DIRECTORY).as_posix() for path in DIRECTORY.rglob("*")
               if path.is_file()}  # fmt: skip
    differing = {name for name, content in wanted.items()
                 if name in present and (DIRECTORY / name).read_bytes() != content}  # fmt: skip
    return sorted(differing | (present ^ set(wanted)))


def write() -> int:
    """Write every export; return how many."""
    wanted = files()
    for name, content in wanted.items():
        path = DIRECTORY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return len(wanted)


def nets(built: Iterable[Unit]) -> dict[str, object]:
    """Return parts, nets, board pins and addresses of units, as nets.json holds them."""
    drawn = {unit.name: {"parts": {part.reference: _part(part) for part in unit.parts},
                         "nets": unit.nets()} for unit in built}  # fmt: skip
    node = peer_node()
    return {
        "board_pins": {board: board_pins(node, board) for board in BOARDS},
        "ina226": {f"0x{address:02X}": meter for address, meter in meters(node).items()},
        "settings": SETTINGS,
        "panel_pins": PANEL_PINS,
        "units": drawn,
    }


def board_pins(node: Unit, board: str = "pico_w") -> dict[str, str]:
    """Return the nets at the board's GPIOs ("GP26" -> net) with JP2 set for that kind of board.

    A GPIO that JP2 leaves open is left out; the one it joins has the net behind it.
    """
    symbol, jumper = node.part("U1"), node.part("JP2").nets
    behind = {jumper[pin]: jumper["2"] for pin in (BOARDS[board],)}
    left_open = {jumper[pin] for pin in BOARDS.values()} - set(behind)
    found = {}
    for pin in symbol.symbol.pins:
        net = symbol.nets.get(pin.number)
        if pin.name.startswith("GP") and net and net not in left_open:
            found[pin.name] = behind.get(net, net)
    return dict(sorted(found.items(), key=lambda item: int(item[0][2:])))


def meters(node: Unit) -> dict[int, dict[str, object]]:
    """Return the INA226s: address by its straps -> reference, shunt in uOhm and nets."""
    addresses = {straps: address for address, straps in ADDRESS_STRAPS.items()}
    found = {}
    for part in node.parts:
        if part.item.startswith("ina226"):
            address = addresses[part.nets["A0"], part.nets["A1"]]
            shunt_uohm = int(part.item[-3:]) * 1000
            found[address] = {"reference": part.reference, "shunt_uohm": shunt_uohm,
                              "plus": part.nets["IN+"], "minus": part.nets["IN-"]}  # fmt: skip
    return found


def bom(built: Iterable[Unit]) -> str:
    """Return the parts list as CSV: one row per thing to buy in each unit, no prices."""
    rows = []
    for unit in built:
        groups: dict[str, list[Part]] = defaultdict(list)
        for part in unit.parts:
            groups[part.item].append(part)
        for key, parts in groups.items():
            item = ITEMS[key]
            held = " ".join(part.reference for part in parts)
            fitted = "yes" if parts[0].is_fitted else "option"
            rows.append([unit.name, len(parts), held, item.description, item.maker, item.number,
                         item.substitutes, fitted, ""])  # fmt: skip
        for extra in unit.extras:
            item = extra.item
            rows.append([unit.name, extra.quantity, f"for {extra.use}", item.description,
                         item.maker, item.number, item.substitutes, "yes", ""])  # fmt: skip
    head = ["unit", "quantity", "references", "description", "manufacturer",
            "manufacturer_number", "substitutes", "fitted", "price"]  # fmt: skip
    return _csv([head, *rows])


def readings() -> str:
    """Return what ngspice is expected to say for every deck, as Markdown."""
    rows = [
        "# Expected readings",
        "",
        "The decks in `spice/` give these numbers within 1 %; `tests/host/schematics` checks it.",
        "",
        "| Deck | What | Expected |",
        "|---|---|---|",
    ]
    for deck in decks(peer_node()):
        for vector in deck.vectors:
            rows.append(f"| {deck.name} | {vector.meaning} | {vector.expected:g} {vector.unit} |")
    return "\n".join([*rows, ""])


def wire_list(unit: Unit) -> str:
    """Return the wires to cut as CSV."""
    head = ["wire", "net", "colour", "mm2", "from", "from_terminal", "to", "to_terminal"]
    rows = [[number, wire.net, wire.colour, wire.square_mm, *wire.start, *wire.end]
            for number, wire in enumerate(wiring.wires(unit), 1)]  # fmt: skip
    return _csv([head, *rows])


def _part(part: Part) -> dict[str, object]:
    item = ITEMS[part.item]
    return {"value": part.value, "description": item.description, "manufacturer": item.maker,
            "manufacturer_number": item.number, "is_fitted": part.is_fitted}  # fmt: skip


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()
