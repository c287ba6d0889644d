"""CSV files of orders and of net positions in, checked columns out; what is wrong is named."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hub.errors import BadInput
from hub.market.records import BID, OFFER

ORDER_COLUMNS = ("order_id", "peer", "side", "energy_uwh", "price_gwei_per_kwh", "placed_at_ms")
POSITION_COLUMNS = ("peer", "net_uwh")
MOST_ENERGY_UWH = 10**15  # 1 GWh in one order is a slip, not a house
HIGHEST_PRICE = 10**12  # gwei/kWh: 1000 ETH for a kWh
LATEST_MS = 2**53
LONGEST_SHOWN = 40
# Smaller than that in a whole column, and somebody wrote kWh, Wh or ETH.
TINY_ENERGY_UWH = 10_000
TINY_PRICE = 1_000


@dataclass(frozen=True)
class OrderColumns:
    """An order book, one list an attribute, in the order of the file."""

    order_id: list[str]
    peer: list[str]
    side: list[str]
    energy_uwh: list[int]
    price_gwei_per_kwh: list[int]
    placed_at_ms: list[int]


@dataclass(frozen=True)
class _Cell:
    """Where a value stands, for the sentence that refuses it."""

    path: Path
    row: int
    field: str
    text: str

    def refusal(self, problem: str) -> BadInput:
        shown = self.text if len(self.text) <= LONGEST_SHOWN else self.text[:LONGEST_SHOWN] + "..."
        return BadInput(f"{self.path}, row {self.row}, field {self.field}: {shown!r} {problem}")


def read_orders(path: Path, warn: Callable[[str], None]) -> OrderColumns:
    """Read an order book. Raises BadInput with one sentence that names file, row and field."""
    return read_orders_with(path, (), warn)[0]


def read_orders_with(
    path: Path, wishes: Sequence[str], warn: Callable[[str], None]
) -> tuple[OrderColumns, list[int], dict[str, list[str]]]:
    """Read an order book, its rows' numbers, and as text those columns of `wishes` that it has."""
    rows, columns, found = _read(path, ORDER_COLUMNS, warn, wishes)
    return _order_columns(path, rows, columns, warn), rows, found


def _order_columns(
    path: Path, rows: list[int], columns: list[list[str]], warn: Callable[[str], None]
) -> OrderColumns:
    book = OrderColumns(
        _unique(path, "order_id", rows, columns[0]),
        _filled(path, "peer", rows, columns[1]),
        _sides(path, rows, columns[2]),
        _integers(path, "energy_uwh", rows, columns[3], (1, MOST_ENERGY_UWH)),
        _integers(path, "price_gwei_per_kwh", rows, columns[4], (0, HIGHEST_PRICE)),
        _integers(path, "placed_at_ms", rows, columns[5], (0, LATEST_MS)),
    )
    _warn_of_tiny(path, "energy_uwh", book.energy_uwh, (TINY_ENERGY_UWH, "kWh or Wh"), warn)
    _warn_of_tiny(path, "price_gwei_per_kwh", book.price_gwei_per_kwh, (TINY_PRICE, "ETH"), warn)
    return book


def read_positions(path: Path, warn: Callable[[str], None]) -> dict[str, int]:
    """Read net positions, positive for a surplus. Raises BadInput like `read_orders`."""
    rows, columns, _ = _read(path, POSITION_COLUMNS, warn)
    limits = (-MOST_ENERGY_UWH, MOST_ENERGY_UWH)
    peers = _unique(path, "peer", rows, columns[0])
    net_uwh = _integers(path, "net_uwh", rows, columns[1], limits)
    _warn_of_tiny(path, "net_uwh", net_uwh, (TINY_ENERGY_UWH, "kWh or Wh"), warn)
    return dict(zip(peers, net_uwh, strict=True))


Columns: TypeAlias = tuple[list[int], list[list[str]], dict[str, list[str]]]


def _read(
    path: Path, names: Sequence[str], warn: Callable[[str], None], optional: Sequence[str] = ()
) -> Columns:
    """Return row numbers (the header is row 1) and as text the named columns, and those of the
    optional ones that are there."""
    try:
        # Spreadsheets put a byte order mark before UTF-8; it says nothing.
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read_columns(path, (names, optional), csv.reader(file, strict=True), warn)
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise BadInput(f"{path}: not text in UTF-8 (byte {problem.start})") from problem
    except csv.Error as problem:
        raise BadInput(f"{path}: not CSV: {problem}") from problem


