"""Orders with preferences and a community's rules enter, the best permitted clearing leaves.

A pair is permitted when the peers differ, each accepts the other, the bid takes the offer's origin,
and the bid is above the offer by at least the pair's network charge. Among permitted matchings the
clearing maximises, each only where the one before leaves a choice:
1. energy to the highest priority class, then to the next, down to class 1 (critical loads);
2. with `Rules.community_of`: energy traded inside the members' own communities;
3. welfare less network charges; 4. energy;
5. energy from the producers that bids like to meet: of n of them a unit from the first counts n, of
   the last 1. It comes last, so that liking an offer takes it from nobody who would pay more.

Buyer and seller halve what the pair gains after the charge: the buyer pays (b + o + c)/2 rounded
down, the seller gets that less c. Every trade stays within both limits whatever came first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.market.amounts import apportion
from hub.market.assignment import Arc, assign
from hub.market.bilateral import halfway
from hub.market.merit import match_orders, merit_order
from hub.market.records import (
    BID,
    INDIFFERENT,
    Chosen,
    Clearing,
    MarketRefusal,
    Match,
    Order,
    check_book,
    conclude,
    priced,
)

MOST_PAIRS = 4_000_000  # bids x offers: minutes, and some gigabyte


def no_charge(buyer: str, seller: str) -> int:
    """Return the network charge of a network that charges nothing."""
    return 0


@dataclass(frozen=True)
class Rules:
    """What a community has agreed. The defaults leave welfare as the only aim.

    `charge`: gwei/kWh that energy from one peer to another costs on the network (network.py), to
    the operator. `community_of`: where each peer belongs, for own community first; a peer not in
    it belongs nowhere.
    """

    charge: Callable[[str, str], int] = no_charge
    community_of: Mapping[str, str] = field(default_factory=dict)

    def is_inside(self, bid: Order, offer: Order) -> bool:
        """Tell whether two orders are of one community."""
        home = self.community_of.get(bid.peer)
        return home is not None and home == self.community_of.get(offer.peer)


@dataclass(frozen=True)
class _Lot:
    """Energy of one order that asks the same of everybody; `only` narrows it to some producers."""

    order: Order
    energy_uwh: int
    only: Chosen | None = None


def clear_preferred(orders: Sequence[Order], rules: Rules) -> Clearing:
    """Clear with preferences; network charges are the clearing's `surplus_wei`.

    Raises MarketRefusal on equal ids and on more than MOST_PAIRS. Exact. Time grows with the number
    of pairs times orders: for books of some hundred orders (nesting.py divides larger ones). Where
    nobody prefers anything, merit order decides, in no time.
    """
    check_book(orders)
    matches = _match_by_merit(orders) if _is_indifferent(orders, rules) else _match(orders, rules)
    trades = []
    for match in matches:
        charge = rules.charge(match.bid.peer, match.offer.peer)
        trades.append(priced(match, halfway(match, charge), charge))
    return conclude("preferred", orders, matches, trades)


def _is_indifferent(orders: Sequence[Order], rules: Rules) -> bool:
    """Tell whether nothing but price can decide, so that merit order does."""
    has_rules = rules.charge is not no_charge or bool(rules.community_of)
    return not has_rules and all(order.preference == INDIFFERENT for order in orders)


def _match_by_merit(orders: Sequence[Order]) -> list[Match]:
    return [match for part in match_orders(orders) for match in part.matches]


def _match(orders: Sequence[Order], rules: Rules) -> list[Match]:
    """Return the best permitted matches, sorted by bid, then offer."""
    bids, offers = merit_order(orders)
    if len(bids) * len(offers) > MOST_PAIRS:
        raise MarketRefusal(
            f"{len(bids):,} bids and {len(offers):,} offers are too many to clear with preferences "
            f"(bids x offers at most {MOST_PAIRS:,}): divide the market into communities"
        )
    demand = [lot for bid in bids for lot in _lots(bid)]
    supply = [_Lot(offer, offer.energy_uwh) for offer in offers]
    charges = _charges(demand, supply, rules)
    gain = _gains(demand, supply, charges, rules)
    energies = [[lot.energy_uwh for lot in side] for side in (demand, supply)]
    place = {bid.order_id: at for at, bid in enumerate(bids)}
    moved_uwh: dict[tuple[int, int], int] = defaultdict(int)
    for (at, to), energy_uwh in assign(gain, *energies).items():
        moved_uwh[place[demand[at].order.order_id], to] += energy_uwh
    return [Match(bids[at], offers[to], uwh) for (at, to), uwh in sorted(moved_uwh.items())]


def is_permitted(bid: Order, offer: Order) -> bool:
    """Tell whether the preferences of both orders allow the pair."""
    wants, gives = bid.preference, offer.preference
    return (
        bid.peer != offer.peer
        and (wants.partners is None or offer.peer in wants.partners)
        and (gives.partners is None or bid.peer in gives.partners)
        and (wants.origins is None or gives.origin in wants.origins)
        and (not wants.is_choosy or _liking(bid, offer) > 0)
    )


def _liking(bid: Order, offer: Order) -> int:
    """Return what a unit from the offer counts among the bid's chosen producers, 0 of others."""
    chosen = bid.preference.chosen
    for place, one in enumerate(chosen):
        if one.is_of(offer.peer, offer.preference.origin):
            return len(chosen) - place
    return 0


