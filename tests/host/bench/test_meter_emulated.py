"""The bars of the emulated board: what a minute showed becomes rows; without a board, a reason."""

import pytest

from tools.bench.meter_emulated import emulated_rows


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

    async def measure(path, seconds):
        assert (path, seconds) == (image, 10)
        return bars.Figures(minute, 14_200, (31.0, 48.5, 20.0), 9.5, 2.1)

    monkeypatch.setattr(bars, "measure", measure)
    rows = {each.name: (each.value, each.ratio) for each in emulated_rows(image, 10)}
    assert rows["emulated_rate_at_least"] == (8000.0, 1.0)
    assert rows["emulated_codes_lost"] == (1, None)
    assert rows["emulated_heap_free_at_least"] == (61.0, pytest.approx(61 / 60, abs=1e-3))
    assert rows["emulated_metering_share"] == (14.2, pytest.approx(14.2 / 15, abs=1e-3))
    assert rows["emulated_relay_open_after_limit"] == (48.5, 0.97)
    assert rows["emulated_duration_at_least"] == (10.0, pytest.approx(1 / 6, abs=1e-3))
