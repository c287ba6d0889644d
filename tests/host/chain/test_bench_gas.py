"""The gas report: its shape, and the bounds the contract must stay within."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hub.chain.artefact import load_artefact
from hub.chain.bench_gas import gas


@pytest.fixture(scope="module")
def printed():
    result = CliRunner().invoke(gas, ["--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_report_has_the_rows_that_scripts_read(printed):
    assert printed["command"] == "bench gas"
    assert [row["name"] for row in printed["rows"]] == [
        *("deploy", "offer", "bid", "take", "report", "bid_with_preferences"),
        *(
            "batch_clear_per_trade",
            "batch_close_per_trade",
            "batch_report_per_trade",
            "life_bilateral",
            "life_batch",
        ),
    ]
    for row in printed["rows"]:
        assert set(row) == {"name", "value", "unit", "baseline", "ratio"}
        if row["baseline"] is not None:
            assert row["ratio"] == pytest.approx(row["value"] / row["baseline"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("offer", 70_000),
        ("bid", 70_000),
        ("bid_with_preferences", 80_000),
        ("take", 85_000),
        ("report", 75_000),
        ("batch_clear_per_trade", 45_000),
        ("batch_report_per_trade", 40_000),
        ("life_bilateral", 240_000),
        ("life_batch", 240_000),
    ],
)
def test_calls_stay_within_their_gas(printed, name, most):
    value = next(row["value"] for row in printed["rows"] if row["name"] == name)
    assert value <= most


def test_code_fits_a_contract():
    assert len(load_artefact().market.deployed) <= 24_576  # EIP-170
