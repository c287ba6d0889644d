"""Who gets what energy and pays what: positions of a block of slots enter, settled flows leave.

A position is load + charging - discharging - generation, positive for a deficit, in W. Peers of a
community exchange min(surplus, deficit) in proportion, where fees and losses leave a gain; the rest
is with the grid at its tariffs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hub.sim.bidding import Bidders
from hub.sim.book import Pair, clear_slots
from hub.sim.community import W_PER_KW, Community, Tariff
from hub.sim.meeting import Meeting, Shared, is_gaining
from hub.sim.origins import Mix
from hub.sim.prices import internal_price
from hub.sim.rounds import Chosen, Round, net_of, ratio, rounds_of
from hub.sim.scenario import Market
from hub.sim.shared import SharedStore
from hub.sim.worth import arriving_share, worth

Values = npt.NDArray[np.float64]


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
    """What the market remembers from block to block: its learners, and who owns what is stored.

    `meeting` pairs peers under a community price, where that has to be known: where the way costs,
    and with details in a hybrid market, whose prices differ from pair to pair.
    """

    bidders: Bidders
    pool: SharedStore | None
    meeting: Meeting | None = None

    @classmethod
    def of(cls, community: Community, *, has_details: bool = False) -> Memory:
        """Return the memory of a run's beginning. Nobody shares a battery where nobody trades."""
        market = community.market
        has_pool = community.shared_battery is not None and market.design != "none"
        meets = market.network_eur_per_kwh_km > 0 or (has_details and market.design == "hybrid")
        return cls(
            Bidders(community),
            SharedStore(community) if has_pool else None,
            Meeting(community) if meets else None,
        )


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
        self.fee: Values | float = 0.0  # what a clearing left to the operator

    def net_w(self, members: Chosen, market: Market) -> Values:
        """Return the members' deficit less what their surplus would bring, per slot."""
        return net_of(self.deficit_w[:, members], self.surplus_w[:, members], market)

    def share(self, one: Round) -> Shared:
        """Match surplus and deficit in proportion, at a price between the round's."""
        chosen, market, inside = one.chosen, one.terms, one.inside
        deficit_w, surplus_w = self.deficit_w[:, chosen], self.surplus_w[:, chosen]
        kept = arriving_share(market)
        need_w, offer_w = deficit_w.sum(axis=1), surplus_w.sum(axis=1) * kept
        traded_w = np.where(inside.retail >= inside.feed_in, np.minimum(need_w, offer_w), 0.0)
        price = internal_price(
            market.mechanism,
            ratio(offer_w, need_w, np.inf),
            inside.retail,
            inside.feed_in,
            market.compensation_eur_per_kwh,
        )
        bought_w = deficit_w * ratio(traded_w, need_w, 0.0)[:, None]
        arrived_w = surplus_w * (kept * ratio(traded_w, offer_w, 0.0))[:, None]
        offered_w = surplus_w if kept == 1 else surplus_w * kept
        return Shared(deficit_w, offered_w, bought_w, arrived_w, price)

    def book(self, chosen: Chosen, shared: Shared, market: Market) -> None:
        """Book what the chosen share at a price, and take it off what is left to match."""
        bought_w, arrived_w = shared.bought_w, shared.arrived_w
        kept = arriving_share(market)
        sold_w = arrived_w if kept == 1 else arrived_w / kept
        per_w = (shared.price / W_PER_KW)[:, None]
        self.bought_w[:, chosen] += bought_w
        self.sold_w[:, chosen] += sold_w
        self.paid[:, chosen] += bought_w * per_w
        self.earned[:, chosen] += arrived_w * per_w
        self.deficit_w[:, chosen] -= bought_w
        self.surplus_w[:, chosen] -= sold_w

    def exchange(self, pairs: list[Pair], start: int, kept: float, slot_hours: float) -> None:
        """Book the trades of the block that starts at slot `start`; `kept` of them arrives."""
        fee = np.zeros_like(self.paid)
        for pair in pairs:
            row = pair.slot - start
            power_w = pair.energy_kwh * W_PER_KW / slot_hours
            self.bought_w[row, pair.buyer] += power_w
            self.sold_w[row, pair.seller] += power_w / kept
            self.paid[row, pair.buyer] += pair.energy_kwh / slot_hours * pair.price_eur_per_kwh
            self.earned[row, pair.seller] += pair.energy_kwh / slot_hours * pair.price_eur_per_kwh
            fee[row, pair.buyer] += pair.energy_kwh / slot_hours * pair.fee_eur_per_kwh
        self.fee = fee
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
            self.bought_w * (market.network_eur_per_kwh / W_PER_KW) + self.fee,
            tuple(pairs),
            pool,
        )


def settle(
    community: Community,
    start: int,
    position_w: Values,
    tariff: Tariff,
    memory: Memory,
    mix: Mix | None = None,
) -> Settled:
    """Settle a block from slot `start` on by the scenario's design; `tariff` is the block's.

    `mix`: what the peers' energy comes from, where anyone's wishes ask for it.
    """
    market = community.market
    rest = _Rest(position_w)
    traders = community.wishes.traders
    pairs: list[Pair] = []
    if market.design in ("centralised", "decentralised"):
        pairs = _clear(community, rest, _Span(start, tariff, mix), memory, traders)
    inside = worth(market, tariff)
    for one in rounds_of(community, inside, lambda members: rest.net_w(members, market)):
        shared = rest.share(one)
        if memory.meeting is not None:
            shared, met = memory.meeting.of(start, one.chosen, shared, inside.retail, mix)
            pairs += met
        rest.book(one.chosen, shared, market)
    pooled = None if memory.pool is None else rest.use_pool(memory.pool, tariff, traders)
    settled = rest.settled(market, pairs, pooled)
    if memory.meeting is not None and market.network_eur_per_kwh_km > 0:
        settled.fee[:] += memory.meeting.fee(start, pairs, settled.fee.shape)
    return settled


@dataclass(frozen=True)
class _Span:
    """A block's first slot, its tariff, and what its energy comes from where anyone asks."""

    start: int
    tariff: Tariff
    mix: Mix | None


def _clear(
    community: Community,
    rest: _Rest,
    span: _Span,
    memory: Memory,
    traders: npt.NDArray[np.bool_] | None,
) -> list[Pair]:
    """Clear the block's books; a pair whose way costs more than it gains does not trade."""
    market, kept = community.market, arriving_share(community.market)
    trades = slice(None) if traders is None else traders
    need_w, offer_w = np.zeros_like(rest.deficit_w), np.zeros_like(rest.deficit_w)
    need_w[:, trades] = rest.deficit_w[:, trades]
    offer_w[:, trades] = rest.surplus_w[:, trades] * kept
    pairs = clear_slots(
        memory.bidders, community, span.start, (need_w, offer_w), span.tariff, span.mix
    )
    inside = worth(market, span.tariff)
    ways = None if memory.meeting is None else memory.meeting.charge
    pairs = [one for one in pairs if is_gaining(one, one.slot - span.start, inside, ways)]
    rest.exchange(pairs, span.start, kept, community.clock.slot_hours)
    return pairs
