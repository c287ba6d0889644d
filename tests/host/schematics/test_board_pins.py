"""The drawings, nets.json, the firmware and the bench agree on every pin, both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from node import carriers, profiles, settings

from hub import provision
from hub.panel import pins as panel_pins
from hw.schematics import modules
from hw.schematics.board_pins import boot_relay_pins, differences, table
from hw.schematics.carrier import BOARDS
from hw.schematics.export import DIRECTORY, SETTINGS, board_pins, meters, nets, units
from hw.schematics.model import Unit
from tools.bench import house

BOOT = Path(profiles.__file__).parent.parent / "boot.py"
PROFILE = "node/profiles.py"


@pytest.fixture
def committed() -> dict:
    return json.loads((DIRECTORY / "nets.json").read_text(encoding="utf-8"))


def pins_on(board: str, profile: str) -> dict[str, int]:
    """Return the firmware's pins for a profile on a kind of board, which may move the LED."""
    moved = carriers.CARRIERS[board].LED
    return table(profiles.PROFILES[profile]) | ({} if moved is None else {"LED": moved})


def test_pins_agree_when_drawing_meets_firmware(node: Unit) -> None:
    found = differences(table(profiles.Thesis), board_pins(node), PROFILE)
    assert not found, "; ".join(found)


def test_pins_agree_when_nets_json_meets_firmware(committed: dict) -> None:
    found = differences(table(profiles.Thesis), committed["board_pins"]["pico_w"], PROFILE)
    assert not found, "; ".join(found)


def test_nets_json_equals_model_when_read_back(committed: dict) -> None:
    assert committed == json.loads(json.dumps(nets(units())))


def test_relay_pins_agree_when_boot_meets_profile() -> None:
    wanted = {"RELAY_IN": profiles.Thesis.RELAY_IN, "RELAY_OUT": profiles.Thesis.RELAY_OUT}
    found = boot_relay_pins(BOOT)
    wrong = [f"boot.py opens {name} on GP{found[name]}, but {PROFILE} has it on GP{pin}"
             for name, pin in wanted.items() if found[name] != pin]  # fmt: skip
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("board", sorted(carriers.CARRIERS))
@pytest.mark.parametrize("profile", sorted(profiles.PROFILES))
def test_pins_agree_when_the_drawing_meets_each_profile_and_board(
    node: Unit, committed: dict, profile: str, board: str
) -> None:
    for drawn in (board_pins(node, board), committed["board_pins"][board]):
        found = differences(pins_on(board, profile), drawn, f"{PROFILE} ({profile}, {board})")
        assert not found, "; ".join(found)


def test_every_board_of_the_firmware_is_drawn_when_listed() -> None:
    assert set(BOARDS) == set(carriers.CARRIERS)


@pytest.mark.parametrize(
    ("profile", "jumper", "part"), [("thesis", "1", "fz0430"), ("ac", "3", "zmpt101b")]
)
def test_jumper_gives_the_third_channel_the_part_of_the_profile(
    node: Unit, profile: str, jumper: str, part: str
) -> None:
    fitted = profiles.PROFILES[profile].FITTED
    assert [fitted[f"ch{channel}"]["part"] for channel in (0, 1, 2)] == [
        "fz0430",
        "sct013-010",
        part,
    ]
    source = {"1": ("A2", "BAT_ADC"), "3": ("A9", "ZMPT_ADC")}[jumper]
    assert node.part(source[0]).item == part
    assert node.net_of("JP1", jumper) == source[1]
    assert node.net_of("JP1", "2") == "CH2_ADC"


@pytest.mark.parametrize("name", sorted(table(profiles.Thesis)))
def test_sentence_names_both_pins_when_firmware_moves_one(node: Unit, name: str) -> None:
    moved = table(profiles.Thesis) | {name: 22}
    (sentence,) = differences(moved, board_pins(node), PROFILE)
    assert f"{PROFILE} has {name} on GP22" in sentence
    assert f"GP{table(profiles.Thesis)[name]} and nothing on GP22" in sentence


