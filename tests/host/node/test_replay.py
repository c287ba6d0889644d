"""`trueque meter replay`: recorded codes through the firmware's meter, run by MicroPython."""

import json
import math
import random

import pytest
from click.testing import CliRunner

from hub.errors import BadInput
from tests.host.node.waves import sine_codes, wave_codes
from tools.meter_cli import meter


def write(path, rows, header="t_us,ch0,ch1,ch2"):
    lines = [header] if header is not None else []
    lines += [",".join(str(field) for field in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_of(codes, period_us=200, steady=(2979, 1043)):
    return [
        (round(place * period_us), steady[0], code, steady[1]) for place, code in enumerate(codes)
    ]


def replay(path, *options):
    """Return the JSON that the command prints; its errors pass."""
    result = CliRunner().invoke(
        meter, ["replay", str(path), "--json", *options], catch_exceptions=False
    )
    assert result.exit_code == 0
    return json.loads(result.stdout)


@pytest.fixture
def csv(tmp_path):
    return tmp_path / "samples.csv"


def test_replay_has_the_documented_members_when_the_recording_is_plain(csv):
    result = replay(write(csv, rows_of(sine_codes(5))))
    assert (result["samples"], result["duration_us"]) == (1000, 200_000)
    assert result["channels"]["ch0"] == {"sensor": "fz0430", "mean_uv": 12_000_366, "flags": []}
    load = result["channels"]["ch1"]
    assert load["sensor"] == "sct013-010"
    assert load["rms_ua"] == pytest.approx(4_999_670, abs=20)
    assert load["frequency_uhz"] == pytest.approx(50_000_000, rel=1e-4)
    assert load["flags"] == []
    (window,) = result["windows"]
    assert set(window) == {"start_us", "duration_us", "channels"}
    assert set(window["channels"]) == {"ch0", "ch1", "ch2"}
    assert window["duration_us"] == pytest.approx(140_000, abs=5)  # 7 whole cycles


@pytest.mark.parametrize("frequency_hz", [45, 49.5, 50, 50.5, 60, 65])
def test_windows_are_whole_cycles_when_the_mains_wanders(csv, frequency_hz):
    codes = sine_codes(5, frequency_hz, rate_hz=8000, count=8000)
    result = replay(write(csv, rows_of(codes, 125)))
    load = result["channels"]["ch1"]
    assert load["rms_ua"] == pytest.approx(5_000_000, rel=1e-3)
    assert load["frequency_uhz"] == pytest.approx(frequency_hz * 1e6, rel=1e-3)
    for window in result["windows"]:
        cycles = window["duration_us"] * frequency_hz / 1e6
        assert cycles == pytest.approx(round(cycles), abs=0.02)
        assert round(cycles) >= 1


@pytest.mark.parametrize("period_us", [1000 / 3, 66.7, 500, 1000])
def test_rate_comes_from_the_times_when_it_is_another(csv, period_us):
    rate_hz = 1e6 / period_us
    codes = sine_codes(5, rate_hz=rate_hz, count=round(rate_hz))
    load = replay(write(csv, rows_of(codes, period_us)))["channels"]["ch1"]
    assert load["rms_ua"] == pytest.approx(5_000_000, rel=2e-3)
    assert load["frequency_uhz"] == pytest.approx(50_000_000, rel=1e-3)


@pytest.mark.parametrize("order", [3, 5, 7])
def test_frequency_is_the_fundamentals_when_a_harmonic_has_30_percent(csv, order):
    codes = wave_codes([(1, 5, 0), (order, 1.5, math.pi)], 50, 8000, 8000)
    load = replay(write(csv, rows_of(codes, 125)))["channels"]["ch1"]
    assert load["frequency_uhz"] == pytest.approx(50_000_000, rel=1e-3)
    assert load["rms_ua"] == pytest.approx(5_220_153, rel=1e-3)


def test_open_clamp_reads_nothing_when_there_is_noise(csv):
    chance = random.Random(5)
    codes = [round(2048 + chance.gauss(0, 1.4)) for _ in range(8000)]
    result = replay(write(csv, rows_of(codes, 125)))
    assert result["channels"]["ch1"]["rms_ua"] == 0
    assert result["channels"]["ch1"]["flags"] == ["no_signal"]
    assert [window["duration_us"] for window in result["windows"]] == [200_000] * 5


def test_overrange_is_flagged_when_codes_are_at_the_end(csv):
    rows = rows_of(sine_codes(13), steady=(4095, 1043))
    channels = replay(write(csv, rows))["channels"]
    assert channels["ch0"]["flags"] == ["overrange"]
    assert channels["ch1"]["flags"] == ["overrange"]
    assert channels["ch2"]["flags"] == []


def test_recording_shorter_than_a_cycle_has_means_but_no_rms(csv):
    result = replay(write(csv, rows_of(sine_codes(5, count=50))))
    assert result["windows"] == []
    assert result["channels"]["ch0"]["mean_uv"] == 12_000_366
    assert result["channels"]["ch1"]["rms_ua"] is None
    assert result["channels"]["ch1"]["flags"] == ["no_signal"]


def test_calibration_is_applied_when_a_settings_file_is_given(csv, tmp_path):
    write(csv, rows_of(sine_codes(5)))
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"node": "a", "calibration": {"ch1": {"gain_ppm": 1_020_000}}}))
    plain = replay(csv)["channels"]["ch1"]["rms_ua"]
    assert replay(csv, "--calibration", str(path))["channels"]["ch1"]["rms_ua"] == pytest.approx(
        plain * 1.02, abs=2
    )


