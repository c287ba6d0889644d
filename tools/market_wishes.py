"""The optional columns of an order book in, what its orders prefer and its community's rules out.

Lists in a cell are divided by semicolons; an empty cell asks nothing. A peer is in one community
and at one place, whatever its orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hub.errors import BadInput
from hub.market.network import DistanceCharge
from hub.market.preferences import Rules
from hub.market.records import BID, OFFER, MarketRefusal, Order, Preference
from tools.market_files import OrderColumns, read_orders_with

OF_BIDS = ("shares_permille", "origins", "priority")
OF_OFFERS = ("origin",)
PLACE = ("x_m", "y_m")
COLUMNS = ("partners", *OF_BIDS, *OF_OFFERS, "community", *PLACE)
HIGHEST_CLASS = 255
FARTHEST_M = 10**7

Value = TypeVar("Value")


@dataclass(frozen=True)
class WishedBook:
    """An order book whose orders have preferences, and what its community has agreed."""

    orders: list[Order]
    rules: Rules


@dataclass(frozen=True)
class _Row:
    """One order's optional cells; the empty ones are left out."""

    path: Path
    number: int
    side: str
    cells: dict[str, str]

    def refusal(self, field: str, problem: str) -> BadInput:
        text = self.cells.get(field, "")
        shown = text if len(text) <= 40 else text[:40] + "..."
        return BadInput(f"{self.path}, row {self.number}, field {field}: {shown!r} {problem}")

    def names(self, field: str) -> list[str]:
        """Return the names of a list, each once; none where the cell is empty."""
        found = [one.strip() for one in self.cells.get(field, "").split(";")]
        found = [one for one in found if one]
        twice = next((one for one in found if found.count(one) > 1), None)
        if twice is not None:
            raise self.refusal(field, f"names {twice} twice")
        return found

    def integer(self, field: str, low: int, high: int) -> int | None:
        """Return a whole number, None where the cell is empty."""
        text = self.cells.get(field)
        if text is None:
            return None
        digits = text[1:] if text[:1] == "-" else text
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
            raise self.refusal(field, "is not a whole number")
        if not low <= int(text) <= high:
            raise self.refusal(field, f"is not between {low} and {high}")
        return int(text)


def read_wished_orders(
    path: Path, charge_gwei_per_kwh_km: int, warn: Callable[[str], None]
) -> WishedBook:
    """Read an order book with preferences. Raises BadInput naming file, row and field."""
    book, numbers, columns = read_orders_with(path, COLUMNS, warn)
    rows = [
        _Row(path, number, book.side[at], {f: c[at] for f, c in columns.items() if c[at]})
        for at, number in enumerate(numbers)
    ]
    if charge_gwei_per_kwh_km:
        missing = [name for name in PLACE if name not in columns]
        if missing:
            raise BadInput(f"{path}, row 1, field {missing[0]}: --distance-charge needs the column")
    elif any(name in columns for name in PLACE):
        warn(f"{path}, row 1: x_m and y_m count with --distance-charge only")
    preferences = [_preference(row) for row in rows]
    orders = [
        Order(*values, wishes) for values, wishes in zip(_values(book), preferences, strict=True)
    ]
    _warn_of_idle(rows, warn)
    _warn_of_strangers(rows, preferences, set(book.peer), warn)
    return WishedBook(orders, _rules(rows, book.peer, charge_gwei_per_kwh_km))


def _values(book: OrderColumns) -> Sequence[tuple[str, str, str, int, int, int]]:
    amounts = (book.energy_uwh, book.price_gwei_per_kwh, book.placed_at_ms)
    return list(zip(book.order_id, book.peer, book.side, *amounts, strict=True))


