"""The bench for five houses seen from above: where each thing stands and which cable joins it."""

from __future__ import annotations

from hw.schematics.canvas import Box, Canvas, Text

INK, POWER, SENSE, MAINS, AIR = "#1a1a1a", "#d01c1c", "#1f5fc4", "#c01818", "#7d8790"
HOUSES = 5
LEFT, STEP, WIDTH = 30.0, 66.0, 56.0


def bench_layout() -> Canvas:
    """Return the picture on A3."""
    canvas = Canvas(420, 297)
    canvas.rectangle((8, 8, 412, 289), INK, "", 0.35)
    canvas.write(Text(14, 18, "Bench for five houses, seen from above", 5.5, INK, is_bold=True))
    canvas.write(Text(14, 24, "Table 2.4 m x 1.2 m, non-conducting top.", 3, AIR))
    _mains(canvas)
    for house in range(HOUSES):
        _house(canvas, house)
    _bus(canvas)
    _hub(canvas)
    return canvas


def _block(canvas: Canvas, box: Box, name: str, lines: tuple[str, ...], fill: str) -> None:
    canvas.rectangle(box, INK, fill, 0.4)
    canvas.write(Text(box[0] + 2.5, box[1] + 5.5, name, 3.8, INK, is_bold=True))
    for row, line in enumerate(lines):
        canvas.write(Text(box[0] + 2.5, box[1] + 11 + 4.2 * row, line, 2.7, INK))


def _mains(canvas: Canvas) -> None:
    canvas.rectangle((20, 30, 400, 78), MAINS, "#fdf0ee", 0.5)
    title = "MAINS STRIP: own shelf behind a barrier; RCD 30 mA at its inlet"
    canvas.write(Text(24, 36.5, title, 3.6, MAINS, is_bold=True))
    canvas.line(((20, 84), (400, 84)), MAINS, 1.2, dash=3)
    canvas.write(Text(400, 89, "barrier", 2.7, MAINS, "end"))
    for house in range(HOUSES):
        x = LEFT + STEP * house
        lines = ("smart plug M1, CT clip TA1,", "appliance E2", "ready-made leads only")
        _block(canvas, (x, 42, x + WIDTH, 68), f"Load {house + 1}", lines, "#ffffff")
        canvas.line(((x + 10, 68), (x + 10, 98)), SENSE, 0.7)
        canvas.write(Text(x + 12, 95, "CT cable", 2.7, SENSE))


def _house(canvas: Canvas, house: int) -> None:
    x = LEFT + STEP * house
    number = house + 1
    is_prosumer = number % 2 == 1
    kind = "prosumer" if is_prosumer else "consumer"
    lines = ("carrier with its board, meters,", "relays, converters, lamp E1",
             "USB 5 V supply of its own")  # fmt: skip
    _block(canvas, (x, 98, x + WIDTH, 126), f"House {number}: {kind}", lines, "#f4f6f8")
    fire = ("pack BT1 in a fire-proof tray,", "fuse F2 at its +")
    _block(canvas, (x, 134, x + WIDTH, 154), f"Battery {number}", fire, "#fffbe8")
    canvas.line(((x + 10, 126), (x + 10, 134)), POWER, 0.9)
    end = x + WIDTH - 10
    canvas.line(((end, 126), (end, 129), (x + WIDTH + 4, 129), (x + WIDTH + 4, 172)), POWER, 0.9)
    canvas.write(Text(x + WIDTH + 2, 168, f"X{number}", 2.7, POWER, "end"))
    if is_prosumer:
        canvas.write(Text(x, 162, f"panel PV{number} at the window, MC4", 2.7, INK))


def _bus(canvas: Canvas) -> None:
    lines = (
        "XT30 sockets X1-X5, 2 A fuses F1-F5, contactors KM1 and KM2, rails, test points",
        "cables to the houses of one length (1 m) and 1.5 mm2; plus and minus run together",
        "12 V SELV supply G1 for the coils only",
    )
    box = (LEFT, 172, LEFT + 4 * STEP + WIDTH + 8, 198)
    _block(canvas, box, "Bus box (bus-5)", lines, "#eef3ee")
    _block(canvas, (LEFT + 268, 212, LEFT + 328, 236), "STOP and START",
           ("at the front edge, free to reach", "from both ends"), "#fdf0ee")  # fmt: skip
    canvas.line(((LEFT + 298, 198), (LEFT + 298, 212)), POWER, 0.9)


def _hub(canvas: Canvas) -> None:
    lines = (
        "Raspberry Pi, panel with lamps and button,",
        "own USB-C supply; WiFi or unshielded LAN",
    )
    _block(canvas, (LEFT, 212, LEFT + 78, 236), "Hub", lines, "#eef1f8")
    canvas.line(((LEFT + 40, 198), (LEFT + 40, 212)), SENSE, 0.7)
    canvas.write(
        Text(LEFT + 43, 207, "X20 to X1, 3 wires: sense; X21 to X2, 2 wires: permit", 2.7, SENSE)
    )
    notes = (
        "Red: power cables. Blue: signal cables. Keep them 10 cm apart; cross at right angles.",
        "One GND: the negatives meet at BUS- in the bus box only; USB supplies are isolated.",
        "Stand at the STOP side while anything is powered; a bucket of sand within 3 m.",
        "For two houses: the same with the bus box bus-2 and houses 1 and 2.",
    )
    for row, line in enumerate(notes):
        canvas.write(Text(LEFT, 250 + 5.2 * row, line, 3, INK))
