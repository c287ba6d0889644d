"""Who gets what energy and pays what: positions of a block of slots enter, settled flows leave.

A position is load + charging - discharging - generation, positive for a deficit, in W. Peers of a
community exchange min(surplus, deficit) in proportion; the rest is with the grid at its tariffs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.bidding import Bidders
from hub.sim.book import Pair, clear_slots
from hub.sim.community import W_PER_KW, Community, Tariff
from hub.sim.pairing import pair_up
from hub.sim.prices import internal_price
from hub.sim.scenario import Market
from hub.sim.shared import SharedStore

Values = npt.NDArray[np.float64]
M_PER_KM = 1000.0


@dataclass(frozen=True)
class Pooled:
    """What went through the community's battery: given and drawn in W, paid and earned in EUR/h,
    (slots, peers), and per slot what its operator got in EUR/h and the charge in Wh."""

    given_w: Values
    drawn_w: Values
    paid: Values
    earned: Values
    operator: Values
    stored_wh: Values


@dataclass
class Memory:
    """What the market remembers from block to block: its learners, and who owns what is stored."""

    bidders: Bidders
    pool: SharedStore | None

    @classmethod
    def of(cls, community: Community) -> Memory:
        """Return the memory of a run's beginning. Nobody shares a battery where nobody trades."""
        has_pool = community.shared_battery is not None and community.market.design != "none"
        return cls(Bidders(community), SharedStore(community) if has_pool else None)


@dataclass(frozen=True)
class Settled:
    """Flows in W and money in EUR/h, (slots, peers); every price is EUR/kWh, per slot.

    `sold_w` leaves the sellers, `bought_w` reaches the buyers; between them are the losses. Buyers
    pay for what reaches them. `paid` and `earned` are for trades between peers, `fee` goes to the
    network operator; a peer's cost is import r + paid + fee - export f - earned.
    """

    import_w: Values
    export_w: Values
    bought_w: Values
    sold_w: Values
    paid: Values
    earned: Values
    fee: Values
    pairs: tuple[Pair, ...] = ()  # who met whom, where a book decided it
    pool: Pooled | None = None
    is_ordered: bool = False  # by forecast: who bought too much exports the rest, and so on

    def cost(self, tariff: Tariff) -> Values:
        """Return each peer's cost in EUR/h, negative for income."""
        grid = self.import_w * tariff.retail[:, None] - self.export_w * tariff.feed_in[:, None]
        cost = grid / W_PER_KW + self.paid + self.fee - self.earned
        return cost if self.pool is None else cost + self.pool.paid - self.pool.earned