def test_sensors_are_those_named_when_given(csv):
    write(csv, rows_of(sine_codes(5)))
    channels = replay(csv, "--sensors", "ch0=fz0430-10k")["channels"]
    assert channels["ch0"]["mean_uv"] == 12_000_366 * 8 // 5
    assert channels["ch1"]["sensor"] == "sct013-010"


def test_clamp_may_sit_on_another_channel_when_named(csv):
    rows = [(t, code, 2979, 0) for t, _, code, _ in rows_of(sine_codes(5))]
    options = ("--sensors", "ch0=sct013-010,ch1=fz0430")
    channels = replay(write(csv, rows), *options)["channels"]
    assert channels["ch0"]["rms_ua"] == pytest.approx(4_999_670, abs=20)
    assert channels["ch1"]["mean_uv"] == 12_000_366


def test_windows_start_later_when_channels_are_skewed(csv):
    write(csv, rows_of(sine_codes(5)))
    plain, skewed = replay(csv), replay(csv, "--skew-us", "42")
    assert skewed["windows"][0]["start_us"] - plain["windows"][0]["start_us"] == 42


def test_windows_tell_the_recordings_own_time_when_it_does_not_begin_at_0(csv):
    rows = rows_of(sine_codes(5))
    plain = replay(write(csv, rows))
    later = replay(write(csv, [(row[0] + 10**9, *row[1:]) for row in rows]))
    assert later["windows"][0]["start_us"] == plain["windows"][0]["start_us"] + 10**9


GOOD = rows_of(sine_codes(5, count=20))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([*GOOD, (4000, "nan", 2048, 0)], "row 22, field ch0: 'nan'"),
        ([*GOOD, (4000, 0, -1, 0)], "row 22, field ch1: '-1'"),
        ([*GOOD, (4000, 0, 2048, 4096)], "row 22, field ch2: '4096'"),
        ([*GOOD, (4000, 0, 2048.5, 0)], "row 22, field ch1: '2048.5'"),
        ([*GOOD, (4000, 0, "", 0)], "row 22, field ch1: ''"),
        ([*GOOD, (4000, 0, "٣", 0)], "row 22, field ch1"),
        ([*GOOD, ("inf", 0, 0, 0)], "row 22, field t_us: 'inf'"),
        ([*GOOD, ("x", 0, 0, 0)], "row 22, field t_us: 'x'"),
        ([*GOOD, (3800, 0, 0, 0)], "row 22, field t_us: 3800 does not come after"),
        ([*GOOD, (100, 0, 0, 0)], "row 22, field t_us: 100 does not come after"),
        ([*GOOD, (9000, 0, 0, 0)], "row 22, field t_us: 5200 us after"),
        ([*GOOD, (4000, 0, 0)], "row 22: 3 fields"),
        ([*GOOD, (4000, 0, 0, 0, 0)], "row 22: 5 fields"),
        ([], "0 rows"),
        (GOOD[:1], "1 rows"),
        ([(0, 1, 1, 1), (10**6, 1, 1, 1)], "1 rows a second"),
    ],
)
def test_replay_names_row_and_field_when_the_recording_is_bad(csv, rows, sentence):
    with pytest.raises(BadInput) as caught:
        replay(write(csv, rows))
    assert str(caught.value).startswith(str(csv))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"1,2,3,4\n", b"t_us,ch0\n1,2\n", b"\xff\xfe\x00"])
def test_replay_says_so_when_the_header_is_missing(csv, content):
    csv.write_bytes(content)
    with pytest.raises(BadInput, match="samples.csv"):
        replay(csv)


def test_replay_says_so_when_the_file_is_missing(csv):
    with pytest.raises(BadInput, match="No such file"):
        replay(csv)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--sensors", "ch9=fz0430"), "'ch9'"),
        (("--sensors", "ch0=acs712"), "'acs712'"),
        (("--sensors", "ch0=sct013-010"), "only one"),
        (("--calibration", "absent.json"), "absent.json"),
    ],
)
def test_replay_names_the_option_when_it_is_wrong(csv, options, sentence):
    write(csv, GOOD)
    with pytest.raises(BadInput, match=sentence):
        replay(csv, *options)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ('{"ch7": {}}', "field ch7"),
        ('{"ch0": {"gain": 1}}', "field ch0.gain is not known"),
        ('{"ch0": {"gain_ppm": 1.5}}', "field ch0.gain_ppm"),
    ],
)
def test_replay_names_the_field_when_the_calibration_is_wrong(csv, tmp_path, content, sentence):
    write(csv, GOOD)
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=sentence):
        replay(csv, "--calibration", str(path))


def test_table_is_printed_when_json_is_not_asked_for(csv):
    write(csv, rows_of(sine_codes(5)))
    result = CliRunner().invoke(meter, ["replay", str(csv)], catch_exceptions=False)
    assert "sct013-010" in result.stdout
    assert "5.000 A" in result.stdout
