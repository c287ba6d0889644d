"""Reports on their way to the chain: a finished attempt enters, the contract's last word leaves.

It is patient: whatever is refused for now is sent again, and what a board has yet to sign is waited
for, until the contract takes no report of the trade any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from hub.config_tables import Bus
from hub.errors import TruequeError
from hub.oracle import records
from hub.oracle.attempts import Attempt
from hub.oracle.settlement import LATE, Settlement
from hub.oracle.signed import SignatureMissing
from hub.oracle.terms import REPORT_MARGIN_MS

ALONE_RETRY_MS = 1_000
CHAIN_RETRY_S, CHAIN_LONGEST_RETRY_S = 1.0, 30.0


class Reporting:
    """Sends reports for the oracle, one coroutine each."""

    def __init__(
        self,
        settlement: Settlement,
        bus: Bus,
        say: Callable[[str], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._settlement = settlement
        self._bus = bus
        self._say = say
        self._now_ms = now_ms
        self._chain_back = asyncio.Event()

    async def report(self, live: Attempt, figures: records.Report) -> str | None:
        """Report until the contract has taken it, or takes none any more: return its word.

        None when the attempt ended otherwise. Giving up earlier would cost the seller what it
        delivered.
        """
        ticket, pause_s = live.ticket, CHAIN_RETRY_S
        alone_at_ms = min(self._now_ms() + self._bus.signature_wait_ms, live.terms.report_by_ms)
        is_alone_done = False
        while live.state.phase not in records.FINISHED:
            live.news.clear()  # before looking: what comes meanwhile is not missed
            try:
                return await self._settlement.report(
                    ticket.delivery_id, ticket.trade_id, figures.seller_uwh, figures.buyer_uwh
                )
            except SignatureMissing as missing:
                now_ms = self._now_ms()
                if now_ms >= live.terms.report_by_ms + REPORT_MARGIN_MS:
                    return LATE
                if now_ms >= alone_at_ms and not is_alone_done:
                    is_alone_done = await self._report_alone(ticket.trade_id, missing)
                latest_ms = live.terms.report_by_ms + REPORT_MARGIN_MS
                again_ms = max(alone_at_ms, now_ms + ALONE_RETRY_MS)
                live.ask_at_ms = latest_ms if is_alone_done else min(again_ms, latest_ms)
                await live.news.wait()
                live.ask_at_ms = None
            except TruequeError as problem:
                self._say(f"report of trade {ticket.trade_id} will be sent again: {problem}")
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, CHAIN_LONGEST_RETRY_S)
        return None

    def retry(self) -> None:
        """Send at once what waits for the chain: it answers again."""
        waiting, self._chain_back = self._chain_back, asyncio.Event()
        waiting.set()

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._chain_back.wait(), pause_s)

    async def _report_alone(self, trade_id: int, missing: SignatureMissing) -> bool:
        """Report the meter that has signed, should the other never do; False: try again.

        The contract settles then, after report-by, what both had acknowledged.
        """
        try:
            node = await self._settlement.report_alone(trade_id)
        except TruequeError as problem:
            self._say(f"report of trade {trade_id} will be sent again: {problem}")
            return False
        rest = f"the meter of {node} is reported alone" if node else "nothing can be reported yet"
        self._say(f"trade {trade_id}: {missing}; {rest}")
        return True