class _Rest:
    """What of the positions is not matched yet, and the trades so far."""

    def __init__(self, position_w: Values) -> None:
        self.deficit_w = np.maximum(position_w, 0.0)
        self.surplus_w = self.deficit_w - position_w
        self.bought_w = np.zeros_like(position_w)
        self.sold_w = np.zeros_like(position_w)
        self.paid = np.zeros_like(position_w)
        self.earned = np.zeros_like(position_w)

    def net_w(self, members: npt.NDArray[np.bool_], market: Market) -> Values:
        """Return the members' deficit less what their surplus would bring, per slot."""
        kept = 1 - market.loss_permille / 1000
        return self.deficit_w[:, members].sum(axis=1) - kept * self.surplus_w[:, members].sum(
            axis=1
        )

    def share(self, members: npt.NDArray[np.bool_] | None, market: Market, tariff: Tariff) -> None:
        """Match the members' (None: everybody's) surplus and deficit in proportion."""
        chosen = slice(None) if members is None else members
        deficit_w, surplus_w = self.deficit_w[:, chosen], self.surplus_w[:, chosen]
        kept = 1 - market.loss_permille / 1000
        need_w, offer_w = deficit_w.sum(axis=1), surplus_w.sum(axis=1) * kept
        traded_w = np.minimum(need_w, offer_w)
        ratio = _ratio(offer_w, need_w, np.inf)
        price = (
            internal_price(
                market.mechanism,
                ratio,
                tariff.retail,
                tariff.feed_in,
                market.compensation_eur_per_kwh,
            )
            / W_PER_KW
        )
        bought_w = deficit_w * _ratio(traded_w, need_w, 0.0)[:, None]
        arrived_w = surplus_w * (kept * _ratio(traded_w, offer_w, 0.0))[:, None]
        sold_w = arrived_w if kept == 1 else arrived_w / kept
        self.bought_w[:, chosen] += bought_w
        self.sold_w[:, chosen] += sold_w
        self.paid[:, chosen] += bought_w * price[:, None]
        self.earned[:, chosen] += arrived_w * price[:, None]
        self.deficit_w[:, chosen] = deficit_w - bought_w
        self.surplus_w[:, chosen] = surplus_w - sold_w

    def exchange(self, pairs: list[Pair], start: int, kept: float, slot_hours: float) -> None:
        """Book the trades of the block that starts at slot `start`; `kept` of them arrives."""
        for pair in pairs:
            row = pair.slot - start
            power_w = pair.energy_kwh * W_PER_KW / slot_hours
            self.bought_w[row, pair.buyer] += power_w
            self.sold_w[row, pair.seller] += power_w / kept
            self.paid[row, pair.buyer] += pair.energy_kwh / slot_hours * pair.price_eur_per_kwh
            self.earned[row, pair.seller] += pair.energy_kwh / slot_hours * pair.price_eur_per_kwh
        self.deficit_w = np.maximum(self.deficit_w - self.bought_w, 0.0)
        self.surplus_w = np.maximum(self.surplus_w - self.sold_w, 0.0)

    def use_pool(
        self, pool: SharedStore, tariff: Tariff, traders: npt.NDArray[np.bool_] | None
    ) -> Pooled:
        """Store what is left of surpluses, and draw for what is left of deficits."""
        slots, peers = self.deficit_w.shape
        given, drawn, paid, earned = (np.zeros((slots, peers)) for _ in range(4))
        operator, stored_wh = np.zeros(slots), np.zeros(slots)
        member = np.ones(peers) if traders is None else traders.astype(float)
        for row in range(slots):
            prices = float(tariff.retail[row]), float(tariff.feed_in[row])
            one = pool.step(self.surplus_w[row] * member, self.deficit_w[row] * member, *prices)
            given[row], drawn[row], paid[row] = one.given_w, one.drawn_w, one.paid
            earned[row], operator[row], stored_wh[row] = one.earned, one.operator, pool.stored_wh
        self.surplus_w = np.maximum(self.surplus_w - given, 0.0)
        self.deficit_w = np.maximum(self.deficit_w - drawn, 0.0)
        return Pooled(given, drawn, paid, earned, operator, stored_wh)

    def settled(self, market: Market, pairs: list[Pair], pool: Pooled | None) -> Settled:
        """Return the flows with the grid taking what is left."""
        return Settled(
            np.maximum(self.deficit_w, 0.0),
            np.maximum(self.surplus_w, 0.0),
            self.bought_w,
            self.sold_w,
            self.paid,
            self.earned,
            self.bought_w * (market.network_eur_per_kwh / W_PER_KW),
            tuple(pairs),
            pool,
        )


def _ratio(above: Values, below: Values, otherwise: float) -> Values:
    return np.divide(above, below, out=np.full(len(above), otherwise), where=below > 0)