def _read_columns(
    path: Path,
    wanted: tuple[Sequence[str], Sequence[str]],
    lines: Iterator[list[str]],
    warn: Callable[[str], None],
) -> Columns:
    names, optional = wanted
    header = [name.strip() for name in next(lines, [])]
    if not header:
        raise BadInput(f"{path}: empty; the first row must be {','.join(names)}")
    places = _places(path, names, header)
    extra = {name: header.index(name) for name in optional if name in header}
    _check_others(path, (*names, *optional), header, warn)
    rows = list(lines)
    numbers = [number for number, row in enumerate(rows, start=2) if row]
    rows = [row for row in rows if row]
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != len(header):
            raise BadInput(f"{path}, row {number}: {len(row)} fields instead of {len(header)}")
    columns = list(zip(*rows, strict=True)) or [()] * len(header)

    def stripped(place: int) -> list[str]:
        return list(map(str.strip, columns[place]))

    found = {name: stripped(place) for name, place in extra.items()}
    return numbers, [stripped(place) for place in places], found


def _places(path: Path, names: Sequence[str], header: list[str]) -> list[int]:
    """Return where each column stands in a row."""
    for name in names:
        if name not in header:
            near = difflib.get_close_matches(name, header, n=1)
            hint = f"; {near[0][:LONGEST_SHOWN]!r} looks like it" if near else ""
            raise BadInput(f"{path}, row 1, field {name}: the column is missing{hint}")
    return [header.index(name) for name in names]


def _check_others(
    path: Path, known: Sequence[str], header: list[str], warn: Callable[[str], None]
) -> None:
    """Refuse a known column that is there twice, and name those that are not known."""
    for name in known:
        if header.count(name) > 1:
            raise BadInput(f"{path}, row 1, field {name}: the column is there twice")
    unknown = [name for name in header if name not in known]
    if unknown:
        warn(f"{path}, row 1: columns not used: {', '.join(unknown)[:80]}")


def _filled(path: Path, field: str, rows: list[int], texts: list[str]) -> list[str]:
    for row, text in zip(rows, texts, strict=True):
        if not text:
            raise _Cell(path, row, field, text).refusal("is empty")
    return texts


def _unique(path: Path, field: str, rows: list[int], texts: list[str]) -> list[str]:
    _filled(path, field, rows, texts)
    if len(set(texts)) < len(texts):
        first: dict[str, int] = {}
        for row, text in zip(rows, texts, strict=True):
            if text in first:
                raise _Cell(path, row, field, text).refusal(f"is in row {first[text]} too")
            first[text] = row
    return texts


def _sides(path: Path, rows: list[int], texts: list[str]) -> list[str]:
    for row, text in zip(rows, texts, strict=True):
        if text not in (BID, OFFER):
            raise _Cell(path, row, "side", text).refusal("is not bid or offer")
    return texts


def _integers(
    path: Path, field: str, rows: list[int], texts: list[str], limits: tuple[int, int]
) -> list[int]:
    low, high = limits
    if _are_plain(texts):
        values = list(map(int, texts))
        if low <= min(values) and max(values) <= high:
            return values
    values = []
    for row, text in zip(rows, texts, strict=True):
        digits = text[1:] if text[:1] == "-" else text
        # isdecimal alone would take digits of other scripts; int would take 1_000.
        if not (digits.isascii() and digits.isdecimal()):
            raise _Cell(path, row, field, text).refusal(f"is not a whole number{_unit(field)}")
        # Python refuses to read thousands of digits; such a number is absurd anyway.
        value = int(text) if len(digits) <= LONGEST_SHOWN else high + 1
        if not low <= value <= high:
            raise _Cell(path, row, field, text).refusal(_out_of_range(value, low, high))
        values.append(value)
    return values


def _are_plain(texts: list[str]) -> bool:
    """Tell whether all are digits and short: then a column needs no look at each cell."""
    joined = "".join(texts)
    is_full = all(texts) and max(map(len, texts), default=0) <= LONGEST_SHOWN
    return is_full and joined.isascii() and joined.isdecimal()


def _unit(field: str) -> str:
    if field.endswith("_uwh"):
        return " of uWh (1 kWh is 1000000000)"
    return " of gwei/kWh (1 ETH is 1000000000)" if field.startswith("price") else " of ms"


def _out_of_range(value: int, low: int, high: int) -> str:
    if value > high or low < -1:
        return f"is absurdly large: at most {high}"
    return "must be more than zero" if low == 1 else "must not be negative"


def _warn_of_tiny(
    path: Path, field: str, values: list[int], tiny: tuple[int, str], warn: Callable[[str], None]
) -> None:
    """Warn when every value of a column is so small that its unit must be another."""
    below, unit = tiny
    largest = max(map(abs, values), default=0)
    if 0 < largest < below:
        warn(f"{path}, field {field}: no value exceeds {largest}; are these {unit}?")