def _lots(order: Order) -> list[_Lot]:
    """Return a bid as one lot for each chosen producer and one for anyone accepted."""
    shares = order.preference.shares_permille
    if order.side != BID or not shares:
        return [_Lot(order, order.energy_uwh)]
    rest = 1000 - sum(share for _, share in shares)
    parts = apportion(order.energy_uwh, [share for _, share in shares] + [rest])
    chosen = [Chosen(frozenset([one])) if isinstance(one, str) else one for one, _ in shares]
    return [_Lot(order, uwh, only) for uwh, only in zip(parts, [*chosen, None], strict=True) if uwh]


def _charges(demand: list[_Lot], supply: list[_Lot], rules: Rules) -> dict[Arc, int]:
    """Return the network charge of every permitted pair."""
    charges = {}
    for at, lot in enumerate(demand):
        for to, other in enumerate(supply):
            bid, offer = lot.order, other.order
            if not is_permitted(bid, offer):
                continue
            if lot.only is not None and not lot.only.is_of(offer.peer, offer.preference.origin):
                continue
            charge = rules.charge(bid.peer, offer.peer)
            if bid.price_gwei_per_kwh - offer.price_gwei_per_kwh >= charge:
                charges[at, to] = charge
    return charges


def _gains(
    demand: list[_Lot], supply: list[_Lot], charges: Mapping[Arc, int], rules: Rules
) -> dict[Arc, int]:
    """Return each pair's gain with the aims before welfare as weights that nothing outweighs.

    Two matchings differ along paths of at most `longest` pairs, so a weight of more than that
    times the greatest sum of lesser ones decides.
    """
    gain = {}
    for (at, to), charge in charges.items():
        bid, offer = demand[at].order, supply[to].order
        gain[at, to] = bid.price_gwei_per_kwh - offer.price_gwei_per_kwh - charge
    longest = 2 * min(len(demand), len(supply)) + 2
    greatest = max(gain.values(), default=0) + 1
    # Without communities the numbers stay small, and with them the arithmetic fast.
    inside_weight = longest * greatest if rules.community_of else 0
    greatest += inside_weight
    classes = sorted({lot.order.preference.priority for lot in demand})
    class_weight = {}
    for priority in (one for one in classes if one > 0):
        class_weight[priority] = longest * greatest
        greatest += class_weight[priority]
    for at, to in gain:
        bid, offer = demand[at].order, supply[to].order
        if rules.is_inside(bid, offer):
            gain[at, to] += inside_weight
        gain[at, to] += class_weight.get(bid.preference.priority, 0)
    return _with_liking(gain, demand, supply, longest)


def _with_liking(
    gain: dict[Arc, int], demand: list[_Lot], supply: list[_Lot], longest: int
) -> dict[Arc, int]:
    """Return the gains with liked producers as the last aim, after energy (`assign` counts it so:
    twice the gain, plus one)."""
    liking = {(at, to): _liking(demand[at].order, supply[to].order) for at, to in gain}
    most = max(liking.values(), default=0)
    if most == 0:
        return gain
    scale = longest * most + 1
    return {arc: (2 * one + 1) * scale + liking[arc] for arc, one in gain.items()}