def settle(
    community: Community, start: int, position_w: Values, tariff: Tariff, memory: Memory
) -> Settled:
    """Settle a block from slot `start` on by the scenario's design; `tariff` is the block's."""
    market = community.market
    rest = _Rest(position_w)
    traders = trading_peers(community)
    pairs: list[Pair] = []
    if market.design in ("centralised", "decentralised"):
        trades = slice(None) if traders is None else traders
        kept = 1 - market.loss_permille / 1000
        need_w, offer_w = np.zeros_like(position_w), np.zeros_like(position_w)
        need_w[:, trades] = rest.deficit_w[:, trades]
        offer_w[:, trades] = rest.surplus_w[:, trades] * kept
        pairs = clear_slots(memory.bidders, community, start, (need_w, offer_w), tariff)
        rest.exchange(pairs, start, kept, community.clock.slot_hours)
    if market.design == "community":
        rest.share(traders, market, tariff)
    elif market.design == "hybrid":
        members = _members(community, traders)
        inside = [rest.net_w(one, market) for one in members]
        for one, own_tariff in zip(members, _tariffs_inside(inside, tariff), strict=True):
            rest.share(one, market, own_tariff)
        rest.share(traders, _between(market), tariff)
    pooled = None if memory.pool is None else rest.use_pool(memory.pool, tariff, traders)
    settled = rest.settled(market, pairs, pooled)
    if market.network_eur_per_kwh_km > 0:
        settled.fee[:] += _distance_fee(community, start, settled)
    return settled


def _distance_fee(community: Community, start: int, settled: Settled) -> Values:
    """Return what buyers pay in EUR/h for the way their energy came, beeline, in each slot."""
    market, hours = community.market, community.clock.slot_hours
    places = np.full((community.size, 2), np.nan)
    for number, peer in enumerate(community.peers):
        if peer.position_m is not None:
            places[number] = peer.position_m
    fee = np.zeros_like(settled.fee)
    kept = 1 - market.loss_permille / 1000
    if settled.pairs:
        met = [(p.slot - start, p.seller, p.buyer, p.energy_kwh / hours) for p in settled.pairs]
    else:
        met = [
            (row, *pair)
            for row in np.flatnonzero(settled.bought_w.any(axis=1)).tolist()
            for pair in pair_up(
                community, settled.sold_w[row] * kept / W_PER_KW, settled.bought_w[row] / W_PER_KW
            )
        ]
    for row, seller, buyer, power_kw in met:
        km = float(np.hypot(*(places[seller] - places[buyer]))) / M_PER_KM
        fee[row, buyer] += power_kw * market.network_eur_per_kwh_km * km
    return fee


def _members(
    community: Community, traders: npt.NDArray[np.bool_] | None
) -> list[npt.NDArray[np.bool_]]:
    """Return the trading members of each community as a mask over all peers."""
    names = np.array(community.communities)
    everybody = np.ones(community.size, dtype=bool) if traders is None else traders
    return [(names == name) & everybody for name in dict.fromkeys(community.communities)]


def _tariffs_inside(net_w: list[Values], tariff: Tariff) -> list[Tariff]:
    """Return the tariffs that each community's own price is formed between.

    A community with a deficit buys from the others at the middle of the grid's prices before it
    buys from the grid, so its retail price is the mean of the two; likewise its feed-in price when
    it has a surplus: as `hub.market.nesting.settle_hybrid`.
    """
    deficit_w = sum((np.maximum(one, 0.0) for one in net_w), np.zeros(len(tariff.retail)))
    surplus_w = sum((np.maximum(-one, 0.0) for one in net_w), np.zeros(len(tariff.retail)))
    middle = (tariff.retail + tariff.feed_in) / 2
    met_w = np.minimum(deficit_w, surplus_w)
    retail = tariff.retail + _ratio(met_w, deficit_w, 0.0) * (middle - tariff.retail)
    feed_in = tariff.feed_in + _ratio(met_w, surplus_w, 0.0) * (middle - tariff.feed_in)
    return [
        Tariff(
            np.where(one > 0, retail, tariff.retail),
            np.where(one > 0, tariff.feed_in, feed_in),
            tariff.co2_kg_per_kwh,
        )
        for one in net_w
    ]


def _between(market: Market) -> Market:
    """Return the terms between communities: bilateral, at the middle of the grid's prices."""
    return Market(mechanism="mid-market-rate", loss_permille=market.loss_permille)


def trading_peers(community: Community) -> npt.NDArray[np.bool_] | None:
    """Return who trades with others; None for everybody."""
    automatic = [peer.preferences.is_automatic for peer in community.peers]
    if all(automatic):
        return None
    return np.array(automatic + [True] * (community.size - len(automatic)))
