"""A window's rows in the store enter, the fills that its contract will accept leave. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hub.chain.records import MCAFEE, MIDPOINT, PAY_AS_BID, UNIFORM
from hub.config_tables import Market
from hub.coordinator.kinds import NO_PRICE_RULE
from hub.market import frozen_book
from hub.market.community import Tariff
from hub.market.frozen_book import BookRules, FrozenClearing
from hub.market.records import BID, OFFER, Order, Preference
from hub.store import OrderRow, WindowRow

MECHANISMS = {
    UNIFORM: frozen_book.UNIFORM,
    PAY_AS_BID: frozen_book.PAY_AS_BID,
    MIDPOINT: frozen_book.MIDPOINT,
    MCAFEE: frozen_book.MCAFEE,
}


def rules_of(window: WindowRow, market: Market) -> BookRules:
    """Return how a window's book is to be cleared."""
    is_community = window.k_permille == NO_PRICE_RULE
    return BookRules(
        mechanism=MECHANISMS[window.mechanism],
        least_uwh=window.min_energy_uwh,
        capacity_uwh=window.capacity_uwh,
        k_permille=window.k_permille,
        is_strict=window.is_strict,
        community=market.community_price if is_community else None,
        tariff=Tariff(market.retail_gwei_per_kwh, market.feed_in_gwei_per_kwh)
        if is_community
        else None,
    )


def orders_of(
    window: WindowRow,
    rows: Iterable[OrderRow],
    accepted: Mapping[str, frozenset[str]],
    may_trade: Collection[str],
) -> list[Order]:
    """Return what of a book can be filled, of the peers (addresses) that may trade in it."""
    return [
        Order(
            row.order_id,
            row.peer,
            OFFER if row.is_offer else BID,
            row.remaining_uwh,
            row.price_gwei_per_kwh,
            row.placed_at_ms,
            Preference(
                partners=accepted.get(row.peer, frozenset()) if row.only_accepted else None,
                priority=row.priority,
            ),
        )
        for row in rows
        if row.remaining_uwh >= window.min_energy_uwh
        and (row.is_approved or not window.needs_approval)
        and row.peer in may_trade
    ]


def clear(window: WindowRow, orders: list[Order], market: Market) -> FrozenClearing:
    """Clear a window's book."""
    return frozen_book.clear_frozen(orders, rules_of(window, market))
