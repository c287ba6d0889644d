"""Settlement: what both meters saw enters, a transaction kept before it is sent leaves."""

from __future__ import annotations

import asyncio

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import ChainUnavailable, ContractRefused, StaleCall
from hub.oracle import records
from hub.oracle.batches import FINAL_WORDS, LATE, TAKEN, ReportBatches, Wanted
from hub.oracle.report_desk import ReportDesk
from hub.store import Store

__all__ = ["LATE", "TAKEN", "Settlement"]


class Settlement:
    """The oracle's account on the contract, and the coordinator's for disputes.

    A signed report is in the store before it is sent. Sending the same one twice is harmless, and
    the contract takes one report per trade only. Reports that wait go together.
    """

    def __init__(
        self,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        coordinator: LocalAccount,
    ) -> None:
        self._client = client
        self._account = account
        self._coordinator = coordinator
        self._desk = ReportDesk(store, client, account)
        self._batches = ReportBatches(self._desk)

    async def report(self, delivery_id: str, trade_id: int, seller_uwh: int, buyer_uwh: int) -> str:
        """Report a trade; return "taken", or "late" when the contract takes no report any more.

        Both figures are for boards without keys; those with keys count by what they signed.
        Raises SignatureMissing until that is there, and other TruequeErrors for all that may pass
        (the chain or the store is away, the account lacks gas money): call again; a transaction
        that was kept is then sent again.
        """
        return await self._batches.report(Wanted(delivery_id, trade_id, seller_uwh, buyer_uwh))

    async def report_alone(self, trade_id: int) -> str | None:
        """Report the one meter that signed while the other is silent; return its node.

        None when there is nothing to report so. A report of both may still follow.
        """
        return await asyncio.to_thread(self._report_alone, trade_id)

    def _report_alone(self, trade_id: int) -> str | None:
        found = self._desk.alone(trade_id)
        if found is None:
            return None
        delivered, role, node = found
        try:
            self._client.execute(
                self._account, "report_alone", delivered.as_args(), role == records.SELLER
            )
        except ContractRefused as refusal:
            if refusal.error_name not in FINAL_WORDS:  # else it was reported before
                raise
        return node

    async def refund(self, trade_id: int) -> bool:
        """Give the buyer its money back after report-by; False while that is refused."""
        return await asyncio.to_thread(self._try, "refund", trade_id)

    async def split(self, trade_id: int) -> bool:
        """End a dispute halfway, after resolve-by; False while that is refused."""
        return await asyncio.to_thread(self._try, "split", trade_id)

    async def resolve(self, trade_id: int, told_uwh: int) -> bool:
        """End a dispute at `told_uwh`, or at the nearer of its two figures; False: refused yet."""
        return await asyncio.to_thread(self._resolve, trade_id, told_uwh)

    def _resolve(self, trade_id: int, told_uwh: int) -> bool:
        try:
            low_uwh, high_uwh = self._client.dispute(trade_id)
            settled_uwh = min(max(told_uwh, low_uwh), high_uwh)
            self._client.resolve(self._coordinator, trade_id, settled_uwh)
        except (ContractRefused, ChainUnavailable, StaleCall):
            return False
        return True

    async def reclaim(self, order_id: int) -> bool:
        """Free the money of a bid nobody took, after clear-by; False while that is refused."""
        return await asyncio.to_thread(self._try, "reclaim", order_id)

    def _try(self, function: str, number: int) -> bool:
        try:
            self._client.execute(self._account, function, number)
        except (ContractRefused, ChainUnavailable, StaleCall):
            return False
        return True
