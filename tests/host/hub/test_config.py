"""site.toml and keys.json: what is written is read again, what is wrong is named."""

from __future__ import annotations

import datetime
import json
import os
import stat

import pytest

from hub import config, keys
from hub.errors import ConfigError
from hub.fields import field, read_table

HOUSES = [{"name": "house-1", "kind": "prosumer"}, {"name": "house-2"}]


def problems(tmp_path, **tables):
    with pytest.raises(ConfigError) as caught:
        config.check({"houses": HOUSES, **tables}, tmp_path)
    return "; ".join(caught.value.problems)


def test_site_has_the_defaults_when_only_houses_are_named(tmp_path):
    site = config.check({"houses": HOUSES}, tmp_path)
    assert site.market.min_energy_uwh == 34_723
    assert site.schedule.bids == ("10:30-13:00", "14:00-16:30")
    assert site.house("house-2").kind == "consumer"
    assert site.store_path == tmp_path / "store.db"


def test_site_is_read_as_it_was_written(tmp_path):
    start = datetime.datetime(2017, 3, 28, 10, 15)
    config.write(tmp_path, config.bench_houses(3), clock={"start_local": start, "speed": 60})
    site = config.load(tmp_path)
    assert site.clock.start_local == start
    assert [house.kind for house in site.houses] == ["prosumer", "consumer", "prosumer"]


def test_every_wrong_field_is_named_when_several_are(tmp_path):
    found = problems(
        tmp_path,
        broker={"port": 70_000, "kind": "rabbit"},
        clock={"speed": 1.5, "zone": "Mars/Olympus"},
        market={"retail_gwei_per_kwh": True},
        page={"port": "80"},
        pages={},
        bus={"nominal": 12},
    )
    for name in (
        "broker.port must be at most 65535, not 70000",
        "broker.kind must be one of auto, mosquitto, embedded",
        "clock.speed must be a whole number",
        "market.retail_gwei_per_kwh must be a whole number, not True",
        "page.port must be a whole number, not '80'",
        "[pages] is not known",
        "bus.nominal is not known",
    ):
        assert name in found


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"clock": {"zone": "Mars/Olympus"}}, "clock.zone"),
        ({"site": {"kind": "real"}, "clock": {"speed": 60}}, "clock.speed must be 1"),
        ({"market": {"feed_in_gwei_per_kwh": 10**9}}, "above market.retail"),
        ({"market": {"min_energy_uwh": 9, "max_energy_uwh": 8}}, "market.min_energy_uwh is above"),
        ({"schedule": {"bids": ["10:30-13:00"]}}, "same length"),
        ({"schedule": {"bids": ["13:00-10:30", "late"]}}, "'13:00-10:30' is not a span"),
        ({"houses": []}, "at least one house"),
        ({"houses": [{"name": "house-1"}, {"name": "house-1"}]}, "stands twice"),
        ({"houses": [{"name": "hub"}]}, "not 'hub'"),
        ({"houses": [{"name": "House 1"}]}, "not 'House 1'"),
        ({"houses": [{"kind": "consumer"}]}, "houses[1].name is missing"),
        ({"broker": 5}, "[broker] must be a table"),
        ({"broker": {"listen": "hub.example"}}, "broker.listen 'hub.example' is not an IPv4"),
        ({"broker": {"listen": "0.0.0.0", "tls": False}}, "broker.tls must be true"),
        ({"broker": {"hosts": []}}, "broker.hosts must name"),
        ({"broker": {"hosts": ["a host"]}}, "broker.hosts 'a host'"),
        ({"ntp": {"serve": False}}, "ntp.port must say"),
        ({"site": {"name": " "}}, "site.name must not be empty"),
        ({"boards": {"wifi_ssid": "n" * 33}}, "boards.wifi_ssid has more than 32 bytes"),
        ({"bus": {"rated_power_uw": 13_000_000}}, "bus.rated_power_uw is above bus.max_power_uw"),
        ({"houses": [{"name": "house-1", "segment": ""}]}, "houses[1]: segment and community"),
        ({"bus": {"silence_ms": 10_000}}, "bus.silence_ms must be at least 11000"),
    ],
)
def test_field_is_named_when_it_does_not_fit(tmp_path, tables, sentence):
    assert sentence in problems(tmp_path, **tables)


def test_remedy_is_told_when_there_is_no_site(tmp_path):
    with pytest.raises(ConfigError, match="trueque hub init"):
        config.load(tmp_path)


def test_file_is_named_when_it_is_not_toml(tmp_path):
    (tmp_path / "site.toml").write_text("= what")
    with pytest.raises(ConfigError, match=r"site\.toml: is not TOML"):
        config.load(tmp_path)


