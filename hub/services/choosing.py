"""Who may sell to a buyer: the choice of its house in, the list of sellers in the contract out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.services.acting import Acting
from hub.store import OrderRow


class Choosing(Acting):
    """A bid may name its sellers; the contract keeps one list a buyer, for all its such bids."""

    def accept_only(self, peer_name: str, sellers: Sequence[str]) -> None:
        """Let a peer's bids name these sellers and no other; a call for each change.

        Raises TruequeError.
        """
        account = self._account(peer_name)
        wanted = {str(self._account(name).address) for name in sellers}
        known = self._accepted_by(account.address)
        for address in sorted(wanted ^ known):
            self._client.accept_seller(account, address, address in wanted)
        if wanted != known:
            self._wait_for(lambda: self._accepted_by(account.address) == wanted)

    def sellers_record(self, peer_name: str) -> dict[str, Any]:
        """Return what an agent away needs to name its sellers: accounts of houses, and its list."""
        address = self._account(peer_name).address
        peers = {name: str(one.address) for name, one in self._keys.peers.items()}
        return {"peers": peers, "accepted_sellers": sorted(self._accepted_by(address))}

    def _accepted_by(self, address: str) -> set[str]:
        return set(self._store.accepted_sellers().get(address, frozenset()))

    def _is_open_to(self, order: OrderRow, address: str) -> bool:
        """Tell whether an order names a peer, or nobody."""
        is_own = order.peer == address
        return is_own or not order.only_accepted or address in self._accepted_by(order.peer)
