"""Bills against snapshots that boards signed: what agrees, what was changed, what cannot be."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner
from eth_account import Account
from wire.digests import snapshot_digest

from hub import bill_check, board_keys
from hub.bills_cli import bills as command
from hub.errors import BadInput
from hub.store.messages import SNAPSHOT_COLUMNS
from tests.host.hub.samples import snapshot

BOARD = Account.create()
KEYS = {"house-1": BOARD.address}
HOUR_MS = 3_600_000
START_MS = 1_800_000_000_000


def signed(seq, at_ms, board=BOARD, **registers):
    """Return a row as exported: what house-1 signed at that time."""
    row = {"node": "house-1", "received_at_ms": at_ms + 40, **snapshot(seq, t_ms=at_ms)}
    row.update(registers)
    made = board.unsafe_sign_hash(snapshot_digest("house-1", row))
    vs = made.s | (made.v - 27) << 255
    return row | {"signature": made.r.to_bytes(32, "big").hex() + vs.to_bytes(32, "big").hex()}


def day(**changes):
    """One snapshot an hour, 1,000 uWh of PV more in each, from an hour before to one after."""
    return [
        signed(n, START_MS + (n - 2) * HOUR_MS, pv_export_uwh=1_000 * n, **changes)
        for n in range(1, 28)
    ]


def bill(**figures):
    blank = dict.fromkeys(bill_check.BILLED)
    span = {"start_ms": START_MS + 1, "end_ms": START_MS + 24 * HOUR_MS - 1}
    return {"peer": "house-1", **span, **blank, **figures}


def problems(rows, *bills, keys=KEYS, scale=100):
    return bill_check.check(rows, bills, keys, scale).problems


def test_bill_agrees_when_it_lies_between_what_was_signed():
    """22 hours stand between the first and the last snapshot within, 26 around them."""
    for produced in (22_000, 24_000, 24_900):
        assert problems(day(), bill(pv_produced_uwh=produced)) == ()


@pytest.mark.parametrize("produced", [21_999, 26_001, 0])
def test_bill_is_contradicted_when_it_says_less_or_more_than_can_be(produced):
    (problem,) = problems(day(), bill(pv_produced_uwh=produced))
    assert "pv_produced_uwh is" in problem and "signed registers say at least 22000" in problem


def test_figure_is_not_counted_as_checked_when_no_snapshot_is_near():
    far = [signed(1, START_MS - 100 * HOUR_MS, pv_export_uwh=1)]
    assert bill_check.check(far, [bill(pv_produced_uwh=7)], KEYS, 100).figures == 0


def test_load_is_compared_at_the_models_scale():
    rows = [
        signed(n, START_MS + (n - 2) * HOUR_MS, load_import_uwh=100_000 * n) for n in range(1, 28)
    ]
    assert problems(rows, bill(load_uwh=24_000)) == ()
    assert problems(rows, bill(load_uwh=2_400_000)) != ()


@pytest.mark.parametrize(
    "change",
    [{"pv_export_uwh": 3_001}, {"t_ms": None}, {"seq": 99}, {"boot_id": 2}, {"uptime_ms": 1}],
    ids=str,
)
def test_snapshot_is_refused_when_anything_of_it_was_changed(change):
    rows = day()
    rows[2] = rows[2] | change
    assert any("is not what its board signed" in problem for problem in problems(rows))


def test_snapshot_is_refused_when_another_board_signed_it():
    (problem,) = problems([signed(1, START_MS, board=Account.create())])
    assert problem == "snapshot 1 of house-1 is not what its board signed"


def test_snapshot_is_refused_when_its_boards_key_is_not_known():
    (problem,) = problems(day()[:1], keys={})
    assert "the key of this board is not known" in problem


def test_register_must_not_fall_but_over_a_restart():
    rows = [
        signed(1, START_MS, pv_export_uwh=5_000),
        signed(2, START_MS + 1, pv_export_uwh=4_000, boot_id=2),
        signed(3, START_MS + 2, pv_export_uwh=3_000, boot_id=2),
    ]
    (problem,) = problems(rows)
    assert problem.startswith("snapshot 3 of house-1: pv_export_uwh fell from 4000 to 3000")


# The command ----------------------------------------------------------------------------------


def write(path, columns, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def files(tmp_path):
    public_key = BOARD._key_obj.public_key.to_bytes().hex()
    keys = board_keys.remember(tmp_path, {"house-1": public_key})
    rows = write(tmp_path / "snapshots.csv", SNAPSHOT_COLUMNS, day())
    billed = bill(pv_produced_uwh=24_000)
    bills_path = write(tmp_path / "bills.csv", list(billed), [billed])
    return [rows, "--bills", bills_path, "--keys", str(keys)]


def run(*arguments):
    return CliRunner().invoke(command, ["verify", *arguments])


def test_command_says_that_all_agrees_when_it_does(files):
    result = run(*files, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"snapshots": 27, "figures": 1, "problems": []}


def test_command_fails_and_names_the_snapshot_when_the_file_was_changed(files, tmp_path):
    path = tmp_path / "snapshots.csv"
    path.write_text(path.read_text().replace(",7000,", ",7001,"))
    result = run(*files)
    assert result.exit_code == 1
    assert "snapshot 7 of house-1 is not what its board signed" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (",3000,", ",3e3,", "line 4: pv_export_uwh must be a whole number, not '3e3'"),
        (",3000,", ",-3,", "line 4: pv_export_uwh must be from 0"),
        ("uptime_ms", "uptime", "column uptime_ms is missing"),
    ],
)
def test_command_names_line_and_field_when_a_file_is_not_as_exported(files, tmp_path, old, new,
                                                                     named):  # fmt: skip
    path = tmp_path / "snapshots.csv"
    path.write_text(path.read_text().replace(old, new))
    result = run(*files)
    assert isinstance(result.exception, BadInput) and named in str(result.exception)


def test_command_asks_for_keys_when_none_are_given(files):
    result = run(*files[:-2])
    assert isinstance(result.exception, BadInput) and "--rpc URL" in str(result.exception)
