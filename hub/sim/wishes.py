"""What all peers want of the market: a community's members enter, once; limits, preferences of
orders and chosen producers of any slot leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hub.market.amounts import apportion
from hub.market.records import Chosen, Preference
from hub.sim.assets import Partner, Preferences
from hub.sim.clock import Clock
from hub.sim.scenario import Peer
from hub.sim.series import Series

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

NANO = 1e9
MILLION = 1_000_000
NOTHING = Preferences()


class Wishes:
    """The members' preferences by their places in the community; homes of a group share theirs."""

    def __init__(self, members: Sequence[Peer], names: Sequence[str], clock: Clock) -> None:
        self.of = tuple(peer.preferences for peer in members)
        self._names = tuple(names)
        special = self._special()
        self._place_of: dict[str, int] = {}
        self._places_in: dict[str, list[int]] = {}
        if special:
            self._place_of.update((name, place) for place, name in enumerate(names))
            for place, peer in enumerate(members):
                self._places_in.setdefault(peer.community, []).append(place)
        self.producers = {place: own.producers for place, own in special if own.producers}
        self.traders = self._traders(special)
        self.asks_for_origins = any(
            own.origins or any(one.type for one in own.producers) for _, own in special
        )
        self._highest = _limits(special, "highest_buying_eur_per_kwh", clock)
        self._lowest = _limits(special, "lowest_selling_eur_per_kwh", clock)
        self._critical_w = {
            place: own.critical_w.values(clock)
            for place, own in special
            if own.critical_w is not None
        }
        self._bids: dict[int, Preference] = {}
        self._offers: dict[tuple[int, str], Preference] = {}

    def limit(self, prices: Numbers, slot: int, is_bid: Flags) -> None:
        """Keep prices, in nano-euro per kWh, within the peers' own limits of a slot, in place."""
        for places, limits in self._highest:
            own = prices[places]
            prices[places] = np.where(is_bid[places], np.minimum(own, limits[slot]), own)
        for places, limits in self._lowest:
            own = prices[places]
            prices[places] = np.where(is_bid[places], own, np.maximum(own, limits[slot]))

    def places_of(self, partner: Partner) -> Sequence[int]:
        """Return the places of the peers chosen by name and community, in their order."""
        inside = range(len(self.of))
        if not partner.peer:
            return self._places_in[partner.community] if partner.community else inside
        place = self._place_of[partner.peer]
        is_there = not partner.community or place in self._places_in[partner.community]
        return [place] if is_there else []

    def of_bid(self, place: int) -> Preference:
        """Return what a peer's bids ask."""
        own = self.of[place]
        if id(own) not in self._bids:
            self._bids[id(own)] = Preference(
                shares_permille=self._shares(own),
                origins=frozenset(own.origins) if own.origins else None,
                priority=own.priority,
                chosen=tuple(map(self._chosen, own.producers)),
                is_choosy=own.producers_only,
            )
        return self._bids[id(own)]

    def lots_of_bid(
        self, place: int, slot: int, energy_uwh: int, uwh_per_w: float
    ) -> list[tuple[int, Preference]]:
        """Return a bid's energy by what it asks: what is critical in that slot, and the rest."""
        asks = self.of_bid(place)
        if place not in self._critical_w:
            return [(energy_uwh, asks)]
        critical_uwh = min(energy_uwh, int(self._critical_w[place][slot] * uwh_per_w))
        lots = [(critical_uwh, asks), (energy_uwh - critical_uwh, replace(asks, priority=0))]
        return [lot for lot in lots if lot[0]]

    def of_offer(self, place: int, origin: str) -> Preference:
        """Return what a peer's offers ask, and that their energy is of this origin."""
        own = self.of[place]
        key = id(own), origin
        if key not in self._offers:
            partners = {self._names[one] for buyer in own.buyers for one in self.places_of(buyer)}
            accepted = frozenset(partners) if own.buyers else None
            self._offers[key] = Preference(partners=accepted, origin=origin)
        return self._offers[key]

    def _shares(self, own: Preferences) -> tuple[tuple[str | Chosen, int], ...]:
        """Return the shares in permille; a name and a place may be the same peers."""
        found: dict[str | Chosen, float] = {}
        for one in own.producers:
            if one.share:
                chosen = self._chosen(one)
                found[chosen] = found.get(chosen, 0.0) + one.share
        parts = apportion(
            round(1000 * sum(found.values())), [round(share * MILLION) for share in found.values()]
        )
        return tuple((chosen, part) for chosen, part in zip(found, parts, strict=True) if part)

    def _chosen(self, partner: Partner) -> Chosen:
        peers = None
        if partner.peer or partner.community:
            peers = frozenset(self._names[one] for one in self.places_of(partner))
        return Chosen(peers, frozenset([partner.type]) if partner.type else None)

    def _special(self) -> list[tuple[int, Preferences]]:
        """Return who wants anything; the homes of a large group are looked at once."""
        different = {id(one): one for one in self.of}
        plain = {key for key, own in different.items() if own == NOTHING}
        if len(plain) == len(different):
            return []
        return [(place, own) for place, own in enumerate(self.of) if id(own) not in plain]

    def _traders(self, special: Sequence[tuple[int, Preferences]]) -> Flags | None:
        """Return who trades with others; None for everybody."""
        found = np.ones(len(self.of), dtype=bool)
        for place, own in special:
            found[place] = own.is_automatic
        return None if found.all() else found


def _limits(
    special: Sequence[tuple[int, Preferences]], name: str, clock: Clock
) -> list[tuple[Numbers, Numbers]]:
    """Return the places that have a limit, and it in each slot, once for each that differs."""
    found: dict[int, tuple[Series, list[int]]] = {}
    for place, own in special:
        series: Series | None = getattr(own, name)
        if series is not None:
            found.setdefault(id(series), (series, []))[1].append(place)
    return [
        (np.array(places), np.maximum(np.rint(series.values(clock) * NANO), 0).astype(np.int64))
        for series, places in found.values()
    ]