def _preference(row: _Row) -> Preference:
    """Return what an order asks; cells of the other side ask nothing."""
    is_bid = row.side == BID
    partners, origins = row.names("partners"), row.names("origins")
    try:
        return Preference(
            partners=frozenset(partners) if partners else None,
            shares_permille=_shares(row) if is_bid else (),
            origins=frozenset(origins) if origins and is_bid else None,
            origin="" if is_bid else row.cells.get("origin", ""),
            priority=(row.integer("priority", 0, HIGHEST_CLASS) or 0) if is_bid else 0,
        )
    except MarketRefusal as refusal:
        raise row.refusal("shares_permille", f"is refused: {refusal}") from None


def _shares(row: _Row) -> tuple[tuple[str, int], ...]:
    """Return producers and shares of a cell such as "amina:600;clara:250"."""
    found = []
    for part in row.names("shares_permille"):
        peer, colon, share = part.rpartition(":")
        if not colon or not peer.strip() or not share.strip().isdecimal() or len(share) > 5:
            raise row.refusal(
                "shares_permille", "is not like amina:600;clara:250 (producer:share in permille)"
            )
        found.append((peer.strip(), int(share)))
    return tuple(found)


def _warn_of_idle(rows: list[_Row], warn: Callable[[str], None]) -> None:
    """Warn where a cell is of the other side, once a column."""
    for fields, side in ((OF_BIDS, BID), (OF_OFFERS, OFFER)):
        for field in fields:
            idle = [row.number for row in rows if field in row.cells and row.side != side]
            if idle:
                warn(
                    f"{rows[0].path}, row {idle[0]}, field {field}: is of {side}s, and "
                    f"asks nothing of other orders ({len(idle)} such rows)"
                )


def _warn_of_strangers(
    rows: list[_Row],
    preferences: list[Preference],
    peers: set[str],
    warn: Callable[[str], None],
) -> None:
    """Warn of the first partner or producer that has no order: it may be a slip of the pen."""
    for row, wishes in zip(rows, preferences, strict=True):
        partners = sorted(wishes.partners or ())
        producers = [one for one, _ in wishes.shares_permille if isinstance(one, str)]
        for field, names in (("partners", partners), ("shares_permille", producers)):
            for name in names:
                if name not in peers:
                    warn(
                        f"{row.path}, row {row.number}, field {field}: {name} has no order in this "
                        "book"
                    )
                    return


def _rules(rows: list[_Row], peers: list[str], charge_gwei_per_kwh_km: int) -> Rules:
    community_of = _of_peers(rows, peers, lambda row: row.cells.get("community"), "community")
    if not charge_gwei_per_kwh_km:
        return Rules(community_of=community_of)
    place_m = _of_peers(rows, peers, _place, PLACE[0])
    for row, peer in zip(rows, peers, strict=True):
        if peer not in place_m:
            raise row.refusal(
                PLACE[0], f"is empty: --distance-charge needs to know where {peer} is"
            )
    return Rules(DistanceCharge(place_m, charge_gwei_per_kwh_km), community_of)


def _place(row: _Row) -> tuple[int, int] | None:
    x_m, y_m = (row.integer(name, -FARTHEST_M, FARTHEST_M) for name in PLACE)
    if x_m is None and y_m is None:
        return None
    if x_m is None or y_m is None:
        empty = PLACE[0] if x_m is None else PLACE[1]
        raise row.refusal(empty, "is empty, and a place has both x_m and y_m")
    return x_m, y_m


def _of_peers(
    rows: list[_Row], peers: list[str], value_of: Callable[[_Row], Value | None], field: str
) -> dict[str, Value]:
    """Return what each peer's orders say of it; orders that say nothing leave it as it is."""
    found: dict[str, Value] = {}
    said_in: dict[str, int] = {}
    for row, peer in zip(rows, peers, strict=True):
        value = value_of(row)
        if value is None:
            continue
        if found.setdefault(peer, value) != value:
            raise row.refusal(field, f"is not what row {said_in[peer]} says of {peer}")
        said_in.setdefault(peer, row.number)
    return found
