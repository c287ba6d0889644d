"""The tables [bridges.*]: every wrong field is named, none is passed over."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hub import config, keys
from hub.bridges.config import read_bridges, secrets_needed
from hub.bridges_cli import bridges as command
from tests.host.bridges.doubles import NODES, checked

PLUG = {"name": "kettle", "house": "house-1", "address": "192.168.1.7"}
CHANNEL = {"house": "house-1", "channel_id": 7}
WRONG = [
    ([], "[bridges] must be a table"),
    ({"thingspek": {}}, "[bridges.thingspek] is not known"),
    ({"thingspeak": {"period": 5}}, "bridges.thingspeak.period is not known"),
    ({"thingspeak": {"period_s": 5}}, "bridges.thingspeak.period_s must be at least 15"),
    ({"thingspeak": {"url": "thingspeak.com"}}, "is not an address such as"),
    ({"thingspeak": {"fields": ["voltage"]}}, "'voltage' must be one of pv_voltage_v"),
    ({"thingspeak": {"fields": [""] * 9}}, "must be at most eight"),
    ({"thingspeak": {"channels": [CHANNEL | {"house": "house-9"}]}}, "there is no house 'house-9'"),
    ({"thingspeak": {"channels": [CHANNEL, CHANNEL]}}, "'house-1' stands twice"),
    ({"thingspeak": {"channels": {}}}, "[[bridges.thingspeak.channels]] must be a list"),
    ({"thingspeak": []}, "[bridges.thingspeak] must be a table"),
    ({"emoncms": {"url": 7}}, "bridges.emoncms.url must be text"),
    ({"home_assistant": {"prefix": "a/#"}}, "prefix must be letters"),
    ({"market": {"readers": ["house-1"]}}, "and no house's name"),
    ({"market": {"readers": ["a.b"]}}, "readers 'a.b'"),
    ({"plugs": {}}, "[[bridges.plugs]] must be a list"),
    ({"plugs": [3]}, "[bridges.plugs[1]] must be a table"),
    ({"plugs": [{"name": "a"}]}, "bridges.plugs[1].house is missing"),
    ({"plugs": [PLUG | {"kind": "toaster"}]}, "kind must be one of tasmota"),
    ({"plugs": [PLUG | {"name": "Kettle 1"}]}, "bridges.plugs[1].name must be 1 to 31"),
    ({"plugs": [PLUG, PLUG]}, "'kettle' stands twice"),
    ({"plugs": [PLUG | {"house": "house-9"}]}, "there is no house 'house-9'"),
    ({"plugs": [PLUG | {"address": "http://x/"}]}, "is not a host"),
    ({"plugs": [PLUG | {"is_house_meter": True}, PLUG | {"name": "b", "is_house_meter": True}]},
     "house-1 has two house meters"),
    ({"plugs": [PLUG | {"is_house_meter": True, "is_flexible": True}]}, "would darken the house"),
    ({"plugs": [PLUG | {"kind": "sonoff"}]}, "device_id must be the device's id"),
    ({"plugs": [PLUG | {"kind": "ewelink", "device_id": "1"}]}, "needs the table [bridges"),
    ({"plugs": [PLUG | {"kind": "tasmota-mqtt", "address": "a/#"}]}, "the plug's topic"),
]  # fmt: skip


@pytest.mark.parametrize("tables, sentence", WRONG, ids=[one[1] for one in WRONG])
def test_configuration_names_the_field_when_it_is_wrong(tables, sentence):
    problems = []
    read_bridges(tables, NODES, problems)
    assert any(sentence in one for one in problems), problems


def test_bridges_are_off_when_nothing_is_said():
    found = checked()
    assert not any(vars(found).values())


def test_site_with_bridges_is_read_as_it_was_written(tmp_path):
    tables = {"thingspeak": {"channels": [CHANNEL]}, "plugs": [PLUG], "prometheus": {}}
    config.write(tmp_path, config.bench_houses(2), bridges=tables)
    found = config.load(tmp_path).bridges
    assert found.thingspeak.channels[0].channel_id == 7
    assert found.plugs[0].name == "kettle" and found.emoncms is None
    assert secrets_needed(found) == ["thingspeak.house-1.write_key"]


# The commands -----------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    tables = {"thingspeak": {"channels": [CHANNEL]}, "market": {}}
    config.write(tmp_path, config.bench_houses(2), bridges=tables)
    keys.create(tmp_path / "keys.json", NODES)
    return tmp_path


def call(data, *arguments):
    return CliRunner().invoke(command, [*arguments, "--data", str(data)])


def test_key_is_kept_for_its_owner_alone_when_it_is_given(data):
    told = json.loads(call(data, "list", "--json").stdout)
    assert told == {"states": None, "missing_keys": ["thingspeak.house-1.write_key"]}
    answer = call(data, "key", "thingspeak.house-1.write_key", "--value", " KEY ")
    assert answer.exit_code == 0 and "KEY" not in answer.stdout
    assert keys.load(data / "keys.json", NODES).bridges == {"thingspeak.house-1.write_key": "KEY"}
    assert (data / "keys.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(call(data, "list", "--json").stdout)["missing_keys"] == []


def test_key_is_refused_when_no_bridge_uses_it(data):
    answer = call(data, "key", "emoncms.write_key", "--value", "KEY")
    assert answer.exit_code == 1 and "is no key of a bridge that is on" in str(answer.exception)


def test_accounts_show_who_reads_what_when_the_market_is_published(data):
    word = keys.load(data / "keys.json", NODES).guest_password("reader")
    assert (
        f"reader  {word}\n    reads trueque/1/market/#\n    writes nothing"
        in call(data, "accounts").stdout
    )
