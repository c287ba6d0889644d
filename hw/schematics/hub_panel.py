"""The hub: Raspberry Pi with its panel of lamps, a button and two sense inputs from the bus box."""

from __future__ import annotations

from hw.schematics import modules as outline
from hw.schematics.extras import HUB as EXTRAS
from hw.schematics.kit import Kit
from hw.schematics.model import Frame, Note, Unit

PINS = {"estop_sense": 17, "contactor_sense": 27, "market_led": 22, "delivery_led": 23,
        "fault_led": 24, "acknowledge_button": 25, "contactor_permit": 26}  # fmt: skip
"""GPIO (BCM numbers) of the panel. Sense and button inputs are low when all is well or pressed;
the permit is high while the contactors may hold. GPIO26 is pulled low until a program drives it."""
PANEL = "panel board"


def hub_panel() -> Unit:
    """Return the hub unit."""
    unit = Unit("hub", "Hub: Raspberry Pi and panel", "A3")
    kit = Kit(unit, PANEL)
    nets = {"3V3": "3V3", "GND": "GND", "GPIO2": "SDA", "GPIO3": "SCL"}
    nets |= {f"GPIO{number}": name.upper() for name, number in PINS.items()}
    Kit(unit).box("U1", "pi", "Raspberry Pi 4 or 5", (33, 17), outline.RASPBERRY_PI, nets)
    _inputs(unit, kit)
    _lamps(unit, kit)
    _permit(unit, kit)
    clock = {"VCC": "3V3", "GND": "GND", "SDA": "SDA", "SCL": "SCL"}
    Kit(unit).box("A1", "ds3231", "DS3231, option", (33, 55), outline.CLOCK, clock,
                  is_fitted=False)  # fmt: skip
    unit.frames += [
        Frame("RASPBERRY PI: own USB-C supply", 5, 7, 62, 64),
        Frame("INPUTS: an open wire reads as STOP, as not closed, as not pressed", 65, 7, 155, 52),
        Frame("LAMPS", 65, 55, 106, 83),
        Frame(
            "PERMIT: dark at boot, halted or unplugged, and the contactors drop", 109, 55, 155, 83
        ),
    ]
    unit.notes.append(Note(7, 70, (
        "STOP breaks the coil circuit in the bus box; the panel reads its second contact.",
        "The permit is in series with STOP: the hub can open the contactors, and only",
        "START at the bus box, a person's finger, closes them.",
        "Sense contacts carry 3.3 mA from 3V3. E-stop low: released. Contactor low: closed.",
        "X1 has three pins and X2 two: the plugs can't be swapped.",
        "A1 keeps the time on a bench without Internet.",
    )))  # fmt: skip
    unit.extras += EXTRAS
    return unit


def _inputs(unit: Unit, kit: Kit) -> None:
    nets = {"E-STOP": "STOP_LINE", "CONTACTOR": "KM_LINE", "RETURN": "GND"}
    kit.box("X1", "xh-3", "from the bus box", (73, 22), outline.PANEL_PLUG, nets)
    rows = ((1, "STOP_LINE", "ESTOP_SENSE", 16), (2, "KM_LINE", "CONTACTOR_SENSE", 29),
            (3, "BUTTON", "ACKNOWLEDGE_BUTTON", 42))  # fmt: skip
    for n, line, gpio, y in rows:
        kit.two(f"R{n}", "r-1k", "1k", f"96 {y - 3} down", "3V3", line)
        kit.two(f"R{n + 3}", "r-1k", "1k", f"105 {y} right", line, gpio)
        kit.two(f"C{n}", "c-100n", "100n", f"114 {y + 3} down", gpio, "GND")
        unit.wire(f"R{n}.2", (96, y))
        unit.wire((92, y), f"R{n + 3}.1")
        unit.wire(f"R{n + 3}.2", (118, y))
        unit.wire(f"C{n}.1", (114, y))
    kit.two("S1", "button", "acknowledge", "136 42 right", "BUTTON", "GND")


def _lamps(unit: Unit, kit: Kit) -> None:
    rows = ((7, "market", "green", 62), (8, "delivery", "yellow", 69), (9, "fault", "red", 76))
    for n, name, colour, y in rows:
        net = f"{name.upper()}_LED"
        kit.two(f"R{n}", "r-330", "330R", f"84 {y} right", net, f"{net}_A")
        kit.two(
            f"D{n - 6}", f"led-{colour}", f"{name}, {colour}", f"93 {y} right", f"{net}_A", "GND"
        )
        unit.wire(f"R{n}.2", f"D{n - 6}.A")


def _permit(unit: Unit, kit: Kit) -> None:
    kit.two("R10", "r-330", "330R", "122 63 right", "CONTACTOR_PERMIT", "PERMIT_A")
    nets = {"A": "PERMIT_A", "K": "GND", "D1": "COIL_RTN", "D2": "C0V"}
    kit.box("U2", "photo-mos", "AQY212EH", (138, 63), outline.PHOTO_MOS, nets)
    nets = {"COIL RTN": "COIL_RTN", "C0V": "C0V"}
    kit.box("X2", "xh-2", "to X21 of the bus box", (138, 74), outline.PERMIT_PLUG, nets)
    unit.wire("R10.2", "U2.1")
