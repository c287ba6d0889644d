"""A book or net positions in, what `trueque market` prints as JSON out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hub.market.amounts import gwei_text
from hub.market.arrays import MECHANISMS as ON_ARRAYS
from hub.market.arrays import MOST_ENERGY_UWH, BookArrays, clear_arrays
from hub.market.bilateral import clear_bilateral
from hub.market.clearing import CLEAR, check_k, clear_pro_rata, clear_uniform
from hub.market.community import PRICE, Tariff, supply_demand_ratio
from hub.market.preferences import clear_preferred
from hub.market.records import HALF, Clearing, MarketRefusal, Order, Trade
from hub.market.sharing import balance_of, settle_at
from tools.market_files import OrderColumns
from tools.market_wishes import WishedBook

PREFERRED = "preferred"  # its orders have preferences of their own (market_wishes)
MECHANISMS = (*CLEAR, PREFERRED)


@dataclass(frozen=True)
class ClearingTerms:
    """How to clear. Raises MarketRefusal when a term is not one of its mechanism."""

    mechanism: str
    k: Fraction = HALF
    ties: str = "first-come"
    fee_gwei_per_kwh: int = 0

    def __post_init__(self) -> None:
        check_k(self.k)
        if self.mechanism != "uniform" and (self.k != HALF or self.ties != "first-come"):
            raise MarketRefusal("k and ties are of the uniform price only")
        if self.mechanism != "bilateral" and self.fee_gwei_per_kwh:
            raise MarketRefusal("a fee is of bilateral trades only")


def clear_book(book: OrderColumns, terms: ClearingTerms) -> dict[str, Any]:
    """Clear a book; large ones and small ones give the same result."""
    is_on_arrays = terms.mechanism in ON_ARRAYS and terms.ties == "first-come"
    if is_on_arrays and sum(book.energy_uwh) < MOST_ENERGY_UWH:
        return _clear_on_arrays(book, terms)
    orders = [Order(*row) for row in zip(*_columns(book), strict=True)]
    return _clearing_result(_clear_records(orders, terms))


def clear_wished(book: WishedBook) -> dict[str, Any]:
    """Clear a book whose orders have preferences. Raises MarketRefusal."""
    return _clearing_result(clear_preferred(book.orders, book.rules))


def price_positions(
    net_uwh: dict[str, int], tariff: Tariff, mechanism: str, compensation: int, grid_account: str
) -> dict[str, Any]:
    """Price and settle one slot of a community. Raises MarketRefusal."""
    balance = balance_of(net_uwh)
    if compensation:
        prices = supply_demand_ratio(balance, tariff, compensation)
    else:
        prices = PRICE[mechanism](balance, tariff)
    settled = settle_at(net_uwh, prices, tariff, grid_account)
    return {
        "mechanism": mechanism,
        "buy_gwei_per_kwh": prices.buy_gwei_per_kwh,
        "buy_exact": str(prices.buy_exact),
        "sell_gwei_per_kwh": prices.sell_gwei_per_kwh,
        "sell_exact": str(prices.sell_exact),
        "surplus_uwh": balance.surplus_uwh,
        "deficit_uwh": balance.deficit_uwh,
        "peers": [
            {"peer": peer, "net_uwh": net_uwh[peer], "cost_gwei": gwei_text(cost_wei)}
            for peer, cost_wei in settled.cost_wei.items()
        ],
        "grid": {
            "account": grid_account,
            "net_uwh": balance.deficit_uwh - balance.surplus_uwh,
            "cost_gwei": gwei_text(settled.grid_cost_wei),
            "residual_gwei": gwei_text(settled.residual_wei),
        },
    }


def _columns(book: OrderColumns) -> tuple[Sequence[Any], ...]:
    amounts = (book.energy_uwh, book.price_gwei_per_kwh, book.placed_at_ms)
    return (book.order_id, book.peer, book.side, *amounts)


def _clear_records(orders: list[Order], terms: ClearingTerms) -> Clearing:
    special: dict[str, Callable[[], Clearing]] = {
        "uniform": lambda: clear_uniform(orders, terms.k),
        "bilateral": lambda: clear_bilateral(orders, terms.fee_gwei_per_kwh),
    }
    if terms.ties == "pro-rata":
        return clear_pro_rata(orders, terms.k)
    return special.get(terms.mechanism, lambda: CLEAR[terms.mechanism](orders))()


def _clearing_result(clearing: Clearing) -> dict[str, Any]:
    has_two_prices = clearing.mechanism in ("mcafee", "bilateral", PREFERRED)
    exact = clearing.price_exact
    result = {
        "mechanism": clearing.mechanism,
        "price_gwei_per_kwh": None if exact is None else exact.numerator // exact.denominator,
        "price_exact": None if exact is None else str(exact),
        "trades": [_trade_result(trade, has_two_prices) for trade in clearing.trades],
        "unmatched": [
            {"order_id": rest.order_id, "energy_uwh": rest.energy_uwh}
            for rest in clearing.unmatched
        ],
        "welfare_gwei": gwei_text(clearing.welfare_wei),
    }
    if has_two_prices:
        result["surplus_gwei"] = gwei_text(clearing.surplus_wei)
    return result


def _trade_result(trade: Trade, has_two_prices: bool) -> dict[str, Any]:
    result = {
        "bid": trade.bid,
        "offer": trade.offer,
        "energy_uwh": trade.energy_uwh,
        "price_gwei_per_kwh": trade.buy_gwei_per_kwh,
        "price_exact": str(trade.buy_exact),
    }
    if has_two_prices:
        result["sell_gwei_per_kwh"] = trade.sell_gwei_per_kwh
    return result


def _clear_on_arrays(book: OrderColumns, terms: ClearingTerms) -> dict[str, Any]:
    cleared = clear_arrays(_book_arrays(book), terms.mechanism, terms.k)
    ids = book.order_id
    exact = cleared.price_exact
    numerators = cleared.price_numerator.tolist()
    texts = {one: str(Fraction(one, cleared.price_denominator)) for one in set(numerators)}
    unmatched_uwh = cleared.unmatched_uwh.tolist()
    columns = (
        cleared.bid.tolist(),
        cleared.offer.tolist(),
        cleared.energy_uwh.tolist(),
        cleared.price_gwei_per_kwh.tolist(),
        numerators,
    )
    return {
        "mechanism": cleared.mechanism,
        "price_gwei_per_kwh": None if exact is None else exact.numerator // exact.denominator,
        "price_exact": None if exact is None else str(exact),
        "trades": [
            {
                "bid": ids[bid],
                "offer": ids[offer],
                "energy_uwh": energy_uwh,
                "price_gwei_per_kwh": price,
                "price_exact": texts[numerator],
            }
            for bid, offer, energy_uwh, price, numerator in zip(*columns, strict=True)
        ],
        "unmatched": [
            {"order_id": ids[at], "energy_uwh": unmatched_uwh[at]}
            for at in np.flatnonzero(cleared.unmatched_uwh).tolist()
        ],
        "welfare_gwei": gwei_text(cleared.welfare_wei),
    }


def _book_arrays(book: OrderColumns) -> BookArrays:
    code: dict[str, int] = {}
    peer = [code.setdefault(name, len(code)) for name in book.peer]
    # By `merit.id_key` in two stable sorts, which is faster: by text, then the shorter before.
    by_id = sorted(range(len(peer)), key=book.order_id.__getitem__)
    by_id.sort(key=list(map(len, book.order_id)).__getitem__)
    id_rank = np.empty(len(peer), dtype=np.int64)
    id_rank[by_id] = np.arange(len(peer))
    return BookArrays(
        np.array([side == "bid" for side in book.side], dtype=bool),
        np.array(peer, dtype=np.int64),
        np.array(book.energy_uwh, dtype=np.int64),
        np.array(book.price_gwei_per_kwh, dtype=np.int64),
        np.array(book.placed_at_ms, dtype=np.int64),
        id_rank,
    )
