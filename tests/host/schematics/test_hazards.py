"""The eleven hazards of the bench, each settled in the drawings."""

from __future__ import annotations

from itertools import pairwise

from hw.schematics.items import ITEMS
from hw.schematics.model import Part, Unit
from hw.schematics.spice.front_ends import value_of
from hw.schematics.wiring import wires

LOWEST_THRESHOLD_V = 0.75
"""Of a ZVNL110A (Diodes Incorporated, data sheet: 0.75 to 1.5 V)."""
RP2350_LEAK_A = 120e-6
"""Erratum E9: what may leave a pin of an RP2350 that floats."""


def ends(unit: Unit, reference: str) -> dict[str, str]:
    return unit.part(reference).nets


def of_item(unit: Unit, *items: str) -> list[Part]:
    return [part for part in unit.parts if part.item in items]


def test_panel_feeds_a_buck_for_35_v_when_charging(node: Unit) -> None:
    (converter,) = [part for part in of_item(node, "buck") if part.nets["IN+"] == "PV_M"]
    assert "8-36 V in" in ITEMS[converter.item].description
    assert "never a boost" in ITEMS[converter.item].substitutes
    assert ITEMS["buck-boost"].description.startswith("Buck-boost")


def test_bus_and_batteries_have_dc_meters_when_energy_is_traded(node: Unit) -> None:
    assert ends(node, "A3")["IN+"] == "BUS_H" and ends(node, "A3")["IN-"] == "BUS_M"
    assert all(net.startswith(("LOAD_L", "CT_")) for net in ends(node, "TA1").values())


def test_every_adc_pin_is_scaled_and_clamped_when_inputs_go_high(node: Unit) -> None:
    for net, resistor, pair in (
        ("PV_ADC", "R2", "D1"),
        ("BAT_ADC", "R4", "D2"),
        ("ZMPT_ADC", "R16", "D13"),
        ("LOAD_ADC", "R7", "D3"),
    ):
        assert net in ends(node, resistor).values() and node.part(resistor).value == "1k"
        assert ends(node, pair) == {"1": "GND", "2": "3V3", "3": net}
    for resistor, net in (("R1", "PV_ADC_S"), ("R3", "BAT_ADC_S")):
        assert ends(node, resistor) == {"1": net, "2": "GND"}
        assert node.part(resistor).value == "10k 1%"
    assert not [part for part in node.parts if "INA219" in part.value]


def test_relays_open_when_their_gpio_floats(node: Unit) -> None:
    for control, switch, down, relay_input in (("RELAY_IN", "Q1", "R12", "IN1"),
                                               ("RELAY_OUT", "Q2", "R13", "IN2")):  # fmt: skip
        assert ends(node, down) == {"1": control, "2": "GND"}
        assert RP2350_LEAK_A * value_of(node, down) < LOWEST_THRESHOLD_V
        assert value_of(node, down) <= 8200
        assert ends(node, switch)["S"] == "GND"
        assert ends(node, switch)["D"] == ends(node, "K1")[relay_input]
    assert ends(node, "K1")["VCC"] == ends(node, "K1")["JD-VCC"] == "5V"


def test_paths_are_interlocked_when_both_relays_are_driven(node: Unit) -> None:
    relay = ends(node, "K1")
    assert relay["K2_NC"] == relay["K1_COM"], "IN goes through the rest contact of OUT"
    assert relay["K2_COM"] == "BUS_F"
    assert "K1_NC" not in relay


def test_sources_and_sinks_pass_a_schottky_when_on_the_bus(node: Unit) -> None:
    relay = ends(node, "K1")
    assert ends(node, "D7") == {"A": "SRC_R", "K": relay["K2_NO"]}
    assert ends(node, "R17") == {"1": "SRC", "2": "SRC_R"}
    assert ends(node, "D9") == {"A": relay["K1_NO"], "K": "SNK_D"}
    for charger in ("D5", "D10"):
        assert ends(node, charger)["K"] == "BAT_BUS"


def test_battery_is_fused_first_and_crowbarred_when_reversed(node: Unit) -> None:
    pack = ends(node, "BT1")["+"]
    assert [reference for reference, _ in node.nets()[pack]] == ["BT1", "F2"]
    assert ends(node, "D6") == {"A": "GND", "K": "BAT"}
    assert ends(node, "D8") == {"A": "GND", "K": "BUS_H"}
    assert ends(node, "D4")["A"] == "PV_F"
    assert {node.part(plug).item for plug in ("X1", "X2", "X4")} == {"mc4", "xt30"}


def test_every_branch_is_fused_when_on_the_bus(bus: Unit) -> None:
    houses = of_item(bus, "xt30")
    for house in houses:
        on_plus = [ref for ref, _ in bus.nets()[house.nets["+"]] if ref != house.reference]
        assert [bus.part(ref).item for ref in on_plus] == ["fuse-2a"]


