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
    NO_ADDRESS,
    ChainUnavailable,
    ContractRefused,
    StaleCall,
    WindowTerms,
)
from hub.config import SiteConfig, span
from hub.coordinator.kept import KeptCalls
from hub.coordinator.kinds import (
    MS_PER_HOUR,
    TURN_PAUSE_MS,
    Span,
    clearing_ms,
    stages,
    turns_per_segment,
)
from hub.site_clock import SiteClock, wall_ms
from hub.store import PlanRow, Store

LEAD_MS = 2_000  # opened this long before its bids begin
LEAST_BIDS_MS = 8_000  # a window with less time left for bids is not opened any more
RETRY_S = 2.0
MOST_AHEAD_S = 5  # of the chain's clock: windows are agreed in its seconds
LOOK_S = 0.25
CLOCK_LOOK_S = 5.0
LONGEST_SLEEP_S = 30.0  # a wall clock that is set meanwhile tells nobody
ONCE_TRADE_PERMILLE = 1_150  # of the smallest trade


@dataclass(frozen=True)
class Slot:
    """A window to open: its key for good, its terms in chain seconds, and whom it is for."""

    key: str
    terms: WindowTerms
    stage: str
    community: str | None


def slots_of(
    key: str, config: SiteConfig, bids_ms: Span, delivery_ms: Span, account: str = NO_ADDRESS
) -> tuple[Slot, ...]:
    """Return the windows of one delivery; of several, each has the stage in its key."""
    found = stages(config, bids_ms, delivery_ms, account)
    return tuple(
        Slot(
            key if len(found) == 1 else ":".join(filter(None, (key, one.name, one.community))),
            one.terms,
            one.name,
            one.community,
        )
        for one in found
    )


def next_daily_slots(
    config: SiteConfig, clock: SiteClock, at_ms: int, account: str = NO_ADDRESS
) -> tuple[Slot, ...]:
    """Return the windows of the first delivery that still has time for bids."""
    today = clock.at(at_ms).date()
    for day in range(3):  # tomorrow always has one; one more for a day that skips an hour
        date = today + datetime.timedelta(days=day)
        for bids, delivery in zip(config.schedule.bids, config.schedule.deliveries, strict=True):
            bids_ms = _wall(clock, date, bids)
            key = f"window:{date}T{bids.partition('-')[0]}"
            slots = slots_of(key, config, bids_ms, _wall(clock, date, delivery), account)
            if slots[0].terms.bid_end * 1000 - at_ms >= LEAST_BIDS_MS:
                return slots
    raise ValueError("schedule.bids is empty")


def _wall(clock: SiteClock, date: datetime.date, text: str) -> Span:
    start, end = (datetime.datetime.combine(date, time) for time in span(text))
    return clock.wall_ms_of(start), clock.wall_ms_of(end)


def once_slots(
    config: SiteConfig, epoch: int, at_ms: int, account: str = NO_ADDRESS
) -> tuple[Slot, ...]:
    """Return the windows of one delivery from now on, long enough for a smallest trade of every
    pair. A market of several stages gets the bidding time for each."""
    market, turns = config.market, turns_per_segment(config.houses)
    energy_uwh = market.min_energy_uwh * ONCE_TRADE_PERMILLE // 1000
    nominal_ms = energy_uwh * MS_PER_HOUR // config.bus.rated_power_uw
    slowest_ms = nominal_ms * config.bus.turn_slack_permille // 1000
    length_ms = turns * (slowest_ms + TURN_PAUSE_MS) + config.bus.turn_overhead_ms
    clearing = clearing_ms((0, length_ms))
    bids_ms = config.schedule.once_bids_s * 1000
    if market.kind == "hybrid":
        bids_ms = 2 * bids_ms + clearing
    elif market.kind != "decentralised":
        length_ms += clearing  # which the delivery waits for
    end_ms = at_ms + bids_ms
    slots = slots_of(
        f"window:once-{epoch}", config, (at_ms, end_ms), (end_ms, end_ms + length_ms), account
    )
    most_uwh = min(energy_uwh, market.max_energy_uwh)
    return tuple(_smaller(slot, most_uwh) for slot in slots)


