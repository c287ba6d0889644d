"""The bars of the emulated board: what a minute showed becomes rows; without a board, a reason."""

import pytest

from tools.bench.meter_emulated import BARS, emulated_rows


def test_bars_are_skipped_with_the_reason_when_no_image_is_named(monkeypatch, capsys):
    monkeypatch.delenv("TRUEQUE_IMAGE", raising=False)
    assert emulated_rows(None, 60) == []
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("skipped the bars of the emulated board: no emulated boards: ")


def test_rows_are_those_of_the_figures_when_a_board_was_measured(monkeypatch, tmp_path):
    pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")
    pytest.importorskip("littlefs", reason="the extra `emulation` is not installed")
    from tools.emulation import bars

    image = tmp_path / "any.uf2"
    image.write_bytes(b"")
    # 3 channels at 8 kS/s for 10 s; 14.2 ms for a block of 100 ms.
    minute = bars.Minute(10.0, 240_000, 0, 55, 61_000, 10, 1)

    trips = (bars.Trip(31.0, 1.2, 9.0, ()), bars.Trip(48.5, 1.4, 17.0, ("finals.0",)))

    async def measure(path, seconds, wanted):
        assert (path, seconds) == (image, 10)
        return bars.Figures(
            *(14_200, 15_000, minute, trips, 3, bars.Saves(18.0, 9, 0)),
            *(9.5, 2.1, (2.5, 3.1), 0, 50, 99),
        )

    monkeypatch.setattr(bars, "measure", measure)
    rows = {each.name: (each.value, each.ratio) for each in emulated_rows(image, 10)}
    assert rows["emulated_rate_at_least"] == (8000.0, 1.0)
    assert rows["emulated_codes_lost"] == (1, None)
    assert rows["emulated_heap_free_at_least"] == (61.0, pytest.approx(61 / 60, abs=1e-3))
    assert rows["emulated_metering_share"] == (28.4, pytest.approx(28.4 / 15, abs=1e-3))
    assert rows["emulated_metering_share_ac"] == (30.0, 2.0)
    assert rows["emulated_relay_open_after_limit"] == (48.5, 0.97)
    assert rows["emulated_signed_after_open"] == (1.4, pytest.approx(1.4 / 1.5, abs=1e-3))
    assert rows["emulated_safety_wait_while_signing"] == (17.0, 0.85)
    assert rows["emulated_files_written_while_signing"] == (1, None)
    assert rows["emulated_codes_lost_in_deliveries"] == (3, None)
    assert rows["emulated_safety_wait_for_save"] == (18.0, 0.9)
    assert rows["emulated_saves_in_delivery"] == (9, None)
    assert rows["emulated_relay_open_hub_silent"] == (9.5, pytest.approx(9.5 / 15, abs=1e-3))
    assert rows["emulated_duration_at_least"] == (10.0, pytest.approx(1 / 6, abs=1e-3))
    assert rows["emulated_return_after_radio_loss"] == (3.1, pytest.approx(3.1 / 30, abs=1e-3))
    assert rows["emulated_foreign_authority_connections"] == (0, None)
    assert rows["emulated_power_cuts_survived_at_least"] == (50, 1.0)
    assert rows["emulated_torn_writes_survived_at_least"] == (99, 0.99)


def test_only_bars_asked_for_become_rows(monkeypatch, tmp_path):
    pytest.importorskip("rp2040py", reason="the extra `emulation` is not installed")
    pytest.importorskip("littlefs", reason="the extra `emulation` is not installed")
    from tools.emulation import bars

    image = tmp_path / "any.uf2"
    image.write_bytes(b"")
    asked = []

    async def measure(path, seconds, wanted):
        asked.append(wanted)
        return bars.Figures(cuts_survived=50)

    monkeypatch.setattr(bars, "measure", measure)
    rows = emulated_rows(image, 10, ("cuts",))
    assert [each.name for each in rows] == ["emulated_power_cuts_survived_at_least"]
    assert asked == [("cuts",)]
    assert BARS == bars.NAMES
