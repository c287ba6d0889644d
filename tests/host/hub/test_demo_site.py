"""./tools/run and its site: what is asked for must be what runs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hub import config, keys
from tools import demo, demo_site


@pytest.fixture
def site(tmp_path):
    names = [house.name for house in config.bench_houses(2)]
    keys.create(tmp_path / "keys.json", names)
    config.write(tmp_path, config.bench_houses(2), page={"port": 8_000}, clock={"speed": 60})
    return tmp_path


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--houses", "3"], "a site of 2 houses, not 3"),
        (["--houses", "2", "--port", "8001"], "page.port (8000)"),
        (["--houses", "2", "--speed", "5"], "clock.speed (60)"),
    ],
)
def test_option_is_refused_when_the_site_that_is_there_says_otherwise(site, options, named, capsys):
    result = CliRunner().invoke(demo.main, [*options, "--data", str(site)])
    assert result.exit_code == 2
    assert named in " ".join(capsys.readouterr().err.split()) + result.output


def test_site_is_made_whole_when_an_earlier_start_ended_after_its_keys(tmp_path):
    names = [house.name for house in config.bench_houses(2)]
    first = keys.create(tmp_path / "keys.json", names)
    demo_site.prepare_site(demo_site.Wanted(tmp_path, 2))
    site = config.load(tmp_path)
    assert keys.load(site.keys_path, names).oracle.address == first.oracle.address
