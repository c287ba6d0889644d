"""The peer node: one house with panel, battery, load, meters and its two relays to the bus."""

from __future__ import annotations

from hw.schematics import carrier
from hw.schematics import modules as outline
from hw.schematics.carrier import CARRIER
from hw.schematics.extras import PEER_NODE as EXTRAS
from hw.schematics.kit import Kit
from hw.schematics.model import Frame, Note, Unit

ADDRESS_STRAPS = {0x40: ("GND", "GND"), 0x41: ("3V3", "GND"), 0x44: ("GND", "3V3")}
"""INA226 address: nets of (A0, A1), TI SBOS547 table 6-2."""


def peer_node() -> Unit:
    """Return the unit; it is the same for every house, a consumer leaves the solar frame out."""
    unit = Unit("peer-node", "Peer node: one house of the bench", "A2")
    _solar(unit)
    _battery(unit)
    _bus_branch(unit)
    carrier.add_circuits(unit)
    _mains(unit)
    carrier.add_plugs(unit)
    _bar(unit)
    _texts(unit)
    unit.extras += EXTRAS
    return unit


def _divider(unit: Unit, at: tuple[float, float], names: tuple[str, ...]) -> None:
    """Draw an FZ0430 made 1:8 with its clamp. Names: module, R, R, C, D, input net, ADC net."""
    (x, y), (module, across, series, capacitor, clamp, source, adc) = at, names
    tap = f"{adc}_S"
    kit = Kit(unit)
    ends = {"VIN+": source, "VIN-": "GND", "S": tap, "-": "GND"}
    kit.box(module, "fz0430", "FZ0430 module", (x, y), outline.FZ0430, ends)
    kit = Kit(unit, CARRIER)
    kit.two(across, "r-10k", "10k 1%", f"{x + 10} {y + 3} down", tap, "GND")
    kit.two(series, "r-1k", "1k", f"{x + 17} {y} right", tap, adc)
    kit.two(capacitor, "c-100n", "100n", f"{x + 22} {y + 3} down", adc, "GND")
    kit.clamp(clamp, x + 32, y, ("GND", "3V3", adc))
    unit.wire(f"{module}.S", f"{series}.1")
    unit.wire(f"{across}.1", (x + 10, y))
    unit.wire(f"{series}.2", f"{clamp}.3")
    unit.wire(f"{capacitor}.1", (x + 22, y))
    unit.wire((x + 14, y), (x + 14, y + 3))
    unit.wire((x + 28, y), (x + 28, y + 6), (x + 31, y + 6))


def _meter(unit: Unit, names: tuple[str, str, str, str], at: tuple[float, float], *,
           address: int) -> None:  # fmt: skip
    """Draw an INA226 module: (reference, item, net at IN+, net at IN-)."""
    reference, item, plus, minus = names
    is_reversed = reference == "A5"  # the cell, where the voltage is sensed, is on its left
    symbol = outline.INA226_REVERSED if is_reversed else outline.INA226
    a0, a1 = ADDRESS_STRAPS[address]
    nets = {"IN+": plus, "IN-": minus, "VBUS": minus if is_reversed else plus, "VCC": "3V3",
            "GND": "GND", "SDA": "SDA", "SCL": "SCL", "A0": a0, "A1": a1}  # fmt: skip
    shunt = "0R05" if item.endswith("50") else "0R02"
    Kit(unit).box(reference, item, f"INA226 0x{address:02X} {shunt}", at, symbol, nets)
    for strap, net in (("A0", a0), ("A1", a1)):
        unit.bridge(reference, strap, {"GND": "GND", "3V3": "VCC"}[net])
    unit.bridge(reference, "VBUS", "IN-" if is_reversed else "IN+")
    x, y = at
    unit.wire(f"{reference}.VBUS", (x - 7, y + 1), (x - 7, y))


def _solar(unit: Unit) -> None:
    kit = Kit(unit)
    kit.two("PV1", "panel", "10 W 23.4 V", "9 17 down", "PV_PANEL", "GND")
    kit.two("X1", "mc4", "MC4 keyed", "14 14 right", "PV_PANEL", "PV_IN")
    kit.two("F1", "fuse-1a", "1 A F", "20 14 right", "PV_IN", "PV_F")
    kit.two("D4", "1n5822", "1N5822", "34 14 right", "PV_F", "PV_D")
    _meter(unit, ("A4", "ina226-r020", "PV_D", "PV_M"), (48, 14), address=0x41)
    nets = {"IN+": "PV_M", "IN-": "GND", "OUT+": "PV_CHG", "OUT-": "GND"}
    kit.box("A6", "buck", "buck 12.6 V 0.5 A", (66, 14), outline.CONVERTER, nets)
    kit.two("D5", "1n5822", "1N5822", "77 14 right", "PV_CHG", "BAT_BUS")
    _divider(unit, (38, 24), ("A1", "R1", "R2", "C1", "D1", "PV_F", "PV_ADC"))
    for stops in (("PV1.+", (9, 14), "X1.1"), ("X1.2", "F1.1"), ("F1.2", "D4.A"),
                  ("D4.K", "A4.IN+"), ("A4.IN-", "A6.IN+"), ("A6.OUT+", "D5.A"),
                  ("D5.K", (81, 14)), ((27, 14), (27, 24), "A1.VIN+")):  # fmt: skip
        unit.wire(*stops)


