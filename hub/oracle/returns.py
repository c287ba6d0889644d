"""Money nobody needs any more goes back: bids nobody took, and trades nobody could deliver."""

from __future__ import annotations

from collections.abc import Callable

from hub.oracle.disputes import told_uwh
from hub.oracle.settlement import Settlement
from hub.rounds import Rounds
from hub.site_clock import wall_ms
from hub.store import Store

MARGIN_S = 1  # block times are whole seconds
RETRY_S = 5.0
LONGEST_SLEEP_S = 60.0


class Returns:
    """Reclaims bids after clear-by, refunds trades after report-by, splits disputes after
    resolve-by, as anyone may; as the coordinator ends disputes that a power cut made."""

    def __init__(
        self,
        store: Store,
        settlement: Settlement,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._store = store
        self._settlement = settlement
        self._say = say
        self._now_ms = now_ms
        self._rounds = Rounds()

    def wake(self) -> None:
        """Look again, after events of the chain were applied."""
        self._rounds.wake()

    async def run(self) -> None:
        """Give back what is due until cancelled."""
        await self._rounds.repeat(self._round)

    async def _round(self) -> float:
        return self._sleep_s() if await self.give_back() else RETRY_S

    async def give_back(self) -> bool:
        """Send what is due now; False when something was refused and must be tried again."""
        all_done = True
        for due_s, order_id in self._bids():
            if due_s <= self._now_s():
                all_done &= await self._settlement.reclaim(order_id)
        for due_s, trade_id in self._trades():
            if due_s <= self._now_s():
                done = await self._settlement.refund(trade_id)
                all_done &= done
                if done:
                    self._say(
                        f"trade {trade_id} was not reported by both meters in time: paid is what"
                        " one reported alone, the rest is refunded"
                    )
        all_done &= await self._end_power_cuts()
        for due_s, trade_id in self._disputes():
            if due_s <= self._now_s():
                done = await self._settlement.split(trade_id)
                all_done &= done
                if done:
                    self._say(f"the dispute of trade {trade_id} was not resolved in time: split")
        return all_done

    async def _end_power_cuts(self) -> bool:
        all_done = True
        for trade in self._store.disputed_trades():
            told = told_uwh(self._store.deliveries(trade.trade_id))
            if told is None:
                continue
            done = await self._settlement.resolve(trade.trade_id, told)
            all_done &= done
            if done:
                self._say(
                    f"the dispute of trade {trade.trade_id} came of a power cut: ended at what"
                    " both boards had told before"
                )
        return all_done

    def _now_s(self) -> float:
        return self._now_ms() / 1000

    def _sleep_s(self) -> float:
        due = [due_s for due_s, _ in [*self._bids(), *self._trades(), *self._disputes()]]
        later = [due_s - self._now_s() for due_s in due if due_s > self._now_s()]
        return max(min([*later, LONGEST_SLEEP_S]), 0.05)

    def _bids(self) -> list[tuple[int, int]]:
        """Return when each bid with money left in it can be reclaimed, and its id."""
        windows = {window.window_id: window for window in self._store.windows()}
        return [
            (windows[order.window_id].clear_by_s + MARGIN_S, order.order_id)
            for order in self._store.locked_bids()
            if order.window_id in windows
        ]

    def _trades(self) -> list[tuple[int, int]]:
        """Return when each trade that is not settled can be refunded, and its id."""
        windows = {window.window_id: window for window in self._store.windows()}
        due = [
            (windows[trade.window_id].report_by_s + MARGIN_S, trade.trade_id)
            for trade in self._store.unsettled_trades()
            if trade.window_id in windows
        ]
        # A book that was not closed in time has no trades.
        return due + [
            (windows[trade.window_id].clear_by_s + MARGIN_S, trade.trade_id)
            for trade in self._store.provisional_trades()
            if trade.window_id in windows
        ]

    def _disputes(self) -> list[tuple[int, int]]:
        """Return when each dispute can be split, and its trade's id."""
        windows = {window.window_id: window for window in self._store.windows()}
        return [
            (windows[trade.window_id].resolve_by_s + MARGIN_S, trade.trade_id)
            for trade in self._store.disputed_trades()
            if trade.window_id in windows
        ]
