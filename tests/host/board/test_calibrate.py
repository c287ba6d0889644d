"""Calibration: two points to gain and offset, and the whole procedure on a virtual board."""

import datetime
import json
import math

import pytest
from click.testing import CliRunner

from hub.errors import BadInput
from tests.host.node.rig import settings_members
from tools.bench.factory import calibrate_new_boards
from tools.board.calibration import calibrate, channels_of
from tools.board.cli import board
from tools.board.fit import CalibrationRefused, Phase, Point, delay_ns, two_points
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
    assert set(known) == {"ch0", "ch1", "ch2", "bus", "pv"}
    assert set(known["bus"]) == {"gain_ppm", "offset_micro", "date", "reference"}
    assert known["ch1"]["noise_millicodes"] == pytest.approx(1_010, abs=60)
    assert known["ch0"]["date"] == datetime.date.today().isoformat()
    assert known["ch0"]["reference"] == "bench"
    assert known["ch0"]["noise_millicodes"] == pytest.approx(1_010, abs=60)


def test_mains_voltage_is_calibrated_when_the_profile_has_it(tmp_path):
    flash = make_flash(tmp_path, profile="ac")
    with VirtualBoard(flash) as found:
        channels = channels_of(found.settings)
        assert [each.quantity for each in channels][2] == "load_voltage"
        outcomes = calibrate(found, found, channels, "bench")
    assert abs(outcomes[2].after.error_percent) < 0.3
    # The voltage's transformer is late, so the current's signal comes before it.
    delay = outcomes[-1]
    lag_ns = found.house.mains.lag_rad / (2 * math.pi * 50) * 1e9
    assert delay.channel.quantity == "load_power"
    assert stored(flash)["ch1"]["delay_ns"] == pytest.approx(-lag_ns, abs=1_500)
    assert abs(delay.before.error_percent) > 0.4
    assert abs(delay.after.error_percent) < 0.1


def test_hall_part_is_calibrated_within_its_range_when_its_own_offset_is_large(tmp_path):
    hall = {"part": "acs712-05", "measures": "pv_current", "divider_milli": 1_600}
    bus = {"bus": {"address": 0x40, "shunt_uohm": 50_000}}
    flash = make_flash(tmp_path, sensors={"ch1": hall}, ina226=bus)
    with VirtualBoard(flash) as found:
        channels = channels_of(found.settings)
        (channel,) = [each for each in channels if each.quantity == "pv_current"]
        assert max(channel.points) < 5
        (outcome,) = calibrate(found, found, [channel], "bench")
    assert abs(outcome.after.error_percent) < 0.3
    # A seventh of an ampere is above what is taken for a wrong part at the lower input.
    assert abs(stored(flash)["ch1"]["offset_micro"]) > 0.15e6


def test_clamp_is_refused_when_it_is_the_wrong_way_round(tmp_path):
    flash = make_flash(tmp_path, profile="ac")
    with VirtualBoard(flash) as found:
        found.house.clamp.lag_rad = math.pi
        with pytest.raises(CalibrationRefused, match="turn the clamp round"):
            calibrate(found, found, channels_of(found.settings), "bench")
    assert "calibration" not in json.loads((flash / "settings.json").read_text())


def test_load_is_refused_when_it_is_not_resistive(tmp_path):
    flash = make_flash(tmp_path, profile="ac")
    with VirtualBoard(flash) as found:
        found.house.clamp.lag_rad = 0.5
        with pytest.raises(CalibrationRefused, match="us after that of ch2"):
            calibrate(found, found, channels_of(found.settings), "bench")


@pytest.mark.parametrize("late_ns", [-70_000, -5_000, 0, 40_000])
def test_delay_is_that_of_the_products_when_both_are_sines(late_ns):
    turn = 2 * math.pi * 50 / 8_000
    angle = (late_ns * 1e-9 * 8_000 + 1 / 3) * turn  # ch1 and ch2: a third of a frame apart
    products = [round(1e12 * math.cos(angle)), round(1e12 * math.cos(angle - turn))]
    phase = Phase(products, 256 * 16_000, 100)
    assert delay_ns(phase, 8_000, 1) == pytest.approx(late_ns, abs=2)


def test_shunt_is_calibrated_when_its_resistance_is_off(flash):
    with VirtualBoard(flash) as found:
        found.house.meters[0x40]._shunt_ohm *= 1.02
        outcomes = calibrate(found, found, channels_of(found.settings), "bench")
    bus = next(each for each in outcomes if each.channel.name == "bus")
    assert bus.before.error_percent == pytest.approx(2.0, abs=0.2)
    assert abs(bus.after.error_percent) < 0.05
    assert stored(flash)["bus"]["gain_ppm"] == pytest.approx(1e6 / 1.02, rel=1e-3)


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