def _battery(unit: Unit) -> None:
    kit = Kit(unit)
    kit.two("BT1", "pack", "3S Li-ion", "9 51 down", "PACK", "GND")
    kit.two("F2", "fuse-3a15", "3.15 A F", "14 48 right", "PACK", "PACK_F")
    kit.two("X2", "xt30", "XT30 keyed", "20 48 right", "PACK_F", "PACK_X")
    kit.two("S2", "switch", "isolator", "26 48 right", "PACK_X", "BAT")
    kit.two("D6", "1n5822", "1N5822", "31 52 up", "GND", "BAT")
    _meter(unit, ("A5", "ina226-r020", "BAT_BUS", "BAT"), (48, 48), address=0x44)
    _divider(unit, (44, 60), ("A2", "R3", "R4", "C2", "D2", "BAT", "BAT_ADC"))
    for stops in (("BT1.+", (9, 48), "F2.1"), ("F2.2", "X2.1"), ("X2.2", "S2.1"),
                  ("S2.2", "A5.IN-"), ("D6.K", (31, 48)), ("A5.IN+", (58, 48)),
                  ((37, 48), (37, 60), "A2.VIN+")):  # fmt: skip
        unit.wire(*stops)


def _bus_branch(unit: Unit) -> None:
    kit = Kit(unit)
    nets = {"IN+": "BAT_BUS", "IN-": "GND", "OUT+": "SRC", "OUT-": "GND"}
    kit.box("A7", "buck-boost", "source 13.3 V 0.5 A", (112, 14), outline.CONVERTER, nets)
    # Two converters' capacitors meet at closing: without R17 29 A, which weld contacts.
    kit.two("R17", "r-1-2w", "1R 2 W", "124 14 right", "SRC", "SRC_R")
    kit.two("D7", "1n5822", "1N5822", "131 14 right", "SRC_R", "SRC_D")
    nets = {"K2 NO": "SRC_D", "K2 COM": "BUS_F", "K2 NC": "INTERLOCK", "K1 COM": "INTERLOCK",
            "K1 NO": "SNK", "VCC": "5V", "JD-VCC": "5V", "GND": "GND",
            "IN1": "K_IN", "IN2": "K_OUT"}  # fmt: skip
    kit.box("K1", "relay-pair", "2PH63091A", (148, 14), outline.RELAY_PAIR, nets)
    bus = {"+": "BUS_H", "-": "GND"}
    kit.box("X4", "xt30", "to the bus, XT30", (99, 31), outline.BUS_PLUG, bus)
    kit.two("D8", "1n5822", "1N5822", "107 35 up", "GND", "BUS_H")
    _meter(unit, ("A3", "ina226-r050", "BUS_H", "BUS_M"), (120, 31), address=0x40)
    kit.two("F3", "fuse-1a-t", "1 A T", "131 31 right", "BUS_M", "BUS_F")
    kit.two("D9", "1n5822", "1N5822", "143 48 right", "SNK", "SNK_D")
    kit.two("E1", "lamp", "12 V 2 W", "150 52 down", "SNK_D", "GND")
    nets = {"IN+": "SNK_D", "IN-": "GND", "OUT+": "SNK_CHG", "OUT-": "GND"}
    kit.box("A8", "buck-boost", "sink 12.6 V 0.25 A", (163, 48), outline.CONVERTER, nets)
    kit.two("D10", "1n5822", "1N5822", "174 48 right", "SNK_CHG", "BAT_BUS")
    for stops in (("A7.OUT+", "R17.1"), ("R17.2", "D7.A"), ("D7.K", "K1.K2 NO"), ("X4.+", "A3.IN+"),
                  ("D8.K", (107, 31)), ("A3.IN-", "F3.1"),
                  ("F3.2", (135, 31), (135, 15), "K1.K2 COM"),
                  ("K1.K2 NC", (137, 16), (137, 18), "K1.K1 COM"),
                  ("K1.K1 NO", (138, 19), (138, 48), "D9.A"), ("D9.K", "A8.IN+"),
                  ("E1.1", (150, 48)), ("A8.OUT+", "D10.A"), ("D10.K", (178, 48))):  # fmt: skip
        unit.wire(*stops)


