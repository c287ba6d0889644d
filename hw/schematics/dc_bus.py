"""The shared DC bus of two or five houses: fuses, contactors, emergency stop in hardware."""

from __future__ import annotations

from hw.schematics import modules as outline
from hw.schematics.kit import Kit
from hw.schematics.model import Frame, Note, Unit

POLES = 4
_COMMON = ("9", "10", "11", "12")
_MAKE = ("5", "6", "7", "8")


def dc_bus(houses: int) -> Unit:
    """Return the bus box for 2 or 5 houses; two further poles hold the coil and tell the hub."""
    unit = Unit(f"bus-{houses}", f"Shared DC bus for {houses} houses", "A3")
    uses = [f"house {n}" for n in range(1, houses + 1)] + ["hold", "sense"]
    contactors = -(-len(uses) // POLES)
    uses += ["spare"] * (contactors * POLES - len(uses))
    kit = Kit(unit)
    _control(unit, kit, contactors)
    for number in range(contactors):
        _contactor(unit, kit, number, uses[number * POLES : (number + 1) * POLES])
    for house in range(1, houses + 1):
        _house(unit, kit, house)
    _rail(kit)
    _texts(unit, contactors, houses)
    return unit


def _control(unit: Unit, kit: Kit, contactors: int) -> None:
    kit.box("G1", "supply-12v", "12 V SELV", (12, 15), outline.SUPPLY, {"+": "C12V", "-": "C0V"})
    kit.two("F10", "fuse-1a", "1 A", "24 15 right", "C12V", "C12V_F")
    kit.two("S10", "estop", "STOP 11-12", "34 15 right", "C12V_F", "C_ARMED")
    kit.two("S11", "button", "START", "44 15 right", "C_ARMED", "COIL")
    kit.two("D20", "1n4007", "1N4007", "52 18 up", "C0V", "COIL")
    for stops in (("G1.+", "F10.1"), ("F10.2", "S10.1"), ("S10.2", "S11.1"), ("S11.2", (57, 15)),
                  ("D20.K", (52, 15)), ((39, 15), (39, 20))):  # fmt: skip
        unit.wire(*stops)
    kit.two("S12", "estop-block", "STOP 21-22", "34 25 right", "SENSE_RTN", "SENSE_STOP")
    nets = {"E-STOP": "SENSE_STOP", "CONTACTOR": "SENSE_KM", "RETURN": "SENSE_RTN"}
    kit.box("X20", "header", "to the hub's panel", (58, 25), outline.HUB_PLUG, nets)
    unit.wire("S12.2", "X20.1")


def _contactor(unit: Unit, kit: Kit, number: int, uses: list[str]) -> None:
    nets = {"coil +": "COIL", "coil -": "C0V"}
    for pole, use in enumerate(uses, 1):
        if use == "spare":
            continue
        pair = {"hold": ("C_ARMED", "COIL"), "sense": ("SENSE_RTN", "SENSE_KM")}.get(
            use, (f"H{use[6:]}_F", "BUS+")
        )
        nets[f"COM {pole}"], nets[f"NO {pole}"] = pair
    symbol = outline.CONTACTOR
    kit.box(f"KM{number + 1}", "contactor", "12 VDC coil", (122, 17 + 17 * number), symbol, nets)


def _house(unit: Unit, kit: Kit, house: int) -> None:
    x, y = (12, 38 + 7 * house) if house <= 3 else (12 + 46, 38 + 7 * (house - 3))
    nets = {"+": f"H{house}", "-": "BUS-"}
    kit.box(f"X{house}", "xt30", f"house {house}, XT30", (x, y), outline.HOUSE_PLUG, nets)
    kit.two(f"F{house}", "fuse-2a", "2 A", f"{x + 14} {y} right", f"H{house}", f"H{house}_F")
    unit.wire(f"X{house}.+", f"F{house}.1")
    unit.wire(f"F{house}.2", (x + 18, y))


def _rail(kit: Kit) -> None:
    kit.two("R1", "r-100k", "100k", "101 61 down", "BUS+", "BUS-")
    kit.two("C1", "c-1u", "1u", "112 61 down", "BUS+", "BUS-")
    kit.two("D21", "p6ke18a", "P6KE18A", "123 61 up", "BUS-", "BUS+")
    test = {"+": "BUS+", "-": "BUS-"}
    kit.box("X10", "header", "test points", (145, 61), outline.TEST_POINTS, test)


def _texts(unit: Unit, contactors: int, houses: int) -> None:
    unit.frames += [
        Frame("EMERGENCY STOP: the coil circuit, no software in it", 5, 7, 90, 34),
        Frame("CONTACTORS: normally open", 93, 7, 155, 13 + 17 * contactors),
        Frame("HOUSES: one fuse on each branch", 5, 38, 90, 70 if houses > 2 else 60),
        Frame("RAIL: bleeder, capacitor, suppressor", 93, 52, 155, 68),
    ]  # fmt: skip
    unit.notes.append(Note(7, 76, (
        "COIL circuit and rails are not joined: C0V is not BUS-.",
        "START closes the contactors, a pole of KM holds them; STOP, a power cut",
        "or a blown F10 opens all, and nothing closes again by itself.",
        "S10 and S12 are the two NC blocks of one STOP button.",
        "No lamp on the rail: its current would be metered as lost energy.",
    )))  # fmt: skip