def test_current_clamp_has_its_burden_inside_when_unplugged(node: Unit) -> None:
    assert "voltage output" in ITEMS[node.part("TA1").item].substitutes
    assert ITEMS[node.part("TA1").item].number == "SCT-013-010"


def test_stop_breaks_every_branch_in_hardware_when_pressed(bus: Unit) -> None:
    coil = [ref for ref, _ in bus.nets()["COIL"]]
    assert ends(bus, "S10") == {"1": "C12V_F", "2": "C_ARMED"}, "the coils' only supply"
    assert bus.part("S10").symbol.name.startswith("break")
    assert "D20" in coil and ends(bus, "D20") == {"A": "COIL_RTN", "K": "COIL"}
    for house in of_item(bus, "fuse-2a"):
        branch = bus.nets()[house.nets["2"]]
        ((contactor, pole),) = [end for end in branch if end[0].startswith("KM")]
        made = str(int(pole) - 4)  # COM 9..12 closes onto NO 5..8
        assert bus.net_of(contactor, made) == "BUS+"
    for contactor in of_item(bus, "contactor"):
        assert not set(contactor.nets) & {"1", "2", "3", "4"}, "no rest contact is used"


def test_hub_senses_and_can_only_open_when_joined(bus: Unit, kit: dict[str, Unit]) -> None:
    sense = set(ends(bus, "X20").values())
    power = {"COIL", "COIL_RTN", "C_ARMED", "C12V", "C12V_F", "C0V", "BUS+", "BUS-"}
    assert not sense & power
    assert set(ends(kit["hub"], "X1").values()) == {"STOP_LINE", "KM_LINE", "GND"}
    # The permit is the coils' only way back to the supply, behind STOP and START.
    permit = {"1": "COIL_RTN", "2": "C0V"}
    assert ends(bus, "X21") == ends(kit["hub"], "X2") == permit
    assert {ref for ref, _ in bus.nets()["C0V"]} == {"G1", "X21"}
    switch = ends(kit["hub"], "U2")
    assert {switch["3"], switch["4"]} == set(permit.values()) and switch["2"] == "GND"
    assert set(kit["hub"].nets()["COIL_RTN"]) == {("U2", "4"), ("X2", "1")}


def test_every_contactor_is_sensed_when_the_hub_asks(bus: Unit) -> None:
    start, through = ends(bus, "X20")["3"], []
    for contactor in of_item(bus, "contactor"):
        through.append((contactor.nets["12"], contactor.nets["8"]))
    assert through[0][0] == start and through[-1][1] == ends(bus, "X20")["2"]
    assert all(a[1] == b[0] for a, b in pairwise(through))


def test_fused_paths_have_thick_wires_when_cut(kit: dict[str, Unit]) -> None:
    power = ("fuse", "1n5822", "pack", "panel", "lamp", "mc4", "xt30", "switch")
    for unit in kit.values():
        nets = {net for part in unit.parts if part.item.startswith(power)
                for net in part.nets.values()} - {"GND"}  # fmt: skip
        sizes = {wire.square_mm for wire in wires(unit) if wire.net in nets}
        assert sizes <= {"0.75"}, unit.name


def test_bars_have_poles_enough_when_wired(kit: dict[str, Unit]) -> None:
    for unit in kit.values():
        for bar in of_item(unit, "bar"):
            assert 2 <= sum(bar.reference in (w.start[0], w.end[0]) for w in wires(unit)) <= 16


def test_no_return_current_passes_a_module_when_wired(node: Unit) -> None:
    for wire in wires(node):
        if wire.net == "GND" and wire.square_mm == "0.75":
            assert wire.start[0] == "XB1"


def test_back_feed_is_limited_when_the_board_has_no_power(node: Unit) -> None:
    # 23.4 V / 8 through 3.75 k and 1 k; the SPICE deck back-feed gives 0.57 mA.
    assert 23.4 / 8 / (3.75e3 + 1e3) < 0.8e-3
    assert ends(node, "R15")["1"] == "3V3", "the power LED loads the rail"


def test_mains_module_is_boxed_and_left_out_when_not_wanted(node: Unit) -> None:
    module = node.part("A9")
    assert not module.is_fitted and "closed insulated enclosure" in ITEMS[module.item].description
    hazardous = [frame for frame in node.frames if frame.is_hazardous]
    for part in of_item(node, "zmpt101b", "smart-plug", "sct013", "appliance", "outlet"):
        assert any(f.x0 < part.x < f.x1 and f.y0 < part.y < f.y1 for f in hazardous)


def test_only_the_three_free_adc_pins_are_used_when_drawn(node: Unit) -> None:
    board = node.part("U1")
    analog = {pin.name for pin in board.symbol.pins
              if str(board.nets.get(pin.number, "")).endswith("_ADC")}  # fmt: skip
    assert analog == {"GP26", "GP27", "GP28"}
