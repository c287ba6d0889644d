"""Preferences: each one on a book where it decides, and the assignment against a programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from hub.market.assignment import assign
from hub.market.clearing import clear_uniform
from hub.market.network import DistanceCharge, FeederCharge
from hub.market.preferences import Rules, clear_preferred
from hub.market.records import Chosen, Clearing, MarketRefusal, Order, Preference
from tests.host.market.books import assert_lawful, order, random_books
from tests.host.thorough import examples


def met(clearing: Clearing) -> dict[tuple[object, object], int]:
    return {(trade.bid, trade.offer): trade.energy_uwh for trade in clearing.trades}


def wishing(one: Order, **wishes: object) -> Order:
    return replace(one, preference=Preference(**wishes))  # type: ignore[arg-type]


CHEAP, DEAR = order("S1", "roof", 4, 10), order("S2", "wind", 4, 14)


def test_preferred_meets_the_chosen_producer_when_another_is_cheaper() -> None:
    bid = wishing(order("B1", "home", 3, 20), partners=frozenset({"wind"}))
    clearing = clear_preferred([bid, CHEAP, DEAR], Rules())
    assert met(clearing) == {("B1", "S2"): 3}
    assert clearing.price_exact == 17  # (20 + 14)/2


def test_preferred_divides_a_bid_when_producers_are_chosen_by_share() -> None:
    # 70 % of 10 from wind, which has only 4; 20 % from the roof; 10 % from anyone: the roof.
    bid = wishing(order("B1", "home", 10, 20), shares_permille=(("wind", 700), ("roof", 200)))
    clearing = clear_preferred([bid, CHEAP, DEAR], Rules())
    assert met(clearing) == {("B1", "S2"): 4, ("B1", "S1"): 3}


WIND = Chosen(origins=frozenset({"wind"}))
ROOF = Chosen(peers=frozenset({"roof"}))


def test_preferred_divides_a_bid_when_a_kind_is_chosen_by_share() -> None:
    # Half of 6 from wind, whoever makes it; the mill's wind is dear, the rest comes cheap.
    bid = wishing(order("B1", "home", 6, 20), shares_permille=((WIND, 500),))
    windy = wishing(order("S2", "mill", 2, 18), origin="wind")
    clearing = clear_preferred([bid, CHEAP, windy], Rules())
    assert met(clearing) == {("B1", "S1"): 3, ("B1", "S2"): 2}


def test_preferred_takes_only_chosen_producers_when_a_bid_is_choosy() -> None:
    bid = wishing(order("B1", "home", 9, 20), chosen=(WIND,), is_choosy=True)
    offers = [CHEAP, wishing(DEAR, origin="wind")]
    assert met(clear_preferred([bid, *offers], Rules())) == {("B1", "S2"): 4}
    nobody = wishing(bid, is_choosy=True)
    assert met(clear_preferred([nobody, *offers], Rules())) == {}


def test_preferred_meets_the_dearest_producer_when_it_costs_nobody_anything() -> None:
    alike = [order(f"S{n}", peer, 4, 10) for n, peer in enumerate(["roof", "wind", "mill"], 1)]
    bids = [order("B1", "other", 4, 20, 1), order("B2", "home", 4, 20, 2)]
    likes = wishing(bids[1], chosen=(ROOF, Chosen(peers=frozenset({"mill"}))))
    assert met(clear_preferred([*bids, *alike], Rules())) == {("B1", "S1"): 4, ("B2", "S2"): 4}
    clearing = clear_preferred([bids[0], likes, *alike], Rules())
    assert met(clearing) == {("B1", "S2"): 4, ("B2", "S1"): 4}
    # The roof gone, the second of the chosen comes next.
    assert met(clear_preferred([likes, *alike[1:]], Rules())) == {("B2", "S3"): 4}


def test_preferred_trades_the_same_energy_when_a_poor_bid_likes_the_only_cheap_offer() -> None:
    bids = [wishing(order("B1", "poor", 4, 12), chosen=(ROOF,)), order("B2", "home", 4, 20)]
    assert met(clear_preferred([*bids, CHEAP, DEAR], Rules())) == {("B2", "S1"): 4}


def test_preferred_refuses_when_the_book_is_too_large() -> None:
    bids = [wishing(order(f"B{n}", f"b{n}", 1, 2), chosen=(ROOF,)) for n in range(2001)]
    offers = [order(f"S{n}", f"s{n}", 1, 1) for n in range(2000)]
    with pytest.raises(MarketRefusal, match="2,001 bids and 2,000 offers are too many"):
        clear_preferred(bids + offers, Rules())


@given(random_books(peers=5), st.data())
@settings(deadline=None)
def test_preferred_keeps_welfare_and_energy_when_peers_like_any_producers(
    orders: list[Order], data: st.DataObject
) -> None:
    names = st.frozensets(st.sampled_from([f"peer-{n}" for n in range(1, 6)]))
    chosen = st.lists(st.builds(Chosen, names), max_size=3).map(tuple)
    book = [replace(one, preference=Preference(chosen=data.draw(chosen))) for one in orders]
    plain, liking = clear_preferred(orders, Rules()), clear_preferred(book, Rules())
    assert_lawful(book, liking)
    assert (liking.welfare_wei, liking.energy_uwh) == (plain.welfare_wei, plain.energy_uwh)


def test_preferred_sells_to_accepted_buyers_only_when_an_offer_names_them() -> None:
    offer = wishing(CHEAP, partners=frozenset({"friend"}))
    bids = [order("B1", "stranger", 4, 30), order("B2", "friend", 4, 20)]
    assert met(clear_preferred([*bids, offer], Rules())) == {("B2", "S1"): 4}


def test_preferred_takes_renewable_energy_only_when_a_bid_asks_for_it() -> None:
    bid = wishing(order("B1", "home", 4, 20), origins=frozenset({"solar", "wind"}))
    offers = [wishing(CHEAP, origin="diesel"), wishing(DEAR, origin="wind")]
    assert met(clear_preferred([bid, *offers], Rules())) == {("B1", "S2"): 4}


def test_preferred_serves_the_critical_load_first_when_energy_is_short() -> None:
    clinic = wishing(order("B1", "clinic", 3, 12), priority=1)
    rich = order("B2", "villa", 3, 30)
    clearing = clear_preferred([clinic, rich, CHEAP], Rules())
    assert met(clearing) == {("B1", "S1"): 3, ("B2", "S1"): 1}


def test_preferred_serves_higher_classes_first_when_there_are_several() -> None:
    bids = [
        wishing(order(f"B{n}", f"p{n}", 2, 30 - n), priority=priority)
        for n, priority in enumerate([0, 2, 7])
    ]
    assert met(clear_preferred([*bids, CHEAP], Rules())) == {("B2", "S1"): 2, ("B1", "S1"): 2}


def test_preferred_keeps_limits_when_a_critical_load_bids_too_little() -> None:
    clinic = wishing(order("B1", "clinic", 3, 9), priority=1)
    assert met(clear_preferred([clinic, CHEAP], Rules())) == {}


def test_preferred_stays_in_the_community_when_outsiders_pay_more() -> None:
    bids = [order("B1", "north-2", 4, 15), order("B2", "south-1", 4, 30)]
    offer = order("S1", "north-1", 4, 10)
    community = {"north-1": "north", "north-2": "north", "south-1": "south"}
    assert met(clear_preferred([*bids, offer], Rules())) == {("B2", "S1"): 4}
    inside = clear_preferred([*bids, offer], Rules(community_of=community))
    assert met(inside) == {("B1", "S1"): 4}
    assert inside.welfare_wei < clear_preferred([*bids, offer], Rules()).welfare_wei


def test_preferred_buys_near_when_the_network_charge_outweighs_the_price() -> None:
    # 3 km at 2 gwei/kWh/km make S1 cost 10 + 6, S2 next door 14 + 0.
    charge = DistanceCharge({"home": (0, 0), "roof": (3_000, 0), "wind": (0, 0)}, 2)
    clearing = clear_preferred([order("B1", "home", 4, 20), CHEAP, DEAR], Rules(charge))
    assert met(clearing) == {("B1", "S2"): 4}
    far = clear_preferred([order("B1", "home", 6, 20), CHEAP, DEAR], Rules(charge))
    (to_roof,) = [trade for trade in far.trades if trade.offer == "S1"]
    # (20 + 10 + 6)/2 = 18; the seller gets 12 and the network 6 of it.
    assert (to_roof.buy_gwei_per_kwh, to_roof.sell_gwei_per_kwh) == (18, 12)
    assert far.surplus_wei == to_roof.energy_uwh * 6


def test_distance_charge_rounds_up_when_it_is_a_fraction() -> None:
    charge = DistanceCharge({"a": (0, 0), "b": (300, 400)}, 3)
    assert charge("a", "b") == 2  # 0.5 km x 3 = 1.5
    with pytest.raises(MarketRefusal, match="does not know where c is"):
        charge("a", "c")


def test_feeder_charge_follows_the_cable_when_houses_are_on_branches() -> None:
    # a - 300 m - knot - 200 m - b; c hangs 1000 m behind b.
    parent = {"a": ("knot", 300), "b": ("knot", 200), "c": ("b", 1000), "knot": ("root", 50)}
    charge = FeederCharge(parent, 10)
    assert charge("a", "b") == charge("b", "a") == 5  # 500 m
    assert charge("c", "b") == 10
    assert charge("a", "c") == 15
    with pytest.raises(MarketRefusal, match="no cable joins a and z"):
        charge("a", "z")


@pytest.mark.parametrize("shares", [(("x", 600), ("y", 500)), (("x", 0),), (("x", 1), ("x", 2))])
def test_preference_refuses_when_shares_are_wrong(shares: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(MarketRefusal):
        Preference(shares_permille=shares)


@given(random_books())
def test_preferred_reaches_the_welfare_of_merit_order_when_nobody_prefers(
    orders: list[Order],
) -> None:
    free = clear_preferred(orders, Rules(lambda buyer, seller: 0))
    assert_lawful(orders, free)
    merit = clear_uniform(orders)
    clearing = clear_preferred(orders, Rules())
    assert_lawful(orders, clearing)
    assert (free.welfare_wei, free.energy_uwh) == (merit.welfare_wei, merit.energy_uwh)
    assert (clearing.welfare_wei, clearing.energy_uwh) == (merit.welfare_wei, merit.energy_uwh)


@given(random_books(peers=6), st.data())
@settings(deadline=None)
def test_preferred_is_lawful_and_critical_first_when_wishes_are_any(
    orders: list[Order], data: st.DataObject
) -> None:
    peers = st.frozensets(st.sampled_from([f"peer-{n}" for n in range(1, 7)]))
    wishes = st.builds(Preference, st.none() | peers, priority=st.integers(0, 2))
    book = [replace(one, preference=data.draw(wishes)) for one in orders]
    rules = Rules(lambda buyer, seller: len(set(buyer) ^ set(seller)), {"peer-1": "n"})
    clearing = clear_preferred(book, rules)
    assert_lawful(book, clearing)
    # Nothing serves critical loads better: alone in the book they get as much.
    rest = [one for one in book if one.side == "offer" or one.preference.priority == 2]
    alone = clear_preferred(rest, rules)
    critical = {one.order_id for one in book if one.preference.priority == 2}
    served = sum(trade.energy_uwh for trade in clearing.trades if trade.bid in critical)
    assert served == alone.energy_uwh


gains = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(-9, 20), max_size=25
)
limits = st.lists(st.integers(0, 9), min_size=5, max_size=5)


@given(gains, limits, limits)
@settings(max_examples=examples(300))
def test_assignment_gains_as_much_as_a_linear_programme_when_pairs_are_any(
    gain: dict[tuple[int, int], int], demand: list[int], supply: list[int]
) -> None:
    found = assign(gain, demand, supply)
    for at in range(5):
        assert sum(uwh for (bid, _), uwh in found.items() if bid == at) <= demand[at]
        assert sum(uwh for (_, offer), uwh in found.items() if offer == at) <= supply[at]
    total = sum(gain[arc] * uwh for arc, uwh in found.items())
    if not gain:
        assert found == {}
        return
    room = np.zeros((10, len(gain)))
    for column, (bid, offer) in enumerate(gain):
        room[bid, column] = room[5 + offer, column] = 1
    costs = -np.array(list(gain.values()), dtype=float)
    most = linprog(costs - 1e-4, A_ub=room, b_ub=demand + supply, method="highs")
    best = linprog(costs, A_ub=room, b_ub=demand + supply, method="highs")
    assert total == pytest.approx(-best.fun)
    assert sum(found.values()) == pytest.approx(most.x.sum(), abs=1e-6)


@given(gains, limits, limits)
def test_assignment_is_the_same_when_gains_exceed_64_bits(
    gain: dict[tuple[int, int], int], demand: list[int], supply: list[int]
) -> None:
    large = {arc: one * 10**30 for arc, one in gain.items()}
    assert assign(large, demand, supply) == assign(gain, demand, supply)
