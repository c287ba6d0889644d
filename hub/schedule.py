"""The coordinator's schedule: settings and the site's clock enter, trading windows leave.

A window is opened once: its signed transaction is kept under the window's own key before it is
sent, so a hub that is killed in between neither forgets a window nor opens it twice.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Callable
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import (
    ChainUnavailable,
    ContractRefused,
    SignedCall,
    StaleCall,
    WindowTerms,
)
from hub.config import House, SiteConfig, span
from hub.site_clock import SiteClock, wall_ms
from hub.store import Store, TransactionRow

LEAD_MS = 2_000  # opened this long before its bids begin
LEAST_BIDS_MS = 8_000  # a window with less time left for bids is not opened any more
RETRY_S = 2.0
MOST_AHEAD_S = 5  # of the chain's clock: windows are agreed in its seconds
LOOK_S = 0.25
LONGEST_SLEEP_S = 30.0
TURN_PAUSE_MS = 5_000  # between the turns of one segment: relays, currents at zero
ONCE_TRADE_PERMILLE = 1_150  # of the smallest trade
MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Slot:
    """A window to open: its key for good, and its terms in chain seconds."""

    key: str
    terms: WindowTerms


def turns_per_segment(houses: tuple[House, ...]) -> int:
    """Return how many deliveries a segment may see in one window: half of its houses."""
    on_segment = [sum(one.segment == house.segment for one in houses) for house in houses]
    return max(1, max(on_segment) // 2)


def largest_trade_uwh(config: SiteConfig, delivery_ms: int) -> int:
    """Return the most an order may hold so that every pair of houses gets its turn."""
    turn_ms = delivery_ms // turns_per_segment(config.houses) - TURN_PAUSE_MS
    # A tenth is left for a source that gives less than its rated power.
    energy_uwh = config.bus.rated_power_uw * max(turn_ms, 0) // MS_PER_HOUR * 9 // 10
    return max(min(energy_uwh, config.market.max_energy_uwh), config.market.min_energy_uwh)


def window_terms(
    config: SiteConfig, bids_ms: tuple[int, int], delivery_ms: tuple[int, int]
) -> WindowTerms:
    """Return the terms of a window from its half-open intervals in wall ms."""
    seconds = [at_ms // 1000 for at_ms in (*bids_ms, *delivery_ms)]
    market = config.market
    return WindowTerms(
        bid_start=seconds[0],
        bid_end=seconds[1],
        clear_by=seconds[1],
        delivery_start=max(seconds[2], seconds[1]),
        delivery_end=seconds[3],
        report_by=seconds[3] + config.schedule.report_grace_s,
        resolve_by=seconds[3] + config.schedule.report_grace_s + config.schedule.resolve_grace_s,
        min_energy_uwh=market.min_energy_uwh,
        max_energy_uwh=largest_trade_uwh(config, delivery_ms[1] - delivery_ms[0]),
        min_price=market.min_price_gwei_per_kwh,
        max_price=market.max_price_gwei_per_kwh,
        loss_permille=config.bus.loss_allowance_permille,
    )


def next_daily_slot(config: SiteConfig, clock: SiteClock, at_ms: int) -> Slot:
    """Return the first window of the daily schedule that still has time for bids."""
    today = clock.at(at_ms).date()
    for day in range(3):  # tomorrow always has one; one more for a day that skips an hour
        date = today + datetime.timedelta(days=day)
        for bids, delivery in zip(config.schedule.bids, config.schedule.deliveries, strict=True):
            bids_ms = _wall(clock, date, bids)
            if bids_ms[1] - at_ms >= LEAST_BIDS_MS:
                terms = window_terms(config, bids_ms, _wall(clock, date, delivery))
                return Slot(f"window:{date}T{bids.partition('-')[0]}", terms)
    raise ValueError("schedule.bids is empty")


def _wall(clock: SiteClock, date: datetime.date, text: str) -> tuple[int, int]:
    start, end = (datetime.datetime.combine(date, time) for time in span(text))
    return clock.wall_ms_of(start), clock.wall_ms_of(end)


def once_slot(config: SiteConfig, epoch: int, at_ms: int) -> Slot:
    """Return one window from now on, long enough for a smallest trade of every pair."""
    market, turns = config.market, turns_per_segment(config.houses)
    energy_uwh = market.min_energy_uwh * ONCE_TRADE_PERMILLE // 1000
    nominal_ms = energy_uwh * MS_PER_HOUR // config.bus.rated_power_uw
    slowest_ms = nominal_ms * config.bus.turn_slack_permille // 1000
    bids_end_ms = at_ms + config.schedule.once_bids_s * 1000
    delivery_ms = turns * (slowest_ms + TURN_PAUSE_MS) + config.bus.turn_overhead_ms
    end_ms = bids_end_ms + delivery_ms
    terms = window_terms(config, (at_ms, bids_end_ms), (bids_end_ms, end_ms))
    return Slot(
        f"window:once-{epoch}",
        dataclasses.replace(terms, max_energy_uwh=min(energy_uwh, market.max_energy_uwh)),
    )


class Coordinator:
    """Opens windows with the coordinator's account until cancelled."""

    def __init__(
        self,
        config: SiteConfig,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        clock: SiteClock,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._config = config
        self._store = store
        self._client = client
        self._account = account
        self._clock = clock
        self._say = say

    async def run_daily(self) -> None:
        """Open every window of the schedule shortly before its bids begin."""
        while True:
            slot = next_daily_slot(self._config, self._clock, wall_ms())
            wait_ms = slot.terms.bid_start * 1000 - LEAD_MS - wall_ms()
            kept = self._store.kept_transaction(slot.key)
            if kept is not None and kept.is_done:
                # Opened already: look again when the next one is due. Terms are in whole seconds,
                # the clock is not, so this moment may lie a little behind: never spin.
                due_ms = slot.terms.bid_end * 1000 - LEAST_BIDS_MS - wall_ms()
                wait_ms = max(due_ms, round(LOOK_S * 1000))
            if wait_ms > 0:
                await asyncio.sleep(min(wait_ms / 1000, LONGEST_SLEEP_S))
            else:
                await self._open_or_skip(slot)

    async def _open_or_skip(self, slot: Slot) -> None:
        """One window that the contract does not take must not cost those after it."""
        try:
            await self.open(slot)
        except ContractRefused as refusal:
            self._say(f"{slot.key} was refused and is left out: {refusal}")
            self._store.mark_transaction_done(slot.key)

    async def run_once(self, epoch: int, are_enough: Callable[[], bool]) -> int:
        """Open one window as soon as enough nodes are alive; return its id."""
        while not are_enough():
            await asyncio.sleep(LOOK_S)
        return await self.open(once_slot(self._config, epoch, wall_ms()))

    async def open(self, slot: Slot) -> int:
        """Open a window, or find the one an earlier hub opened; return its id."""
        while True:
            try:
                window_id = await asyncio.to_thread(self._open, slot)
                break
            except (ChainUnavailable, StaleCall) as problem:
                self._say(f"opening of {slot.key} waits for the chain: {problem}")
                await asyncio.sleep(RETRY_S)
        self._store.mark_transaction_done(slot.key)
        self._say(f"window {window_id} is open ({slot.key.removeprefix('window:')})")
        return window_id

    def _open(self, slot: Slot) -> int:
        ahead_s = self._client.head()[1] - wall_ms() // 1000
        if ahead_s > MOST_AHEAD_S:
            raise ChainUnavailable(
                f"its newest block is {ahead_s} s ahead of this machine's clock; set the clock"
            )
        kept = self._store.kept_transaction(slot.key)
        if kept is not None:
            try:
                receipt = self._client.send(SignedCall.from_raw(kept.raw))
            except (StaleCall, ContractRefused):
                pass  # it never took effect and never will: sign anew
            else:
                return int(receipt.events[0].args["window_id"])

        def keep(call: SignedCall) -> None:
            row = TransactionRow(slot.key, call.raw, call.hash, wall_ms(), is_done=False)
            self._store.keep_transaction(row)

        receipt = self._client.execute(
            self._account, "open_window", dataclasses.astuple(slot.terms), before_send=keep
        )
        return int(receipt.events[0].args["window_id"])
