"""`trueque market clear --mechanism preferred`: each optional column decides, slips are named."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import cli

NEEDED = "order_id,peer,side,energy_uwh,price_gwei_per_kwh,placed_at_ms"
BOOK = {
    "B1": ("home", "bid", 3 * 10**9, 300_000_000),
    "B2": ("clinic", "bid", 3 * 10**9, 200_000_000),
    "S1": ("roof", "offer", 4 * 10**9, 100_000_000),
    "S2": ("mill", "offer", 4 * 10**9, 140_000_000),
}
Clear = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def clear(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Clear:
    """Clear BOOK with further columns, {column: {order: cell}}; return code, JSON, stderr."""

    def run(columns: dict[str, dict[str, str]], *options: str) -> tuple[int, Any, str]:
        lines = [",".join([NEEDED, *columns])]
        for placed, (order, values) in enumerate(BOOK.items()):
            cells = [columns[name].get(order, "") for name in columns]
            lines.append(",".join([order, *map(str, values), str(placed), *cells]))
        path = tmp_path / "book.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        words = ["market", "clear", str(path), "--mechanism", "preferred", "--json", *options]
        monkeypatch.setattr(sys, "argv", ["trueque", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), json.loads(out) if out else None, err

    return run


def met(result: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(one["bid"], one["offer"]): one["energy_uwh"] // 10**6 for one in result["trades"]}


def test_clear_is_merit_order_when_no_order_prefers_anything(clear: Clear) -> None:
    code, result, err = clear({})
    assert (code, err) == (0, "")
    assert result["mechanism"] == "preferred"
    # B1 takes 3 of S1 at (300 + 100)/2; B2 the last one at 150, and two of S2 at 170.
    assert met(result) == {("B1", "S1"): 3000, ("B2", "S1"): 1000, ("B2", "S2"): 2000}
    assert [one["price_gwei_per_kwh"] for one in result["trades"]] == [
        200_000_000,
        150_000_000,
        170_000_000,
    ]
    assert result["surplus_gwei"] == "0"
    assert result["unmatched"] == [{"order_id": "S2", "energy_uwh": 2 * 10**9}]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (  # the dearer producer only
            {"partners": {"B1": "mill"}},
            {("B1", "S2"): 3000, ("B2", "S1"): 3000},
        ),
        (  # an offer's accepted buyers
            {"partners": {"S1": "clinic; nobody-else", "S2": "clinic"}},
            {("B2", "S1"): 3000},
        ),
        (  # two thirds of 3 kWh from the mill, the rest from anyone
            {"shares_permille": {"B1": "mill:667"}},
            {("B1", "S1"): 999, ("B1", "S2"): 2001, ("B2", "S1"): 3000},
        ),
        (
            {"origins": {"B1": "wind;hydro"}, "origin": {"S1": "pv", "S2": "hydro"}},
            {("B1", "S2"): 3000, ("B2", "S1"): 3000},
        ),
        (  # inside first: the clinic takes all the energy that it can inside
            {"community": {"B2": "north", "S1": "north", "B1": "south"}},
            {("B2", "S1"): 3000, ("B1", "S1"): 1000, ("B1", "S2"): 2000},
        ),
    ],
    ids=["partners", "buyers", "shares", "origins", "community"],
)
def test_clear_honours_a_column_when_the_book_has_it(
    clear: Clear, columns: dict[str, dict[str, str]], expected: dict[tuple[str, str], int]
) -> None:
    code, result, _ = clear(columns)
    assert code == 0
    assert met(result) == expected


def test_clear_serves_the_higher_class_first_when_one_offer_is_left(clear: Clear) -> None:
    columns = {"priority": {"B2": "2"}, "origins": {"B1": "pv", "B2": "pv"}, "origin": {"S1": "pv"}}
    _, result, _ = clear(columns)
    assert met(result) == {("B2", "S1"): 3000, ("B1", "S1"): 1000}


PLACES = {
    "x_m": {"B1": "0", "B2": "2000", "S1": "2000", "S2": "0"},
    "y_m": {"B1": "0", "B2": "0", "S1": "0", "S2": "-100"},
}


def test_clear_charges_the_way_when_places_and_a_charge_are_given(clear: Clear) -> None:
    _, result, err = clear(PLACES, "--distance-charge", "50000000")
    assert err == ""
    # Each buys next door: 2 km cost 100 million, which S2 for B2 is not worth.
    prices = [
        (one["bid"], one["offer"], one["price_gwei_per_kwh"], one["sell_gwei_per_kwh"])
        for one in result["trades"]
    ]
    # (300 + 140 + 5)/2 for 100 m at 50 a km, and (200 + 100)/2 for no way at all
    assert prices == [
        ("B1", "S2", 222_500_000, 217_500_000),
        ("B2", "S1", 150_000_000, 150_000_000),
    ]
    assert result["surplus_gwei"] == "15000000"  # 3 kWh at 5 million gwei


def test_clear_warns_when_places_have_no_charge_to_serve(clear: Clear) -> None:
    code, result, err = clear(PLACES)
    assert code == 0 and "x_m and y_m count with --distance-charge only" in err
    assert result["surplus_gwei"] == "0"


@pytest.mark.parametrize(
    ("columns", "options", "sentence"),
    [
        (
            {"partners": {"B1": "roof;roof"}},
            (),
            "row 2, field partners: 'roof;roof' names roof twice",
        ),
        (
            {"shares_permille": {"B2": "roof"}},
            (),
            "row 3, field shares_permille: 'roof' is not like",
        ),
        ({"shares_permille": {"B2": "roof:1001"}}, (), "at most 1000"),
        ({"shares_permille": {"B2": "roof:10;roof:20"}}, (), "named twice"),
        ({"priority": {"B1": "high"}}, (), "field priority: 'high' is not a whole number"),
        ({"priority": {"B1": "256"}}, (), "is not between 0 and 255"),
        ({}, ("--distance-charge", "7"), "field x_m: --distance-charge needs the column"),
        ({"x_m": {"B1": "1"}, "y_m": {"B1": "1"}}, ("--distance-charge", "7"), "where clinic is"),
        (
            {"x_m": {"B1": "1"}, "y_m": {}},
            ("--distance-charge", "7"),
            "row 2, field y_m: '' is empty",
        ),
    ],
)
def test_clear_exits_2_with_file_row_and_field_when_a_wish_is_wrong(
    clear: Clear, columns: dict[str, dict[str, str]], options: tuple[str, ...], sentence: str
) -> None:
    code, result, err = clear(columns, *options)
    assert (code, result) == (2, None)
    assert sentence in err and "book.csv" in err
    assert len([line for line in err.splitlines() if "warning" not in line]) == 1


def test_clear_refuses_when_a_peer_is_in_two_communities(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "book.csv"
    rows = ["B1,a,bid,1000000,300000000,1,north", "B2,a,bid,1000000,300000000,1,south"]
    path.write_text("\n".join([f"{NEEDED},community", *rows]) + "\n", encoding="utf-8")
    words = ["trueque", "market", "clear", str(path), "--mechanism", "preferred"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "row 3, field community: 'south' is not what row 2 says of a" in capsys.readouterr().err


def test_clear_warns_when_a_wish_is_of_the_other_side_or_of_nobody(clear: Clear) -> None:
    _, result, err = clear({"origin": {"B1": "pv"}, "partners": {"B1": "mill;moon"}})
    assert "row 2, field origin: is of offers" in err
    assert "row 2, field partners: moon has no order in this book" in err
    assert ("B1", "S2") in met(result)


def test_clear_leaves_wishes_unread_when_the_mechanism_has_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "book.csv"
    path.write_text(f"{NEEDED},partners\nB1,a,bid,1000000,300000000,1,zoe\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["trueque", "market", "clear", str(path), "--json"])
    with pytest.raises(SystemExit):
        cli.main()
    out, err = capsys.readouterr()
    assert "columns not used: partners" in err and json.loads(out)["trades"] == []


def test_clear_refuses_a_charge_when_the_mechanism_has_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["trueque", "market", "clear", str(tmp_path / "book.csv"), "--distance-charge", "5"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "--distance-charge: only preferred knows it" in capsys.readouterr().err
