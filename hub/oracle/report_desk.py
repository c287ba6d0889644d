"""What the store knows of finished deliveries enters, kept and signed report transactions leave.

All of it blocks; batches.py beside this calls it in threads.
"""

from __future__ import annotations

import contextlib
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
from hub.oracle.batches import Ready, Wanted
from hub.site_clock import wall_ms
from hub.store import DeliveryRow, SignatureRow, Store


class ReportDesk:
    """The oracle's account where it reports; each transaction is in the store before it is sent."""

    def __init__(self, store: Store, client: MarketClient, account: LocalAccount) -> None:
        self._store = store
        self._client = client
        self._account = account

    def has_sent(self, wanted: Wanted) -> bool:
        """Send what was kept of it again, True: the contract has taken it.

        False when nothing was kept, when another transaction used its nonce, or when it was
        refused, maybe for another report that went with it: then a new one tells. Raises
        ChainUnavailable, StoreError.
        """
        row = self._store.delivery(wanted.delivery_id)
        if row is None or row.raw_report is None:
            return False
        try:
            self._client.send(SignedCall.from_raw(row.raw_report), self._account)
        except (StaleCall, ContractRefused):
            return False
        return True

    def prepare(self, wanted: Wanted) -> Ready:
        """Return the report of both meters. Raises SignatureMissing, StoreError."""
        sides = self.sides(wanted.trade_id)
        if sides.has_keys:
            rows = self._store.deliveries(wanted.trade_id)
            report = signed.report_of(wanted.trade_id, rows, self.signatures(rows), sides)
        else:
            figures = (wanted.seller_uwh, wanted.buyer_uwh)
            report = DeliveryReport.unsigned(wanted.trade_id, *figures)
        return Ready(wanted.delivery_id, report)

    def warm_up(self) -> None:
        """Have nonce and fees at hand: a signature that is missing comes within a second or so."""
        with contextlib.suppress(ChainUnavailable):
            self._client.warm_up(self._account)

    def sign(self, ready: Sequence[Ready]) -> SignedCall:
        """Sign and keep one transaction for all of them."""
        names = [one.delivery_id for one in ready]

        def keep(call: SignedCall) -> None:
            self._store.keep_report(names, call.raw, call.hash, wall_ms())

        reports = [one.report.as_args() for one in ready]
        function, args = ("report_batch", reports) if len(ready) > 1 else ("report", reports[0])
        return self._client.reserve(self._account, function, args, before_send=keep)

    def send(self, call: SignedCall) -> None:
        """Send it, wait until it is mined. Raises ContractRefused, ChainUnavailable, StaleCall."""
        self._client.send_first(self._account, call)

    def alone(self, trade_id: int) -> tuple[DeliveryReport, str, str] | None:
        """Return the report of one meter, its role and its node; None: nothing to report so."""
        sides, rows = self.sides(trade_id), self._store.deliveries(trade_id)
        found = signed.report_of_one(trade_id, rows, self.signatures(rows), sides)
        return None if found is None else (*found, sides.nodes[found[1]])

    def sides(self, trade_id: int) -> signed.Sides:
        """Return who stands on both sides of a trade; empty when that is not known (any more)."""
        trade = self._store.trade(trade_id)
        peers = {peer.peer: peer for peer in self._store.peers()}
        if trade is None or trade.seller not in peers or trade.buyer not in peers:
            return signed.Sides({}, {})
        both = {records.SELLER: peers[trade.seller], records.BUYER: peers[trade.buyer]}
        return signed.Sides(
            {role: peer.node or "" for role, peer in both.items()},
            {role: peer.node_key for role, peer in both.items()},
        )

    def signatures(self, rows: Sequence[DeliveryRow]) -> list[SignatureRow]:
        """Return what boards signed about these attempts."""
        return [one for row in rows for one in self._store.delivery_signatures(row.delivery_id)]
