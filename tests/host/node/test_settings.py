"""Settings: every bad field is named, and nothing but SettingsError comes out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.settings import LIMITS, Settings, SettingsError, load

from tests.host.node.rig import settings_members

INA219 = {"address": 0x40, "shunt_uohm": 50_000, "part": "ina219"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def test_settings_fill_in_defaults_when_members_are_left_out():
    settings = Settings(settings_members())
    assert settings.limits == {name: default for name, (_, _, default) in LIMITS.items()}
    assert settings.sample_rate_hz == 8000
    assert settings.divider_ratio == 8000
    assert settings.key_up == bytes(range(32))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"node": "House 1"}, "node"),
        ({"profile": "dc"}, "profile"),
        ({"profile": []}, "profile"),
        ({"chip": "rp2050"}, "chip"),
        ({"chip": []}, "chip"),
        ({"spike_correction": 2}, "spike_correction"),
        ({"regulator_pwm": 1}, "regulator_pwm"),
        ({"regulator_pwm": True, "board": "w5500_evb_pico"}, "regulator_pwm"),
        ({"sensors": []}, "sensors"),
        ({"sensors": {"ch3": {"part": "fz0430"}}}, "sensors.ch3"),
        ({"sensors": {"ch0": 5}}, "sensors.ch0"),
        ({"sensors": {"ch0": {"part": "fz", "measures": "pv_voltage"}}}, "sensors.ch0.part"),
        ({"sensors": {"ch0": {"part": "fz0430", "measures": "load"}}}, "sensors.ch0.measures"),
        (
            {"sensors": {"ch1": {"part": "sct013-000", "measures": "load_current"}}},
            "sensors.ch1.burden_ohm",
        ),
        (
            {"sensors": {"ch0": {"part": "fz0430", "measures": "pv_voltage", "ohm": 5}}},
            "sensors.ch0.ohm",
        ),
        (
            {"sensors": {"ch0": {"part": "fz0430", "measures": "battery_voltage"}}},
            "sensors.ch2.measures",
        ),
        (
            {
                "sensors": {
                    "ch1": {"part": "acs712-05", "measures": "pv_current", "divider_milli": 1500}
                }
            },
            "ina226.pv",
        ),
        (
            {
                "profile": "ac",
                "sensors": {
                    "ch1": {
                        "part": "acs712-05",
                        "divider_milli": 1500,
                        "measures": "battery_current",
                    }
                },
            },
            "sensors.ch1.measures",
        ),
        ({"calibration": {"ch0": {"date": 5}}}, "calibration.ch0.date"),
        (
            {"ina226": {"bus": {"address": 64, "shunt_uohm": 1000, "part": "ina"}}},
            "ina226.bus.part",
        ),
        ({"broker_port": 0}, "broker_port"),
        ({"broker_port": "1883"}, "broker_port"),
        ({"broker_port": True}, "broker_port"),
        ({"wifi_ssid": None}, "wifi_ssid"),
        ({"relay_active_low": 1}, "relay_active_low"),
        ({"key_up": "00"}, "key_up"),
        ({"key_down": "g" * 64}, "key_down"),
        ({"sample_rate_hz": 9000}, "sample_rate_hz"),
        ({"limits": []}, "limits"),
        ({"limits": {"over_current_ua": -1}}, "limits.over_current_ua"),
        ({"limits": {"over_curent_ua": 1}}, "limits.over_curent_ua"),
        ({"calibration": {"ch3": {}}}, "calibration.ch3"),
        ({"calibration": {"bus": {"noise_millicodes": 1}}}, "calibration.bus.noise_millicodes"),
        ({"limits": {"over_current_ua": 1_500_000}}, "limits.over_current_ua"),
        ({"ina226": {"bus": {"address": 64, "shunt_uohm": 100_000}}}, "limits.over_current_ua"),
        ({"calibration": {"ch0": {"gain_ppm": 0}}}, "calibration.ch0.gain_ppm"),
        ({"calibration": {"ch0": 5}}, "calibration.ch0"),
        ({"limits": {"bus_voltage_uv": 24_000_000}}, "limits.over_voltage_uv"),
        ({"limits": {"bus_voltage_uv": 15_000_000}}, "limits.over_voltage_uv"),
        ({"limits": {"bus_voltage_uv": 9_000_000}}, "limits.under_voltage_uv"),
        ({"limits": {"over_voltage_uv": 11_000_000}}, "limits.over_voltage_uv"),
        ({"limits": {"under_voltage_uv": 12_000_000}}, "limits.under_voltage_uv"),
        (
            {"limits": {"over_voltage_uv": 26_000_001}, "ina226": {"bus": INA219}},
            "limits.over_voltage_uv",
        ),
        ({"ina226": {"bus": {"address": 64}}}, "ina226.bus.shunt_uohm"),
        ({"ina226": {"grid": {}}}, "ina226.grid"),
        ({"unknown": 1}, "unknown"),
        ({"board": "pico"}, "board"),
        ({"board": []}, "board"),
        ({"broker_host": "a host"}, "broker_host"),
        ({"broker_host": "300.1.1.1"}, "broker_host"),
        ({"broker_host": "hub..example"}, "broker_host"),
        ({"broker_name": 5}, "broker_name"),
        ({"broker_name": ""}, "broker_name"),
        ({"ntp_host": "x" * 64}, "ntp_host"),
        ({"ntp_host": None}, "ntp_host"),
        ({"ntp_port": 0}, "ntp_port"),
        ({"clock_floor_s": -1}, "clock_floor_s"),
        ({"broker_tls": True}, "broker_ca"),
        ({"broker_ca": 5}, "broker_ca"),
    ],
)
def test_settings_name_the_field_when_it_is_wrong(changes, name):
    with pytest.raises(SettingsError) as caught:
        Settings(settings_members(**changes))
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].split()[0] == name


def test_settings_name_both_limits_when_neither_is_of_the_bus():
    limits = {"under_voltage_uv": 20_000_000, "over_voltage_uv": 10_000_000}
    with pytest.raises(SettingsError) as caught:
        Settings(settings_members(limits=limits))
    names = [problem.split()[0] for problem in caught.value.problems]
    assert names == ["limits.under_voltage_uv", "limits.over_voltage_uv"]


@pytest.mark.parametrize(
    ("part", "over_voltage_uv"), [("ina226", 36_000_000), ("ina219", 26_000_000)]
)
def test_settings_are_taken_when_the_bus_is_of_24_volts(part, over_voltage_uv):
    limits = {
        "bus_voltage_uv": 24_000_000,
        "under_voltage_uv": 18_000_000,
        "over_voltage_uv": over_voltage_uv,
    }
    settings = Settings(settings_members(limits=limits, ina226={"bus": INA219 | {"part": part}}))
    assert settings.limits["over_voltage_uv"] == over_voltage_uv


def test_settings_need_no_wifi_when_the_board_has_a_cable():
    members = settings_members(board="w5500_evb_pico")
    for name in ("wifi_ssid", "wifi_password"):
        del members[name]
    assert Settings(members).wifi_ssid is None
    with pytest.raises(SettingsError, match="wifi_ssid must be a text"):
        Settings({**members, "board": "pico_w"})


def test_time_and_certificate_are_the_brokers_when_not_set_apart():
    settings = Settings(settings_members(broker_host="hub.example"))
    assert (settings.ntp_host, settings.ntp_port) == ("hub.example", 123)
    assert settings.broker_name == "hub.example"


def test_settings_name_every_field_when_several_are_wrong():
    with pytest.raises(SettingsError) as caught:
        Settings(settings_members(broker_port=0, node="", key_up=None))
    assert len(caught.value.problems) == 3


def test_settings_are_refused_when_empty():
    with pytest.raises(SettingsError) as caught:
        Settings({})
    assert "relay_active_low must be true or false" in caught.value.problems


@given(JSON)
def test_settings_raise_nothing_else_when_the_file_is_anything(members):
    with pytest.raises(SettingsError):
        Settings(members)


@given(st.sampled_from(sorted(settings_members())), JSON)
def test_settings_raise_nothing_else_when_one_field_is_anything(name, value):
    try:
        Settings(settings_members(**{name: value}))
    except SettingsError as problem:
        assert all(isinstance(sentence, str) for sentence in problem.problems)


def test_settings_say_so_when_the_file_is_missing_or_not_json(tmp_path):
    path = tmp_path / "settings.json"
    with pytest.raises(SettingsError, match="missing"):
        load(str(path))
    path.write_text("{")
    with pytest.raises(SettingsError, match="not JSON"):
        load(str(path))
    path.write_text(json.dumps(settings_members()))
    assert load(str(path)).node == "house-1"