def test_sentence_names_pin_when_firmware_drops_one(node: Unit) -> None:
    fewer = {name: pin for name, pin in table(profiles.Thesis).items() if name != "LED"}
    assert differences(fewer, board_pins(node), PROFILE) == [
        f"the drawing has LED on GP16, but {PROFILE} has no pin for it"
    ]


def test_sentence_names_pin_when_firmware_adds_one(node: Unit) -> None:
    more = table(profiles.Thesis) | {"BUZZER": 18}
    assert differences(more, board_pins(node), PROFILE) == [
        f"{PROFILE} has BUZZER on GP18, which the drawing doesn't know"
    ]


def test_only_the_leds_pin_moves_when_the_board_is_wired(node: Unit) -> None:
    wifi, wired = board_pins(node, "pico_w"), board_pins(node, "w5500_evb_pico")
    assert set(wifi.items()) - set(wired.items()) == {("GP16", "LED")}
    assert set(wired.items()) - set(wifi.items()) == {("GP22", "LED")}


def test_network_chips_pins_stay_free_when_the_board_is_wired(node: Unit) -> None:
    chip = carriers.CARRIERS["w5500_evb_pico"]
    for name, number in modules.W5500_PINS.items():
        assert getattr(chip, name, number) == number, f"node/carriers.py moves the chip's {name}"
        assert f"GP{number}" not in board_pins(node, "w5500_evb_pico"), name


def test_panel_pins_agree_when_the_hub_meets_the_drawing(
    kit: dict[str, Unit], committed: dict
) -> None:
    hub = kit["hub"].part("U1")
    drawn = {hub.nets[pin.number]: pin.name for pin in hub.symbol.pins if pin.number in hub.nets}
    for name, number in panel_pins.table().items():
        pin = drawn.pop(name, "no pin")
        assert pin == f"GPIO{number}", (
            f"hub/panel/pins.py has {name} on GPIO{number}, but the drawing has it on {pin}"
        )
        assert committed["panel_pins"][name.lower()] == number, name
    assert set(drawn) == {"3V3", "GND", "SDA", "SCL"}, "the drawing has pins the hub doesn't use"


def test_i2c_controller_can_use_the_pins_when_drawn() -> None:
    # RP2040: GP(4n) is SDA of I2C0, GP(4n+2) of I2C1; SCL is the next pin.
    pins = table(profiles.Thesis)
    assert (pins["SDA"] % 4 == 0) == (profiles.Thesis.I2C == 0)
    assert pins["SCL"] == pins["SDA"] + 1


def test_bench_has_the_drawn_relay_pins_when_it_simulates() -> None:
    pins = table(profiles.Thesis)
    assert {pins["RELAY_IN"]: "in", pins["RELAY_OUT"]: "out"} == house.RELAY_PINS
    assert (profiles.Thesis.I2C, pins["SDA"]) == house.I2C_PINS


def test_meters_have_the_provisioned_addresses_and_shunts_when_drawn(node: Unit) -> None:
    provisioned = {
        part["address"]: (branch, part["shunt_uohm"])
        for branch, part in (("bus", provision.INA226_BUS), ("pv", provision.INA226_PV),
                             ("battery", provision.INA226_BATTERY))
    }  # fmt: skip
    plus = {"BUS_H": "bus", "PV_D": "pv", "BAT_BUS": "battery"}
    drawn = {address: (plus[str(meter["plus"])], meter["shunt_uohm"])
             for address, meter in meters(node).items()}  # fmt: skip
    assert drawn == provisioned


def test_settings_of_the_wiring_are_accepted_when_firmware_checks_them() -> None:
    low, high, default = settings.NUMBERS["divider_ratio"]
    assert low <= SETTINGS["divider_ratio"] <= high
    assert SETTINGS["divider_ratio"] == default
    assert "relay_active_low" in settings.FLAGS
