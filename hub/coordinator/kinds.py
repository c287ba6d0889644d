"""The kind of market a site has enters, the windows of one delivery leave, each with its terms.

A kind is a sequence of stages that end in one delivery. Most have one stage; where books are
cleared on several bus segments, each has its own. In a hybrid market each community clears a book
of its own first; what is left then trades between communities.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hub.chain.records import (
    BILATERAL,
    MCAFEE,
    MIDPOINT,
    NO_ADDRESS,
    PAY_AS_BID,
    UNIFORM,
    WindowTerms,
)
from hub.config import SiteConfig
from hub.config_tables import House
from hub.coordinator.groups import groups, has_book_per_segment

TURN_PAUSE_MS = 5_000  # between the turns of one segment: relays, currents at zero
MS_PER_HOUR = 3_600_000
# How long the coordinator has to clear a book, beside the delivery it may cut short.
LEAST_CLEARING_MS, MOST_CLEARING_MS = 6_000, 60_000
CLEARING_SHARE = 4  # of the delivery window
NO_PRICE_RULE = 1001  # as k: the coordinator publishes the price

# Stages: who trades in a window, and with whom.
EVERYONE, INSIDE, BETWEEN, ON_SEGMENT = "everyone", "inside", "between", "segment"
_MECHANISMS = {
    "decentralised": BILATERAL,
    "uniform": UNIFORM,
    "pay-as-bid": PAY_AS_BID,
    "midpoint": MIDPOINT,
    "mcafee": MCAFEE,
    "community": UNIFORM,
    "centralised": UNIFORM,
}
Span = tuple[int, int]


@dataclass(frozen=True)
class Stage:
    """One window to open: for whom, and its terms in chain seconds."""

    name: str
    community: str | None
    terms: WindowTerms


def needs_account(kind: str) -> bool:
    """Tell whether that kind's windows name an account for what neither buyer nor seller gets."""
    return kind in ("community", "hybrid", "mcafee")


def meets_grid(kind: str) -> bool:
    """Tell whether a window of that kind leaves its rest to the grid: one between its tariffs, and
    one in which peers, and so the grid, take each other's orders."""
    return kind in ("community", "decentralised")


def has_grid(config: SiteConfig) -> bool:
    """Tell whether windows name the grid: where a board stands at its side of the bus."""
    return config.grid is not None


def stages(config: SiteConfig, bids_ms: Span, delivery_ms: Span, account: str) -> tuple[Stage, ...]:
    """Return the windows of one delivery from its half-open intervals in wall ms.

    `account`: who receives a community's spread and McAfee's surplus; where a board stands at the
    grid's side, its peer, which is then the windows' grid account, too.
    """
    kind = config.market.kind
    if kind != "hybrid":
        terms = window_terms(config, kind, bids_ms, delivery_ms, account)
        if not has_book_per_segment(config):
            return (Stage(EVERYONE, None, terms),)
        # The contract knows no segments: its check that no better order was left out would ask for
        # a trade with a stranger who placed an order into this window past the page.
        terms = dataclasses.replace(terms, is_strict=False)
        return tuple(Stage(ON_SEGMENT, name, terms) for name in groups(config))
    (start, end), between_ms = bids_ms, clearing_ms(delivery_ms)
    inside = (start, start + (end - start - between_ms) // 2)
    book = window_terms(config, "community", inside, delivery_ms, account, between_ms)
    between = (inside[1] + between_ms, end)
    rest = window_terms(config, "decentralised", between, delivery_ms, account)
    # What a community leaves goes to the others first, and only then to the grid.
    book = dataclasses.replace(book, grid_account=NO_ADDRESS)
    return (*(Stage(INSIDE, name, book) for name in groups(config)), Stage(BETWEEN, None, rest))


def clearing_ms(delivery_ms: Span) -> int:
    """Return how long the coordinator has to clear a book."""
    share = (delivery_ms[1] - delivery_ms[0]) // CLEARING_SHARE
    return min(max(share, LEAST_CLEARING_MS), MOST_CLEARING_MS)


def window_terms(
    config: SiteConfig,
    kind: str,
    bids_ms: Span,
    delivery_ms: Span,
    account: str = NO_ADDRESS,
    cleared_in_ms: int | None = None,
) -> WindowTerms:
    """Return the terms of a window of a kind with one stage."""
    seconds = [at_ms // 1000 for at_ms in (*bids_ms, *delivery_ms)]
    market, mechanism = config.market, _MECHANISMS[kind]
    clear_by = seconds[1]
    if mechanism != BILATERAL:
        allowed_ms = clearing_ms(delivery_ms) if cleared_in_ms is None else cleared_in_ms
        clear_by = min(seconds[1] + allowed_ms // 1000, seconds[3])
    least_uwh, most_uwh = market.min_energy_uwh, largest_trade_uwh(config, delivery_ms)
    is_community = kind == "community"
    spread = max(market.retail_gwei_per_kwh - market.feed_in_gwei_per_kwh, 1)
    max_fee = {"community": spread, "mcafee": market.max_price_gwei_per_kwh}.get(kind, 0)
    return WindowTerms(
        bid_start=seconds[0],
        bid_end=seconds[1],
        clear_by=clear_by,
        delivery_start=max(seconds[2], seconds[1]),
        delivery_end=seconds[3],
        report_by=seconds[3] + config.schedule.report_grace_s,
        resolve_by=seconds[3] + config.schedule.report_grace_s + config.schedule.resolve_grace_s,
        min_energy_uwh=least_uwh,
        max_energy_uwh=least_uwh if mechanism == MCAFEE else most_uwh,
        # A community's prices lie between the tariffs of the grid.
        min_price=max(market.feed_in_gwei_per_kwh, 1) if is_community
        else market.min_price_gwei_per_kwh,
        max_price=market.retail_gwei_per_kwh if is_community else market.max_price_gwei_per_kwh,
        loss_permille=config.bus.loss_allowance_permille,
        mechanism=mechanism,
        needs_approval=kind == "centralised",
        is_strict=mechanism != BILATERAL and not is_community,
        k_permille=NO_PRICE_RULE if is_community else market.k_permille,
        capacity_uwh=0 if mechanism in (BILATERAL, MCAFEE) else capacity_uwh(config, most_uwh),
        max_fee=max_fee,
        fee_account=account if max_fee else NO_ADDRESS,
        grid_account=account if has_grid(config) and meets_grid(kind) else NO_ADDRESS,
    )  # fmt: skip


def turns_per_segment(houses: tuple[House, ...]) -> int:
    """Return how many deliveries a segment may see in one window: half of its houses."""
    on_segment = [sum(one.segment == house.segment for one in houses) for house in houses]
    return max(1, max(on_segment) // 2)


def largest_trade_uwh(config: SiteConfig, delivery_ms: Span) -> int:
    """Return the most an order may hold so that every pair of houses gets its turn."""
    length_ms = delivery_ms[1] - delivery_ms[0]
    turn_ms = length_ms // turns_per_segment(config.houses) - TURN_PAUSE_MS
    # A tenth is left for a source that gives less than its rated power.
    energy_uwh = config.bus.rated_power_uw * max(turn_ms, 0) // MS_PER_HOUR * 9 // 10
    return max(min(energy_uwh, config.market.max_energy_uwh), config.market.min_energy_uwh)


def capacity_uwh(config: SiteConfig, largest_uwh: int) -> int:
    """Return what a book's segment can deliver in its window, in turns of the largest trade."""
    return largest_uwh * turns_per_segment(config.houses)
