"""The shared DC bus of two or five houses: fuses, contactors, emergency stop in hardware."""

from __future__ import annotations

from hw.schematics import modules as outline
from hw.schematics.extras import bus_box
from hw.schematics.kit import Kit
from hw.schematics.model import Frame, Note, Unit

USES = {
    2: (("house 1", "house 2", "hold", "sense"),),
    5: (("house 1", "house 2", "house 3", "sense"), ("house 4", "house 5", "hold", "sense")),
}
"""What the four poles of each contactor do; every contactor tells the hub, in series."""


def dc_bus(houses: int) -> Unit:
    """Return the bus box for 2 or 5 houses; further poles hold the coil and tell the hub."""
    unit = Unit(f"bus-{houses}", f"Shared DC bus for {houses} houses", "A3")
    kit = Kit(unit)
    uses = USES[houses]
    _control(unit, kit)
    for number, poles in enumerate(uses):
        _contactor(kit, number, poles, len(uses))
    for house in range(1, houses + 1):
        _house(unit, kit, house)
    _rail(kit)
    _texts(unit, len(uses), houses)
    unit.extras += bus_box(houses)
    return unit


def _control(unit: Unit, kit: Kit) -> None:
    kit.box("G1", "supply-12v", "12 V SELV", (12, 15), outline.SUPPLY, {"+": "C12V", "-": "C0V"})
    kit.two("F10", "fuse-1a", "1 A F", "24 15 right", "C12V", "C12V_F")
    kit.two("S10", "estop", "STOP 11-12", "34 15 right", "C12V_F", "C_ARMED")
    kit.two("S11", "button", "START", "44 15 right", "C_ARMED", "COIL")
    kit.two("D20", "1n4007", "1N4007", "52 18 up", "COIL_RTN", "COIL")
    nets = {"COIL RTN": "COIL_RTN", "C0V": "C0V"}
    kit.box("X21", "xh-2", "hub's permit, or a bridge", (74, 16), outline.PERMIT_PLUG, nets)
    for stops in (("G1.+", "F10.1"), ("F10.2", "S10.1"), ("S10.2", "S11.1"), ("S11.2", (57, 15)),
                  ("D20.K", (52, 15)), ((39, 15), (39, 20))):  # fmt: skip
        unit.wire(*stops)
    kit.two("S12", "estop-block", "STOP 21-22", "34 27 right", "SENSE_RTN", "SENSE_STOP")
    nets = {"E-STOP": "SENSE_STOP", "CONTACTOR": "SENSE_KM", "RETURN": "SENSE_RTN"}
    kit.box("X20", "xh-3", "to the hub's panel", (74, 27), outline.HUB_PLUG, nets)
    unit.wire("S12.2", "X20.1")


def _contactor(kit: Kit, number: int, uses: tuple[str, ...], contactors: int) -> None:
    nets = {"coil +": "COIL", "coil -": "COIL_RTN"}
    is_last = number == contactors - 1
    sense = ("SENSE_RTN" if number == 0 else "SENSE_MID", "SENSE_KM" if is_last else "SENSE_MID")
    for pole, use in enumerate(uses, 1):
        pair = {"hold": ("C_ARMED", "COIL"), "sense": sense}.get(use, (f"H{use[6:]}_F", "BUS+"))
        nets[f"COM {pole}"], nets[f"NO {pole}"] = pair
    symbol = outline.CONTACTOR
    kit.box(f"KM{number + 1}", "contactor", "12 VDC coil", (122, 17 + 17 * number), symbol, nets)


def _house(unit: Unit, kit: Kit, house: int) -> None:
    x, y = (12, 38 + 7 * house) if house <= 3 else (12 + 46, 38 + 7 * (house - 3))
    nets = {"+": f"H{house}", "-": "BUS-"}
    kit.box(f"X{house}", "xt30", f"house {house}, XT30", (x, y), outline.HOUSE_PLUG, nets)
    kit.two(f"F{house}", "fuse-2a", "2 A F", f"{x + 14} {y} right", f"H{house}", f"H{house}_F")
    unit.wire(f"X{house}.+", f"F{house}.1")
    unit.wire(f"F{house}.2", (x + 18, y))


def _rail(kit: Kit) -> None:
    kit.two("R1", "r-100k", "100k", "101 61 down", "BUS+", "BUS-")
    kit.two("C1", "c-1u", "1u", "112 61 down", "BUS+", "BUS-")
    kit.two("D21", "p6ke18a", "P6KE18A", "123 61 up", "BUS-", "BUS+")
    test = {"+": "BUS+", "-": "BUS-"}
    kit.box("X10", "sockets-4mm", "test points", (145, 61), outline.TEST_POINTS, test)
    kit.box("XB1", "bar", "bar BUS+", (103, 73), outline.BAR, {"bar": "BUS+"})
    kit.box("XB2", "bar", "bar BUS-", (123, 73), outline.BAR, {"bar": "BUS-"})


def _texts(unit: Unit, contactors: int, houses: int) -> None:
    unit.frames += [
        Frame("EMERGENCY STOP: software can open the coil circuit, never close it", 5, 7, 90, 34),
        Frame("CONTACTORS: normally open", 93, 7, 155, 13 + 17 * contactors),
        Frame("HOUSES: one fuse on each branch", 5, 38, 90, 70 if houses > 2 else 60),
        Frame("RAIL: bleeder, capacitor, suppressor; every wire ends on a bar", 93, 52, 155, 79),
    ]  # fmt: skip
    unit.notes.append(Note(7, 76, (
        "COIL circuit and rails are not joined: C0V is not BUS-.",
        "START closes the contactors, a pole of KM holds them; STOP, a power cut, a blown",
        "F10 or the hub (X21 open) opens all, and nothing closes again by itself.",
        "Bench without a hub's panel: a plug with a wire bridge in X21.",
        "S10 and S12 are the two NC blocks of one STOP button.",
        "No lamp on the rail: its current would be metered as lost energy.",
    )))  # fmt: skip
