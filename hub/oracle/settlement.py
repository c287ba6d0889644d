"""Settlement: what both meters saw enters, a transaction kept before it is sent leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from eth_account.signers.local import LocalAccount

from hub.chain.client import MarketClient
from hub.chain.records import (
    ChainUnavailable,
    ContractRefused,
    DeliveryReport,
    SignedCall,
    StaleCall,
)
from hub.oracle import records, signed
from hub.site_clock import wall_ms
from hub.store import DeliveryRow, SignatureRow, Store

TAKEN, LATE = "taken", "late"
_FINAL_WORDS = {"TradeClosed": TAKEN, "ReportTooLate": LATE}


class Settlement:
    """The oracle's account on the contract, and the coordinator's for disputes.

    A signed report is in the store before it is sent. Sending the same one twice is harmless, and
    the contract takes one report per trade only.
    """

    def __init__(
        self,
        store: Store,
        client: MarketClient,
        account: LocalAccount,
        coordinator: LocalAccount,
    ) -> None:
        self._store = store
        self._client = client
        self._account = account
        self._coordinator = coordinator

    async def report(self, delivery_id: str, trade_id: int, seller_uwh: int, buyer_uwh: int) -> str:
        """Report a trade; return "taken", or "late" when the contract takes no report any more.

        Both figures are for boards without keys; those with keys count by what they signed.
        Raises SignatureMissing until that is there, and other TruequeErrors for all that may pass
        (the chain or the store is away, the account lacks gas money): call again; a transaction
        that was kept is then sent again.
        """
        return await asyncio.to_thread(self._report, delivery_id, trade_id, seller_uwh, buyer_uwh)

    def _report(self, delivery_id: str, trade_id: int, seller_uwh: int, buyer_uwh: int) -> str:
        row = self._store.delivery(delivery_id)
        try:
            if row is not None and row.raw_report is not None and self._is_mined(row.raw_report):
                return TAKEN

            delivered = self._both_meters(trade_id, seller_uwh, buyer_uwh)

            def keep(call: SignedCall) -> None:
                self._store.keep_report(delivery_id, call.raw, call.hash)
                self._store.stamp(delivery_id, "reported_at_ms", wall_ms())

            self._client.execute(self._account, "report", delivered.as_args(), before_send=keep)
        except ContractRefused as refusal:
            # Closed: an earlier sending was taken, and the chain's event tells the outcome.
            word = _FINAL_WORDS.get(refusal.error_name)
            if word is None:
                raise
            return word
        return TAKEN

    def _both_meters(self, trade_id: int, seller_uwh: int, buyer_uwh: int) -> DeliveryReport:
        sides = self._sides(trade_id)
        if not sides.has_keys:
            return DeliveryReport.unsigned(trade_id, seller_uwh, buyer_uwh)
        rows = self._store.deliveries(trade_id)
        return signed.report_of(trade_id, rows, self._signatures(rows), sides)

    async def report_alone(self, trade_id: int) -> str | None:
        """Report the one meter that signed while the other is silent; return its node.

        None when there is nothing to report so. A report of both may still follow.
        """
        return await asyncio.to_thread(self._report_alone, trade_id)

    def _report_alone(self, trade_id: int) -> str | None:
        sides, rows = self._sides(trade_id), self._store.deliveries(trade_id)
        found = signed.report_of_one(trade_id, rows, self._signatures(rows), sides)
        if found is None:
            return None
        delivered, role = found
        try:
            self._client.execute(
                self._account, "report_alone", delivered.as_args(), role == records.SELLER
            )
        except ContractRefused as refusal:
            if refusal.error_name not in _FINAL_WORDS:  # else it was reported before
                raise
        return sides.nodes[role]

    def _sides(self, trade_id: int) -> signed.Sides:
        trade = self._store.trade(trade_id)
        peers = {peer.peer: peer for peer in self._store.peers()}
        if trade is None or trade.seller not in peers or trade.buyer not in peers:
            return signed.Sides({}, {})
        both = {records.SELLER: peers[trade.seller], records.BUYER: peers[trade.buyer]}
        return signed.Sides(
            {role: peer.node or "" for role, peer in both.items()},
            {role: peer.node_key for role, peer in both.items()},
        )

    def _signatures(self, rows: Sequence[DeliveryRow]) -> list[SignatureRow]:
        return [one for row in rows for one in self._store.delivery_signatures(row.delivery_id)]

    def _is_mined(self, raw: bytes) -> bool:
        """Send a kept report (again); False when another transaction used its nonce."""
        try:
            self._client.send(SignedCall.from_raw(raw))
        except StaleCall:
            return False
        return True

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