def test_site_is_never_overwritten(tmp_path):
    config.write(tmp_path, config.bench_houses(2))
    with pytest.raises(ConfigError, match="exists already"):
        config.write(tmp_path, config.bench_houses(5))


def test_table_reader_names_lists_of_the_wrong_thing():
    import dataclasses

    @dataclasses.dataclass(frozen=True)
    class Sample:
        words: tuple[str, ...] = field(())

    found: list[str] = []
    assert read_table(Sample, {"words": ["a", 2]}, "sample", found) is None
    assert found == ["sample.words must be a list of text, not ['a', 2]"]


# Keys -------------------------------------------------------------------------------------------


def test_keys_are_random_private_and_whole_when_created(tmp_path):
    first = keys.create(tmp_path / "a.json", ["house-1", "house-2"])
    second = keys.create(tmp_path / "b.json", ["house-1", "house-2"])
    assert stat.S_IMODE(os.stat(tmp_path / "a.json").st_mode) == 0o600
    assert first.master_key != second.master_key
    assert len({account.address for account in first.accounts.values()}) == 5
    assert set(first.broker_passwords) == {"hub", "house-1", "house-2"}
    assert first.peer_name(first.peers["house-2"].address.lower()) == "house-2"
    assert first.peer_name("0x00") is None


def test_wire_keys_differ_by_node_and_direction(tmp_path):
    made = keys.create(tmp_path / "keys.json", ["house-1", "house-2"])
    derived = {
        made.node_key(node, way) for node in ("house-1", "house-2") for way in ("up", "down")
    }
    assert len(derived) == 4
    assert keys.load(tmp_path / "keys.json", []).node_key("house-1", "up") in derived


def test_secrets_do_not_show_when_keys_are_printed(tmp_path):
    made = keys.create(tmp_path / "keys.json", ["house-1"])
    assert made.master_key.hex() not in repr(made)
    assert made.broker_passwords["hub"] not in repr(made)


def test_keys_are_refused_when_others_may_read_them(tmp_path):
    path = tmp_path / "keys.json"
    keys.create(path, ["house-1"])
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        keys.load(path, ["house-1"])


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("oracle", "0x12", "oracle must be a private key"),
        ("master_key", "ab", "master_key must be 64 hexadecimal digits"),
        ("coordinator", None, "coordinator is missing"),
        ("peers", [], "peers must be a table"),
        ("peers", {}, r"peers\.house-1 is missing"),
        ("broker_passwords", {"house-1": 5}, r"house-1 must be text that .*\.hub is missing"),
        ("generations", {"house-1": "x"}, r"generations\.house-1 must be a whole number"),
    ],
)
def test_field_of_the_keys_is_named_and_not_shown_when_damaged(tmp_path, field, value, named):
    path = tmp_path / "keys.json"
    keys.create(path, ["house-1"])
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(ConfigError, match=named) as refused:
        keys.load(path, ["house-1"])
    assert repr(value) not in str(refused.value)


@pytest.mark.parametrize("text", ["", '{"master_key": "ab', "[]"])
def test_keys_are_refused_when_they_are_no_table(tmp_path, text):
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is damaged"):
        keys.load(path, ["house-1"])


def test_site_is_refused_in_a_sentence_when_its_place_cannot_be_used(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "site.toml").mkdir()
    with pytest.raises(ConfigError, match="Not a directory"):
        config.write(tmp_path / "file" / "site", config.bench_houses(2))
    with pytest.raises(ConfigError, match="Is a directory"):
        config.load(tmp_path)


def test_keys_are_never_overwritten(tmp_path):
    keys.create(tmp_path / "keys.json", ["house-1"])
    with pytest.raises(ConfigError, match="never overwritten"):
        keys.create(tmp_path / "keys.json", ["house-1"])


def test_community_of_a_hybrid_market_is_refused_when_no_wire_joins_its_houses(tmp_path):
    houses = [HOUSES[0], {**HOUSES[1], "segment": "bus-2"}]
    with pytest.raises(ConfigError, match="community '.*' has houses on bus segments bus-1, bus-2"):
        config.check({"houses": houses, "market": {"kind": "hybrid"}}, tmp_path)
    assert config.check({"houses": houses}, tmp_path).house("house-2").segment == "bus-2"


def test_bench_spreads_pairs_over_its_segments():
    found = config.bench_houses(7, 2)
    assert [one.segment[-1] for one in found] == ["1", "1", "2", "2", "1", "1", "2"]
    assert {one.segment for one in config.bench_houses(5)} == {"bus-1"}
