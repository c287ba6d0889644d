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
        self._later_s: list[int] = []  # what was not due yet in the last round

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
        all_done, now_s = True, self._now_s()
        bids, trades = self._bids(), self._trades()
        for due_s, order_id in bids:
            if due_s <= now_s:
                all_done &= await self._settlement.reclaim(order_id)
        for due_s, trade_id in trades:
            if due_s <= now_s:
                done = await self._settlement.refund(trade_id)
                all_done &= done
                if done:
                    self._say(
                        f"trade {trade_id} was not reported by both meters in time: paid is what"
                        " one reported alone, the rest is refunded"
                    )
        all_done &= await self._end_power_cuts()
        disputes = self._disputes()
        for due_s, trade_id in disputes:
            if due_s <= now_s:
                done = await self._settlement.split(trade_id)
                all_done &= done
                if done:
                    self._say(f"the dispute of trade {trade_id} was not resolved in time: split")
        self._later_s = [due_s for due_s, _ in [*bids, *trades, *disputes] if due_s > now_s]
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
        """Until the next is due: what came up meanwhile has woken the next round."""
        left_s = [due_s - self._now_s() for due_s in self._later_s]
        return max(min([*left_s, LONGEST_SLEEP_S]), 0.05)

    def _bids(self) -> list[tuple[int, int]]:
        """Return when each bid with money left in it can be reclaimed, and its id."""
        bids = self._store.locked_bids()
        windows = self._store.windows_by_id(order.window_id for order in bids)
        return [
            (windows[order.window_id].clear_by_s + MARGIN_S, order.order_id)
            for order in bids
            if order.window_id in windows
        ]

    def _trades(self) -> list[tuple[int, int]]:
        """Return when each trade that is not settled can be refunded, and its id."""
        unsettled, provisional = self._store.unsettled_trades(), self._store.provisional_trades()
        windows = self._store.windows_by_id(one.window_id for one in [*unsettled, *provisional])
        due = [
            (windows[trade.window_id].report_by_s + MARGIN_S, trade.trade_id)
            for trade in unsettled
            if trade.window_id in windows
        ]
        # A book that was not closed in time has no trades.
        return due + [
            (windows[trade.window_id].clear_by_s + MARGIN_S, trade.trade_id)
            for trade in provisional
            if trade.window_id in windows
        ]

    def _disputes(self) -> list[tuple[int, int]]:
        """Return when each dispute can be split, and its trade's id."""
        disputed = self._store.disputed_trades()
        windows = self._store.windows_by_id(trade.window_id for trade in disputed)
        return [
            (windows[trade.window_id].resolve_by_s + MARGIN_S, trade.trade_id)
            for trade in disputed
            if trade.window_id in windows
        ]