def _mains(unit: Unit) -> None:
    kit = Kit(unit)
    line = {"L": "MAINS_L", "N": "MAINS_N", "PE": "PE"}
    kit.box("XP1", "outlet", "outlet, RCD 30 mA", (12, 126), outline.OUTLET, line)
    nets = {"L in": "MAINS_L", "N in": "MAINS_N", "PE in": "PE",
            "L out": "LOAD_L", "N out": "LOAD_N", "PE out": "PE"}  # fmt: skip
    kit.box("M1", "smart-plug", "smart plug meter", (32, 126), outline.SMART_PLUG, nets)
    nets = {"wire in": "LOAD_L", "wire out": "LOAD_L_CT", "S1": "CT_TIP", "S2": "CT_BIAS"}
    kit.box("TA1", "sct013", "SCT-013-010", (58, 126), outline.CLIP, nets)
    nets = {"L": "LOAD_L_CT", "N": "LOAD_N", "PE": "PE"}
    kit.box("E2", "appliance", "appliance", (82, 126), outline.APPLIANCE, nets)
    nets = {"L": "LOAD_L", "N": "LOAD_N", "VCC": "3V3", "OUT": "ZMPT_OUT", "GND": "GND"}
    kit.box("A9", "zmpt101b", "ZMPT101B, option", (112, 126), outline.MAINS_VOLTAGE, nets,
            is_fitted=False)  # fmt: skip
    for stops in (
        ("XP1.L", "M1.L in"),
        ("XP1.N", "M1.N in"),
        ("XP1.PE", "M1.PE in"),
        ("M1.L out", "TA1.P1"),
        ("TA1.P2", "E2.L"),
        ("M1.N out", (47, 127), (47, 135), (75, 135), (75, 127), "E2.N"),
        ("M1.PE out", (45, 128), (45, 137), (77, 137), (77, 128), "E2.PE"),
        ((20, 128), (20, 137), (45, 137)),
        ((47, 135), (47, 141), (95, 141), (95, 127), "A9.N"),
        ((43, 126), (43, 121), (97, 121), (97, 126), "A9.L"),
    ):
        unit.wire(*stops)


def _bar(unit: Unit) -> None:
    """Add the bar where every power minus of the house ends: no return goes through a module."""
    Kit(unit).box("XB1", "bar", "GND bar, 16 poles", (218, 135), outline.BAR, {"bar": "GND"})
    unit.cable("X12", "XB1", {"1": "bar"})


def _texts(unit: Unit) -> None:
    unit.frames += [
        Frame(
            "SOLAR PANEL: fuse, divider 1:8, meter, charger (leave out in a consumer)", 5, 7, 90, 34
        ),
        Frame(
            "BATTERY: fuse, keyed plug, isolator, reverse-polarity diode, divider, meter",
            5,
            37,
            90,
            72,
        ),
        Frame("BUS BRANCH: OUT (K2) and IN (K1), interlocked by K2's NC contact", 93, 7, 185, 58),
        Frame("RELAY DRIVERS: open at reset, at boot and unplugged", 187, 7, 229, 58),
        Frame("AC LOAD CURRENT: bias and clamp", 5, 75, 90, 110),
        Frame("BOARD: USB 5 V supply at its own socket", 93, 62, 229, 95),
        Frame(
            "MAINS: ready-made leads only, clip on one closed insulated conductor",
            5,
            114,
            145,
            146,
            True,
        ),
    ]
    box = "CLOSED BOX: A9 insulated, strain-relieved"
    unit.frames.append(Frame(box, 99, 118, 143, 138, True))
    unit.frames.append(Frame("CARRIER PLUGS: each to its module; GND of the power at XB1", 148, 118,
                             229, 146))  # fmt: skip
    unit.notes += [
        Note(10, 150, (
            "GND is the negative conductor of battery, bus and board; power minus ends at XB1.",
            "Settings: relay_active_low false, divider_ratio 8000.",
            "A6 8-36 V in, set before its output is joined: 12.60 V, 0.50 A.",
            "A7 13.30 V, 0.50 A: the current limit of a seller.",
        )),
        Note(80, 150, (
            "A8 12.60 V, 0.25 A; with E1 a buyer takes at most 0.45 A.",
            "A3, A4, A5: change the module's shunt (0R1) for the one printed.",
            "A9: option in a closed box, profile ac: JP1 on 2-3 gives it GP28.",
            "D1-D3, D13 clamp to 3V3: unplug the panel before the board's USB.",
        )),
    ]  # fmt: skip
