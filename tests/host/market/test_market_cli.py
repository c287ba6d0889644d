"""`trueque market` and `trueque bench clearing`: results, refusals in one line, clean streams."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.market.amounts import gwei_text
from tests.host.market.books import BIDS, EUR, KWH, OFFERS, book
from tools import cli
from tools.bench import clearing as bench
from tools.market_files import OrderColumns
from tools.market_results import ClearingTerms, clear_book

HEADER = "order_id,peer,side,energy_uwh,price_gwei_per_kwh,placed_at_ms"
GOOD = f"{HEADER}\nB1,a,bid,4000000000,280000000,1\nS1,b,offer,3000000000,110000000,2\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a `trueque` command; return exit code, stdout and stderr."""

    def run_command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["trueque", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (0 if code is None else int(code)), out, err

    return run_command


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], str]:
    """Write text or bytes into a CSV file and return its path."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "book.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def reference_csv() -> str:
    rows = [
        f"{o.order_id},{o.peer},{o.side},{o.energy_uwh},{o.price_gwei_per_kwh},{o.placed_at_ms}"
        for o in book(BIDS, OFFERS)
    ]
    return "\n".join([HEADER, *rows]) + "\n"


def test_clear_prints_json_alone_when_book_is_the_reference(run: Run, file: Any) -> None:
    code, out, err = run("market", "clear", file(reference_csv()), "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert result["mechanism"] == "uniform"
    assert (result["price_gwei_per_kwh"], result["price_exact"]) == (195_000_000, "195000000")
    assert [trade["energy_uwh"] // KWH for trade in result["trades"]] == [3, 1, 3, 2]
    assert result["trades"][0]["price_gwei_per_kwh"] == 195_000_000
    assert Decimal(result["welfare_gwei"]) == Decimal("0.93") * EUR
    assert result["unmatched"][0] == {"order_id": "B3", "energy_uwh": 3 * KWH}


def test_clear_keeps_the_fraction_when_price_is_a_half(run: Run, file: Any) -> None:
    path = file(f"{HEADER}\nB1,a,bid,7,201,1\nS1,b,offer,7,190,2\n")
    result = json.loads(run("market", "clear", path, "--mechanism", "midpoint", "--json")[1])
    assert (result["price_gwei_per_kwh"], result["price_exact"]) == (195, "391/2")
    assert result["trades"][0]["price_exact"] == "391/2"
    assert result["welfare_gwei"] == "0.000000077"  # 7 uWh x 11 wei/uWh


@pytest.mark.parametrize(
    ("options", "energy", "buy"),
    [
        (["--mechanism", "uniform", "--k", "0"], 9, 190_000_000),
        (["--mechanism", "uniform", "--k", "1"], 9, 200_000_000),
        (["--mechanism", "pay-as-bid"], 9, None),
        (["--mechanism", "bilateral", "--fee", "30000000"], 7, None),
        (["--mechanism", "continuous"], 9, None),
        (["--ties", "pro-rata"], 9, 195_000_000),
    ],
)
def test_clear_follows_options_when_they_fit_the_mechanism(
    run: Run, file: Any, options: list[str], energy: int, buy: int | None
) -> None:
    result = json.loads(run("market", "clear", file(reference_csv()), *options, "--json")[1])
    assert sum(trade["energy_uwh"] for trade in result["trades"]) == energy * KWH
    assert result["price_gwei_per_kwh"] == buy


def test_clear_shows_both_prices_when_mcafee_keeps_a_surplus(run: Run, file: Any) -> None:
    rows = [f"B{p},b{p},bid,{KWH},{p}0000000,1" for p in (30, 25, 21)]
    rows += [f"S{p},s{p},offer,{KWH},{p}0000000,1" for p in (10, 14, 20)]
    path = file("\n".join([HEADER, *rows]))
    result = json.loads(run("market", "clear", path, "--mechanism", "mcafee", "--json")[1])
    prices = {(t["price_gwei_per_kwh"], t["sell_gwei_per_kwh"]) for t in result["trades"]}
    assert prices == {(210_000_000, 200_000_000)}
    assert result["surplus_gwei"] == "20000000"  # 2 kWh x .01


def test_clear_refuses_mcafee_when_quantities_differ(run: Run, file: Any) -> None:
    code, out, err = run("market", "clear", file(GOOD), "--mechanism", "mcafee")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "mcafee needs equal quantities: order S1" in err


def test_clear_exits_0_without_trades_when_book_has_one_side(run: Run, file: Any) -> None:
    code, out, _ = run("market", "clear", file("\n".join(GOOD.split("\n")[:2])), "--json")
    result = json.loads(out)
    assert code == 0
    assert (result["trades"], result["price_gwei_per_kwh"]) == ([], None)
    assert result["welfare_gwei"] == "0"


def test_clear_says_so_when_one_peer_needs_two_prices(run: Run, file: Any) -> None:
    rows = "B1,a,bid,9,30000,1\nB2,b,bid,9,10000,1\nS1,a,offer,9,5000,1\nS2,c,offer,9,20000,1\n"
    code, out, err = run("market", "clear", file(f"{HEADER}\n{rows}"), "--json")
    result = json.loads(out)
    assert (code, result["price_gwei_per_kwh"], result["price_exact"]) == (0, None, None)
    assert [trade["price_gwei_per_kwh"] for trade in result["trades"]] == [25_000, 7_500]
    assert "what it buys and sells is priced apart" in err


def test_clear_prints_a_table_when_json_is_not_asked(run: Run, file: Any) -> None:
    code, out, _ = run("market", "clear", file(reference_csv().replace("B1", "[red]B1")))
    assert code == 0
    assert "[red]B1" in out
    assert "195,000,000" in out


def test_clear_accepts_a_byte_order_mark_when_a_spreadsheet_wrote_it(run: Run, file: Any) -> None:
    columns = "placed_at_ms,side,order_id,peer,price_gwei_per_kwh,energy_uwh"  # any order
    text = f"\ufeff{columns}\r\n1,bid,B1,a,280000000,4000000000\r\n"
    code, out, err = run("market", "clear", file(text), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["unmatched"] == [{"order_id": "B1", "energy_uwh": 4 * KWH}]


@pytest.mark.parametrize("mechanism", ["uniform", "pay-as-bid", "midpoint"])
def test_clear_counts_on_when_energies_exceed_64_bits(mechanism: str) -> None:
    # 5000 bids and 5000 offers of 1 GWh are 10^19 uWh, more than 2^63; each pair gains 3.
    count = 5_000
    columns = OrderColumns(
        [f"{side}{n}" for side in "BS" for n in range(count)],
        [f"{side}{n}" for side in "BS" for n in range(count)],
        ["bid"] * count + ["offer"] * count,
        [10**15] * 2 * count,
        [10] * count + [7] * count,
        [0] * 2 * count,
    )
    result = clear_book(columns, ClearingTerms(mechanism))
    assert result["welfare_gwei"] == gwei_text(count * 10**15 * 3)
    assert len(result["trades"]) == count


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty; the first row must be order_id,peer"),
        (GOOD.replace("side,", "sides,"), "row 1, field side: the column is missing; 'sides'"),
        (GOOD.replace("peer,", "side,"), "row 1, field peer: the column is missing"),
        (GOOD.replace("peer,side", "side,side"), "row 1, field peer: the column is missing"),
        (GOOD.replace(",bid,", ",buy,"), "row 2, field side: 'buy' is not bid or offer"),
        (GOOD.replace("B1", ""), "row 2, field order_id: '' is empty"),
        (GOOD.replace("b,offer", " ,offer"), "row 3, field peer: '' is empty"),
        (GOOD.replace("S1", "B1"), "row 3, field order_id: 'B1' is in row 2 too"),
        (GOOD.replace("4000000000", "0"), "row 2, field energy_uwh: '0' must be more than zero"),
        (GOOD.replace("4000000000", "-1"), "row 2, field energy_uwh: '-1' must be more than"),
        (GOOD.replace("4000000000", "4.5"), "row 2, field energy_uwh: '4.5' is not a whole"),
        (GOOD.replace("4000000000", "nan"), "row 2, field energy_uwh: 'nan' is not a whole"),
        (GOOD.replace("4000000000", "1e9"), "row 2, field energy_uwh: '1e9' is not a whole"),
        (GOOD.replace("4000000000", "1_0"), "row 2, field energy_uwh: '1_0' is not a whole"),
        (GOOD.replace("4000000000", "٤"), "row 2, field energy_uwh: '٤' is not a whole"),
        (GOOD.replace("4000000000", "9" * 5000), "is absurdly large: at most 1000000000000000"),
        (GOOD.replace("280000000", "-5"), "field price_gwei_per_kwh: '-5' must not be negative"),
        (GOOD.replace("280000000", ".28"), "field price_gwei_per_kwh: '.28' is not a whole"),
        (GOOD.replace("280000000", "9" * 14), "field price_gwei_per_kwh: '99999999999999' is abs"),
        (GOOD.replace(",2\n", ",\n"), "row 3, field placed_at_ms: '' is not a whole number of ms"),
        (GOOD.replace(",2\n", "\n"), "row 3: 5 fields instead of 6"),
        (GOOD.replace("B1", '"B1'), "not CSV: unexpected end of data"),
        (GOOD.encode("utf-16"), "not text in UTF-8"),
        (GOOD.encode() + b"\x00,\xff", "not text in UTF-8"),
    ],
)
def test_clear_exits_2_with_one_line_when_input_is_bad(
    run: Run, file: Any, content: str | bytes, words: str
) -> None:
    path = file(content)
    code, out, err = run("market", "clear", path, "--json")
    assert (code, out) == (2, "")
    assert err.startswith(f"trueque: {path}")
    assert err.count("\n") == 1
    assert words in err


def test_clear_names_the_column_when_it_is_there_twice(run: Run, file: Any) -> None:
    _, _, err = run("market", "clear", file(GOOD.replace("placed_at_ms", "placed_at_ms,peer")))
    assert "row 1, field peer: the column is there twice" in err


def test_clear_exits_2_when_the_file_is_missing(run: Run, tmp_path: Path) -> None:
    code, _, err = run("market", "clear", str(tmp_path / "none.csv"))
    assert code == 2
    assert err == f"trueque: {tmp_path / 'none.csv'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mechanism", "vickrey"], "--mechanism: 'vickrey' is not one of uniform"),
        (["--k", "2"], "k must be between 0 and 1"),
        (["--k", "1/0"], "--k: '1/0' divides by zero"),
        (["--k", "half"], "--k: 'half' is not a fraction"),
        (["--fee", "1.5"], "--fee: '1.5' is not a whole number of gwei/kWh"),
        (["--fee", "1"], "a fee is of bilateral trades only"),
        (["--mechanism", "midpoint", "--k", "1"], "k and ties are of the uniform price only"),
    ],
)
def test_clear_exits_2_with_one_line_when_an_option_is_bad(
    run: Run, file: Any, options: list[str], words: str
) -> None:
    code, out, err = run("market", "clear", file(GOOD), *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_clear_warns_of_units_when_magnitudes_are_those_of_kwh(run: Run, file: Any) -> None:
    text = f"{HEADER},note\nB1,a,bid,4,1,1,x\nS1,b,offer,3,1,2,y\n"
    code, out, err = run("market", "clear", file(text), "--json")
    assert code == 0
    assert len(json.loads(out)["trades"]) == 1
    assert "field energy_uwh: no value exceeds 4; are these kWh or Wh?" in err
    assert "field price_gwei_per_kwh: no value exceeds 1; are these ETH?" in err
    assert "row 1: columns not used: note" in err


POSITIONS = "peer,net_uwh\nsun,6000000000\nshade,-10000000000\n"
TARIFF = ["--retail", "300000000", "--feed-in", "100000000"]


@pytest.mark.parametrize(
    ("mechanism", "buy", "buy_exact", "sell", "sell_exact"),
    [
        ("mid-market-rate", 240_000_000, "240000000", 200_000_000, "200000000"),
        ("supply-demand-ratio", 201_818_182, "2220000000/11", 136_363_636, "1500000000/11"),
        ("bill-sharing", 120_000_000, "120000000", 0, "0"),
    ],
)
def test_price_prints_the_table_of_facts_when_energy_is_short(
    run: Run, file: Any, mechanism: str, buy: int, buy_exact: str, sell: int, sell_exact: str
) -> None:
    words = ["market", "price", file(POSITIONS), "--mechanism", mechanism, *TARIFF, "--json"]
    code, out, err = run(*words)
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["buy_gwei_per_kwh"], result["buy_exact"]) == (buy, buy_exact)
    assert (result["sell_gwei_per_kwh"], result["sell_exact"]) == (sell, sell_exact)
    costs = {one["peer"]: Decimal(one["cost_gwei"]) for one in result["peers"]}
    assert costs == {"sun": -6 * sell, "shade": 10 * buy}
    grid = result["grid"]
    assert sum(costs.values()) + Decimal(grid["cost_gwei"]) == 0
    # 4 kWh at retail are the community's bill; rounding leaves the rest.
    assert sum(costs.values()) - 4 * 300_000_000 == Decimal(grid["residual_gwei"])


def test_price_compensates_sellers_when_asked(run: Run, file: Any) -> None:
    words = ["--mechanism", "supply-demand-ratio", "--compensation", "20000000", "--json"]
    result = json.loads(run("market", "price", file(POSITIONS), *TARIFF, *words)[1])
    assert result["sell_exact"] == "3000000000/19"


def test_price_prints_a_table_when_json_is_not_asked(run: Run, file: Any) -> None:
    code, out, _ = run("market", "price", file(POSITIONS), *TARIFF)
    assert code == 0
    assert "240,000,000" in out
    assert "shade" in out


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (POSITIONS, ["--retail", "1", "--feed-in", "1"], "--feed-in: the feed-in tariff (1 gwei"),
        (POSITIONS, ["--retail", "x", "--feed-in", "1"], "--retail: 'x' is not a whole number"),
        (POSITIONS, ["--retail", "2", "--feed-in", "-1"], "--feed-in: '-1' is not a whole number"),
        (POSITIONS, [*TARIFF, "--mechanism", "x"], "--mechanism: 'x' is not one of mid-market"),
        (POSITIONS, [*TARIFF, "--grid-account", "sun"], "'sun' is the grid account's name"),
        (POSITIONS, [*TARIFF, "--compensation", "1"], "only supply-demand-ratio knows it"),
        (POSITIONS.replace("shade", "sun"), TARIFF, "row 3, field peer: 'sun' is in row 2 too"),
        (POSITIONS.replace("net_", "gross_"), TARIFF, "field net_uwh: the column is missing"),
        (POSITIONS.replace("-10", "inf"), TARIFF, "row 3, field net_uwh: 'inf000000000' is not"),
        (POSITIONS.replace("-10", "-9999999"), TARIFF, "is absurdly large"),
    ],
)
def test_price_exits_2_with_one_line_when_input_is_bad(
    run: Run, file: Any, content: str, options: list[str], words: str
) -> None:
    code, out, err = run("market", "price", file(content), *options, "--json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_bench_prints_rows_beside_a_sort_when_books_are_small(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "SIZES", {"2k": 2_000})
    monkeypatch.setattr(bench, "COMMAND_ORDERS", 2_000)
    code, out, _ = run("bench", "clearing", "--json")
    result = json.loads(out)
    assert (code, result["command"]) == (0, "bench clearing")
    names = [row["name"] for row in result["rows"]]
    assert names == ["uniform_2k", "pay_as_bid_2k", "midpoint_2k", "command_100k"]
    for row in result["rows"][:3]:
        assert row["unit"] == "s"
        assert row["value"] > 0
        assert row["ratio"] == pytest.approx(row["value"] / row["baseline"], rel=0.1)
