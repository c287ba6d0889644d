"""Outlines of the modules that are bought complete, their terminals as printed on them."""

from __future__ import annotations

from hw.schematics.model import Symbol
from hw.schematics.symbols import box

PICO_LEFT = (
    "GP0", "GP1", "GND", "GP2", "GP3", "GP4", "GP5", "GND", "GP6", "GP7",
    "GP8", "GP9", "GND", "GP10", "GP11", "GP12", "GP13", "GND", "GP14", "GP15",
)  # fmt: skip
PICO_RIGHT = (
    "VBUS", "VSYS", "GND", "3V3_EN", "3V3", "ADC_VREF", "GP28", "AGND", "GP27", "GP26",
    "RUN", "GP22", "GND", "GP21", "GP20", "GP19", "GP18", "GND", "GP17", "GP16",
)  # fmt: skip
"""Pins 1..20 from the top and 40..21 from the top, USB socket up; the same on Pico 2 W and on
W5500-EVB-Pico."""
W5500_PINS = {"MISO": 16, "CS": 17, "SCK": 18, "MOSI": 19, "RESET": 20, "INT": 21}
"""GPIOs that a W5500-EVB-Pico keeps for its network chip: nothing may be joined to them."""
PI_ODD = (
    "3V3", "GPIO2", "GPIO3", "GPIO4", "GND", "GPIO17", "GPIO27", "GPIO22", "3V3", "GPIO10",
    "GPIO9", "GPIO11", "GND", "GPIO0", "GPIO5", "GPIO6", "GPIO13", "GPIO19", "GPIO26", "GND",
)  # fmt: skip
PI_EVEN = (
    "5V", "5V", "GND", "GPIO14", "GPIO15", "GPIO18", "GND", "GPIO23", "GPIO24", "GND",
    "GPIO25", "GPIO8", "GPIO7", "GPIO1", "GND", "GPIO12", "GND", "GPIO16", "GPIO20", "GPIO21",
)  # fmt: skip
_ROLES = {"VBUS": "power_out", "3V3": "power_out", "5V": "power_out", "RUN": "input"}


def _role(name: str) -> str:
    return _ROLES.get(name, "bidirectional" if name.startswith("GP") else "passive")


def _header(name: str, left: list[tuple[int, str]], right: list[tuple[int, str]]) -> Symbol:
    # The first pin of a supply stands for it; the others are joined to it on the board.
    seen: set[str] = set()

    def text(number: int, pin: str) -> str:
        role = "passive" if pin in seen else _role(pin)
        seen.add(pin)
        return f"{number}:{pin}:{role}"

    return box(name, 12, [text(*pin) for pin in left], [text(*pin) for pin in right])


PICO = _header(
    "pico_w",
    [(1 + row, name) for row, name in enumerate(PICO_LEFT)],
    [(40 - row, name) for row, name in enumerate(PICO_RIGHT)],
)
RASPBERRY_PI = _header(
    "raspberry_pi",
    [(1 + 2 * row, name) for row, name in enumerate(PI_ODD)],
    [(2 + 2 * row, name) for row, name in enumerate(PI_EVEN)],
)
FZ0430 = box("fz0430", 8, ["VIN+", "VIN-"], ["S", "+", "-"])
_INA_SIDE = ["", "VCC::power_in", "GND", "SDA::bidirectional", "SCL::input", "ALE::open_collector"]
INA226 = box("ina226", 10, ["IN+", "VBUS", "", "A0", "A1"], ["IN-", *_INA_SIDE[1:]])
INA226_REVERSED = box("ina226_reversed", 10, ["IN-", "VBUS", "", "A0", "A1"],
                      ["IN+", *_INA_SIDE[1:]])  # fmt: skip
CONVERTER = box("converter", 10, ["IN+", "IN-"], ["OUT+", "OUT-"])
RELAY_PAIR = box(
    "relay_pair", 16,
    ["K2 NO", "K2 COM", "K2 NC", "", "K1 COM", "K1 NO", "K1 NC"],
    ["VCC", "JD-VCC", "GND", "IN1", "IN2"],
)  # fmt: skip
CLIP_TERMINAL = box("clip_terminal", 6, [], ["1:tip", "2:sleeve"])
BUS_PLUG = box("bus_plug", 4, [], ["+", "-"])
OUTLET = box("outlet", 6, [], ["L", "N", "PE"])
SMART_PLUG = box("smart_plug", 12, ["L in", "N in", "PE in"], ["L out", "N out", "PE out"])
CLIP = box("current_clip", 12, ["P1:wire in"], ["P2:wire out", "", "S1", "S2"])
"""P1 and P2 are no terminals: the closed insulated wire runs through the clip."""
APPLIANCE = box("appliance", 6, ["L", "N", "PE"])
MAINS_VOLTAGE = box("zmpt101b", 10, ["L", "N"], ["VCC::power_in", "OUT", "GND"])
SELECTOR = box("selector", 6, ["1", "3"], ["2"])
CONTACTOR = box(
    "contactor", 14,
    ["14:coil +", "13:coil -", "", "9:COM 1", "10:COM 2", "11:COM 3", "12:COM 4"],
    ["1:NC 1", "2:NC 2", "", "5:NO 1", "6:NO 2", "7:NO 3", "8:NO 4", "3:NC 3", "4:NC 4"],
    contacts=(3, 4, 5, 6),
)  # fmt: skip
SUPPLY = box("supply", 6, [], ["+", "-"])
HOUSE_PLUG = box("house_plug", 6, [], ["+", "-"])
HUB_PLUG = box("hub_plug", 8, ["1:E-STOP", "2:CONTACTOR", "3:RETURN"])
PANEL_PLUG = box("panel_plug", 8, [], ["1:E-STOP", "2:CONTACTOR", "3:RETURN"])
PERMIT_PLUG = box("permit_plug", 8, ["1:COIL RTN", "2:C0V"])
PHOTO_MOS = box("photo_mos", 8, ["1:A", "2:K"], ["4:D1", "3:D2"])
"""Two MOSFETs back to back: pins 3 and 4 join while current flows from A to K."""
METER_PLUG = box("meter_plug", 6, ["1:3V3", "2:GND", "3:SDA", "4:SCL"])
RELAY_PLUG = box("relay_plug", 6, ["1:5V", "2:5V JD", "3:GND", "4:IN1", "5:IN2"])
DIVIDER_PLUG = box("divider_plug", 6, ["1:S", "2:GND"])
MAINS_VOLTAGE_PLUG = box("mains_voltage_plug", 6, ["1:3V3", "2:OUT", "3:GND"])
GROUND_CLAMP = box("ground_clamp", 6, ["1:GND", "2:GND"])
BAR = box("bar", 6, ["bar"])
CLOCK = box("ds3231", 8, ["VCC::power_in", "GND", "SDA::bidirectional", "SCL::input"])
TEST_POINTS = box("test_points", 6, ["+", "-"])