def _smaller(slot: Slot, most_uwh: int) -> Slot:
    """Return the window for orders of that energy at most."""
    most_uwh = min(most_uwh, slot.terms.max_energy_uwh)
    return dataclasses.replace(slot, terms=dataclasses.replace(slot.terms, max_energy_uwh=most_uwh))


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
        fee_account: str = NO_ADDRESS,
        *,
        is_clock_trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._config = config
        self._store = store
        self._client = client
        self._kept = KeptCalls(store, client, account)
        self._clock = clock
        self._say = say
        self._fee_account = fee_account
        self._is_clock_trusted = is_clock_trusted
        self._has_said = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Boards were heard: maybe there are enough for a window now."""
        self._news.set()

    async def run_daily(self) -> None:
        """Open every window of the schedule shortly before its bids begin."""
        while True:
            now_ms = wall_ms()
            slots = next_daily_slots(self._config, self._clock, now_ms, self._fee_account)
            wait_ms = slots[0].terms.bid_start * 1000 - LEAD_MS - now_ms
            if all(self._kept.is_done(slot.key) for slot in slots):
                # Opened already: look again when the next one is due. Terms are in whole seconds,
                # the clock is not, so this moment may lie a little behind: never spin.
                due_ms = slots[0].terms.bid_end * 1000 - LEAST_BIDS_MS - now_ms
                wait_ms = max(due_ms, round(LOOK_S * 1000))
            if wait_ms > 0:
                await asyncio.sleep(min(wait_ms / 1000, LONGEST_SLEEP_S))
                continue
            if not self._has_time(slots[0].key):
                await asyncio.sleep(CLOCK_LOOK_S)  # the kernel tells nobody when it is set
                continue
            for slot in slots:
                await self._open_or_skip(slot)

    def _has_time(self, key: str) -> bool:
        """Tell whether this machine knows the time; windows are agreed in it."""
        is_trusted = self._is_clock_trusted()
        if not is_trusted and not self._has_said:
            self._say(
                f"{key.removeprefix('window:')} is not opened: this machine's clock follows no time"
                " server (trueque hub doctor says what to do)"
            )
        self._has_said = not is_trusted
        return is_trusted

    async def _open_or_skip(self, slot: Slot) -> None:
        """One window that the contract does not take must not cost those after it."""
        if self._kept.is_done(slot.key):
            return
        try:
            await self.open(slot)
        except ContractRefused as refusal:
            self._say(f"{slot.key} was refused and is left out: {refusal}")
            self._kept.mark_done(slot.key)

    async def run_once(self, epoch: int, are_enough: Callable[[], bool]) -> list[int]:
        """Open the windows of one delivery as soon as enough nodes are alive; return their ids."""
        while not are_enough():
            self._news.clear()
            await self._news.wait()
        slots = once_slots(self._config, epoch, wall_ms(), self._fee_account)
        return [await self.open(slot) for slot in slots]

    async def open(self, slot: Slot) -> int:
        """Open a window, or find the one an earlier hub opened; return its id."""
        while True:
            try:
                window_id = await asyncio.to_thread(self._open, slot)
                break
            except (ChainUnavailable, StaleCall) as problem:
                self._say(f"opening of {slot.key} waits for the chain: {problem}")
                await asyncio.sleep(RETRY_S)
        self._store.keep_plan(PlanRow(window_id, slot.stage, slot.community))
        self._kept.mark_done(slot.key)
        self._say(f"window {window_id} is open ({slot.key.removeprefix('window:')})")
        return window_id

    def _open(self, slot: Slot) -> int:
        ahead_s = self._client.head()[1] - wall_ms() // 1000
        if ahead_s > MOST_AHEAD_S:
            raise ChainUnavailable(
                f"its newest block is {ahead_s} s ahead of this machine's clock; set the clock"
            )
        terms = dataclasses.astuple(slot.terms)
        receipt = self._kept.execute(slot.key, "open_window", terms)
        return int(receipt.events[0].args["window_id"])
