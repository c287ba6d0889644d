"""A new site: by options, by a file, by answers; refused whole when anything is wrong."""

from __future__ import annotations

from click.testing import CliRunner

from hub import config, keys
from hub.cli import hub as command
from hub.errors import ConfigError


def init(data, *options, **more):
    return CliRunner().invoke(command, ["init", "--data", str(data), *options], **more)


def test_site_is_a_bench_of_its_options_when_nobody_is_asked(tmp_path):
    answer = init(tmp_path, "--houses", "3", "--market", "uniform")
    assert answer.exit_code == 0, answer.output
    found = config.load(tmp_path)
    assert (len(found.houses), found.market.kind, found.site.kind) == (3, "uniform", "bench")
    keys.load(found.keys_path, [house.name for house in found.houses])


def test_site_is_made_of_the_answers_when_asked(tmp_path):
    answers = ["real", "village", "2", "casa-1", "y", "casa-1", "casa-2", "n", "Europe/Nowhere",
               "Europe/Madrid", "community", "supply-demand-ratio", "nan", "0.25",
               "0.3", "0.05", "127.0.0.1", "localhost", "192.168.7.1", "plaza", "n"]  # fmt: skip
    answer = init(tmp_path, "--ask", input="\n".join(answers) + "\n")
    assert answer.exit_code == 0, answer.output
    assert "a number from 0 to 0.25" in answer.output  # what the grid pays, above what it takes
    assert "stands there already" in answer.output and "such as Europe/Madrid" in answer.output
    found = config.load(tmp_path)
    assert [(one.name, one.kind) for one in found.houses] == [
        ("casa-1", "prosumer"),
        ("casa-2", "consumer"),
    ]
    assert (found.site.kind, found.site.name, found.clock.zone) == (
        "real",
        "village",
        "Europe/Madrid",
    )
    assert found.market.feed_in_gwei_per_kwh == 50_000_000
    assert (found.broker.hosts, found.broker.port) == (("192.168.7.1",), 8883)
    assert found.boards.wifi_ssid == "plaza"


def test_site_takes_defaults_when_its_file_is_a_part(tmp_path):
    source = tmp_path / "wanted.toml"
    source.write_text('[site]\nname = "lab"\n[[houses]]\nname = "a"\n[[houses]]\nname = "b"\n')
    answer = init(tmp_path / "site", "--from", str(source))
    assert answer.exit_code == 0, answer.output
    found = config.load(tmp_path / "site")
    assert found.site.name == "lab" and [one.name for one in found.houses] == ["a", "b"]
    assert found.bus == config.check({"houses": [{"name": "a"}]}, tmp_path).bus


def test_nothing_is_written_when_a_field_of_the_file_is_wrong(tmp_path):
    source = tmp_path / "wanted.toml"
    source.write_text('[chain]\nport = -1\n[[houses]]\nname = "HUB"\n')
    answer = init(tmp_path / "site", "--from", str(source))
    assert isinstance(answer.exception, ConfigError)
    assert "chain.port" in str(answer.exception) and "houses[1].name" in str(answer.exception)
    assert str(source) in str(answer.exception)
    assert not (tmp_path / "site").exists()


def test_site_is_left_alone_when_it_exists(tmp_path):
    init(tmp_path)
    before = (tmp_path / "keys.json").read_bytes()
    answer = init(tmp_path, "--houses", "9")
    assert isinstance(answer.exception, ConfigError) and "exists already" in str(answer.exception)
    assert (tmp_path / "keys.json").read_bytes() == before
