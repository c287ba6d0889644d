"""The carrier: the small board with the Pico, its front ends, relay drivers and plugs."""

from __future__ import annotations

from hw.schematics import modules as outline
from hw.schematics.kit import Kit
from hw.schematics.model import Symbol, Unit

CARRIER = "carrier"
BOARDS = {"pico_w": "1", "w5500_evb_pico": "3"}
"""Kinds of board, as the firmware calls them, and the pin of JP2 that the jumper joins to pin 2."""
LED = "LED"
"""The net behind JP2."""
_PLUGS: dict[str, tuple[str, Symbol, dict[str, str]]] = {
    "meter": ("xh-4", outline.METER_PLUG,
              {"3V3": "3V3", "GND": "GND", "SDA": "SDA", "SCL": "SCL"}),
    "relays": ("xh-5", outline.RELAY_PLUG,
               {"5V": "5V", "5V JD": "5V", "GND": "GND", "IN1": "K_IN", "IN2": "K_OUT"}),
    "ZMPT101B": ("xh-3", outline.MAINS_VOLTAGE_PLUG,
                 {"3V3": "3V3", "OUT": "ZMPT_OUT", "GND": "GND"}),
    "PV divider": ("xh-2", outline.DIVIDER_PLUG, {"S": "PV_ADC_S", "GND": "GND"}),
    "pack divider": ("xh-2", outline.DIVIDER_PLUG, {"S": "BAT_ADC_S", "GND": "GND"}),
    "GND to XB1": ("clamp-2", outline.GROUND_CLAMP, {"GND": "GND"}),
}  # fmt: skip


def add_circuits(unit: Unit) -> None:
    """Add everything on the carrier but its plugs; the dividers' parts stand beside modules."""
    _relay_drivers(unit)
    _current_clamp(unit)
    _board(unit)


def add_plugs(unit: Unit) -> None:
    """Add the plugs and the cables from each to its module."""
    meter = {"1": "VCC", "2": "GND", "3": "SDA", "4": "SCL"}
    divider = {"1": "S", "2": "-"}
    relays = {"1": "VCC", "2": "JD-VCC", "3": "GND", "4": "IN1", "5": "IN2"}
    for reference, kind, module, x, y, joints in (
        ("X5", "meter", "A4", 160, 126, meter),
        ("X6", "meter", "A5", 174, 126, meter),
        ("X7", "meter", "A3", 188, 126, meter),
        ("X8", "relays", "K1", 202, 126, relays),
        ("X9", "PV divider", "A1", 160, 135, divider),
        ("X10", "pack divider", "A2", 174, 135, divider),
        ("X11", "ZMPT101B", "A9", 188, 135, {"1": "VCC", "2": "OUT", "3": "GND"}),
        ("X12", "GND to XB1", "", 202, 135, {}),
    ):
        item, symbol, nets = _PLUGS[kind]
        value = f"{kind} {module}".strip()
        Kit(unit, CARRIER).box(reference, item, value, (x, y), symbol, nets)
        unit.cable(reference, module, joints)
    unit.cable("X3", "TA1", {"1": "S1", "2": "S2"})


def _relay_drivers(unit: Unit) -> None:
    kit = Kit(unit, CARRIER)
    rows = (("R10", "R12", "Q1", "RELAY_IN", "K_IN", 18),
            ("R11", "R13", "Q2", "RELAY_OUT", "K_OUT", 36))  # fmt: skip
    for gate, down, switch, control, drain, y in rows:
        # RP2350 erratum E9: 120 uA may leave the pin; 0.56 V over 4.7k open no ZVNL110A (0.75 V).
        kit.two(down, "r-4k7", "4k7", f"196 {y + 3} down", control, "GND")
        kit.two(gate, "r-100", "100R", f"203 {y} right", control, f"{drain}_G")
        kit.mosfet(switch, 210, y, (f"{drain}_G", drain, "GND"))
        unit.wire((193, y), f"{gate}.1")
        unit.wire(f"{down}.1", (196, y))
        unit.wire(f"{gate}.2", f"{switch}.G")
        unit.wire(f"{switch}.D", (211, y - 4), (215, y - 4))


def _current_clamp(unit: Unit) -> None:
    nets = {"tip": "CT_TIP", "sleeve": "CT_BIAS"}
    kit = Kit(unit, CARRIER)
    kit.box("X3", "clamp-2", "clip TA1", (10, 86), outline.CLIP_TERMINAL, nets)
    kit.two("R7", "r-1k", "1k", "28 86 right", "CT_TIP", "LOAD_ADC")
    kit.clamp("D3", 42, 86, ("GND", "3V3", "LOAD_ADC"))
    kit.two("R5", "r-10k", "10k 1%", "23 95 down", "3V3", "CT_BIAS")
    kit.two("R6", "r-10k", "10k 1%", "23 103 down", "CT_BIAS", "GND")
    kit.two("C3", "c-10u", "10u", "31 103 down", "CT_BIAS", "GND")
    for stops in (
        ("X3.1", "R7.1"),
        ("R7.2", "D3.3"),
        ((36, 86), (36, 92), (40, 92)),
        ("X3.2", (17, 87), (17, 99), (23, 99)),
        ("R5.2", "R6.1"),
        ((23, 99), (35, 99)),
        ("C3.1", (31, 99)),
        ((19, 86), (19, 82), (23, 82)),
    ):
        unit.wire(*stops)


def _board(unit: Unit) -> None:
    kit = Kit(unit, CARRIER)
    nets = {"GND": "GND", "AGND": "GND", "VBUS": "5V", "3V3": "3V3", "GP4": "SDA", "GP5": "SCL",
            "GP14": "RELAY_IN", "GP15": "RELAY_OUT", "GP16": "LED_WIFI", "GP22": "LED_WIRED",
            "GP26": "PV_ADC", "GP27": "LOAD_ADC", "GP28": "CH2_ADC", "RUN": "RUN"}  # fmt: skip
    kit.box("U1", "pico", "Pico W, Pico 2 W or W5500-EVB-Pico", (112, 71), outline.PICO, nets)
    kit.two("R8", "r-4k7", "4k7", "142 74 down", "3V3", "SDA")
    kit.two("R9", "r-4k7", "4k7", "152 74 down", "3V3", "SCL")
    kit.two("R14", "r-330", "330R", "196 73 right", LED, "LED_RX_A")
    kit.two("D11", "led-yellow", "receives", "203 73 right", "LED_RX_A", "GND")
    kit.two("R15", "r-1k", "1k", "196 80 right", "3V3", "LED_ON_A")
    kit.two("D12", "led-green", "power", "203 80 right", "LED_ON_A", "GND")
    kit.two("S1", "tactile", "reset", "203 87 right", "RUN", "GND")
    nets = {"1": "BAT_ADC", "2": "CH2_ADC", "3": "ZMPT_ADC"}
    kit.box("JP1", "jumper", "1-2 thesis, 2-3 ac", (172, 71), outline.SELECTOR, nets)
    nets = {"1": "LED_WIFI", "2": LED, "3": "LED_WIRED"}
    kit.box("JP2", "jumper", "1-2 Pico W, 2-3 W5500", (172, 79), outline.SELECTOR, nets)
    kit.two("R16", "r-1k", "1k", "148 88 right", "ZMPT_OUT", "ZMPT_ADC")
    kit.clamp("D13", 162, 88, ("GND", "3V3", "ZMPT_ADC"))
    unit.wire("R16.2", "D13.3")
    unit.wire((155, 88), (155, 91), (151, 91))
    unit.wire("R14.2", "D11.A")
    unit.wire("R15.2", "D12.A")
