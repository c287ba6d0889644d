"""A site's bills: its store and a span of time enter, checked bills of every peer leave."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub import bills
from hub.config import SiteConfig
from hub.store import Store, TradeRow

FOREVER_MS = 2**62
PLUG_MARGIN_MS = 300_000


@dataclass(frozen=True)
class Billed:
    """A period's bills, and the trades closed in it."""

    start_ms: int
    end_ms: int
    bills: tuple[bills.Bill, ...]
    trades: tuple[TradeRow, ...]


def periods_billed(
    config: SiteConfig, store: Store, span: tuple[int, int], period: str
) -> Iterator[Billed]:
    """Yield each period (day, month or all) of the span that has something in it.

    Raises UnbalancedBooks before a bill leaves whose sums do not agree.
    """
    peers = [(one.node or one.peer, one.peer) for one in store.peers()]
    trades = [one for one in store.trades() if one.closed_at_ms is not None]
    seen = store.metered_span_ms()
    times = [one.closed_at_ms or 0 for one in trades] + list(seen or ())
    times = [at_ms for at_ms in times if span[0] <= at_ms < span[1]]
    if not times:
        return
    tariffs = bills.Tariffs(config.market.retail_gwei_per_kwh, config.market.feed_in_gwei_per_kwh)
    for start_ms, end_ms in _periods(config, max(span[0], min(times)), max(times) + 1, period):
        closed = tuple(one for one in trades if start_ms <= (one.closed_at_ms or 0) < end_ms)
        made = tuple(
            bills.make_bill(
                peer,
                (start_ms, end_ms),
                _registers(store, peer[0], start_ms, end_ms),
                closed,
                config.site.model_scale,
                tariffs,
            )
            for peer in peers
        )
        bills.check(made, closed)
        yield Billed(start_ms, end_ms, made, closed)


def _registers(
    store: Store, node: str, start_ms: int, end_ms: int
) -> tuple[bills.Registers, bills.Registers]:
    before = store.registers_at(node, start_ms)
    first = store.first_registers(node)
    # A register that nothing was heard of before starts with its first value.
    start = {name: first[name] if value is None else value for name, value in before.items()}
    meter = _house_meter(store, node, start_ms, end_ms)
    return {**start, **meter[0]}, {**store.registers_at(node, end_ms), **meter[1]}


def _house_meter(
    store: Store, node: str, start_ms: int, end_ms: int
) -> tuple[bills.Registers, bills.Registers]:
    """Return what a house's smart plug had counted at the start and at the end.

    Nothing when it came after the board had metered a part of the period: its figure would be of
    the rest alone.
    """
    first = store.first_house_meter_ms(node)
    board_ms = store.first_reading_ms(node)
    if first is None or first > max(start_ms, board_ms or 0) + PLUG_MARGIN_MS:
        return {}, {}
    before = store.house_meter_uwh(node, start_ms) or 0  # its register begins with nothing
    return {bills.HOUSE_METER: before}, {bills.HOUSE_METER: store.house_meter_uwh(node, end_ms)}


def _periods(
    config: SiteConfig, first_ms: int, end_ms: int, period: str
) -> Iterator[tuple[int, int]]:
    """Yield [start, end) of each period that has something in it; days begin at local midnight."""
    if period == "all":
        yield first_ms, end_ms
        return
    zone = config.zone
    day = datetime.datetime.fromtimestamp(first_ms / 1000, zone).date()
    if period == "month":
        day = day.replace(day=1)
    while True:
        length = datetime.timedelta(days=32 if period == "month" else 1)
        following = day + length
        if period == "month":
            following = following.replace(day=1)
        start, end = (
            round(datetime.datetime.combine(one, datetime.time(), zone).timestamp() * 1000)
            for one in (day, following)
        )
        if start >= end_ms:
            return
        yield start, end
        day = following


def of_peer(trades: Sequence[TradeRow], address: str) -> list[TradeRow]:
    """Return the settled trades of a peer."""
    return [one for one in trades if one.state == "settled" and address in (one.seller, one.buyer)]
