"""Calibration: two points to gain and offset, and the whole procedure on a virtual board."""

import datetime
import json

import pytest
from click.testing import CliRunner

from hub.errors import BadInput
from tests.host.node.rig import settings_members
from tools.bench.factory import calibrate_new_boards
from tools.board.calibration import calibrate, channels_of
from tools.board.cli import board
from tools.board.fit import CalibrationRefused, Point, two_points
from tools.board.virtual import VirtualBoard


@pytest.fixture
def flash(tmp_path):
    """The flash of an uncalibrated board whose spikes are corrected."""
    return make_flash(tmp_path)


def make_flash(tmp_path, **changes):
    directory = tmp_path / "house-1"
    directory.mkdir()
    members = settings_members(spike_correction=True, **changes)
    (directory / "settings.json").write_text(json.dumps(members))
    return directory


def stored(flash):
    return json.loads((flash / "settings.json").read_text())["calibration"]


def run(*words, **options):
    return CliRunner().invoke(board, ["calibrate", *words], catch_exceptions=False, **options)


def test_two_points_give_the_line_through_them():
    # true = read * 0.98 + 0.05
    points = [Point(2_500_000, 2_500_000), Point(19_650_000, 20_000_000)]
    assert two_points("ch0", points) == {"gain_ppm": 980_000, "offset_micro": 50_000}


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (Point(2_000_000, 4_000_000), Point(20_000_000, 20_000_000), "wiring"),
        (Point(19_000_000, 19_000_000), Point(20_000_000, 20_000_000), "too close"),
        (Point(0, 5), Point(20_000_000, 20_000_000), "above 0"),
    ],
)
def test_points_are_refused_when_no_sound_channel_gives_them(low, high, sentence):
    with pytest.raises(CalibrationRefused, match=sentence):
        two_points("ch0", [low, high])


def test_errors_shrink_when_a_virtual_board_is_calibrated(flash):
    with VirtualBoard(flash) as found:
        outcomes = calibrate(found, found, channels_of(found.settings), "bench")
        for each in outcomes:
            assert abs(each.after.error_percent) < 0.2
    assert max(abs(each.before.error_percent) for each in outcomes) > 0.3
    known = stored(flash)
    assert set(known) == {"ch0", "ch1", "ch2"}
    assert known["ch1"]["noise_millicodes"] == pytest.approx(1_010, abs=60)
    assert known["ch0"]["date"] == datetime.date.today().isoformat()
    assert known["ch0"]["reference"] == "bench"
    assert "noise_millicodes" not in known["ch0"]


def test_mains_voltage_is_calibrated_when_the_profile_has_it(tmp_path):
    flash = make_flash(tmp_path, profile="ac")
    with VirtualBoard(flash) as found:
        channels = channels_of(found.settings)
        assert [each.quantity for each in channels][2] == "load_voltage"
        voltage = calibrate(found, found, channels, "bench")[2]
    assert abs(voltage.after.error_percent) < 0.3


def test_nothing_is_saved_when_an_input_was_not_what_was_entered(flash):
    with VirtualBoard(flash) as found:

        class Careless:
            def apply(self, channel, value):
                found.apply(channel, value)
                return value * 1.05 if value == channel.check else value

        with pytest.raises(CalibrationRefused, match="nothing is saved"):
            calibrate(found, Careless(), channels_of(found.settings), "bench")
    assert "calibration" not in json.loads((flash / "settings.json").read_text())


def test_only_the_channel_named_changes(flash):
    run("--virtual", str(flash), "--reference", "first", "--yes")
    before = stored(flash)
    run("--virtual", str(flash), "--reference", "second", "--yes", "--channel", "ch2")
    after = stored(flash)
    assert after["ch2"]["reference"] == "second"
    assert {**before, "ch2": None} == {**after, "ch2": None}


def test_technician_is_asked_for_each_input_when_not_yes(flash):
    entered = "2.55\n23.4\n12.9\n"
    words = ("--virtual", str(flash), "--reference", "Fluke 87V", "--channel", "ch0", "--json")
    result = run(*words, input=entered)
    (channel,) = json.loads(result.stdout)["channels"]
    assert abs(channel["error_after_percent"]) < 0.2
    assert "Apply about 2.6 V DC to ch0 (pv voltage)." in result.stderr


def test_table_shows_both_errors_when_json_is_not_asked_for(flash):
    text = run("--virtual", str(flash), "--reference", "bench", "--yes").stdout
    assert "before" in text and "after" in text and "load current" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--reference", ""), "--reference"),
        (("--reference", "x", "--channel", "ch5"), "'ch5'"),
    ],
)
def test_option_is_named_when_it_is_wrong(flash, words, sentence):
    with pytest.raises(BadInput, match=sentence):
        run("--virtual", str(flash), "--yes", *words)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"node": 5}'])
def test_settings_are_named_when_they_are_missing_or_wrong(flash, content):
    path = flash / "settings.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match="settings.json"):
        run("--virtual", str(flash), "--reference", "x", "--yes")


def test_bench_calibrates_once_when_boards_are_new(tmp_path):
    flash = make_flash(tmp_path)
    assert calibrate_new_boards(tmp_path, ["house-1", "house-2"]) == ["house-1"]
    known = stored(flash)
    assert calibrate_new_boards(tmp_path, ["house-1"]) == []
    assert stored(flash) == known
    assert (flash / "settings.json").stat().st_mode & 0o077 == 0
