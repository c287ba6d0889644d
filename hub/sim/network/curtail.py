"""Curtails what causes a violation: settled flows and what sellers must hold back enter, flows
whose sellers give less and whose buyers take the rest from the grid leave.

What a seller feeds into the grid goes first; only then its trades, each in the same proportion. A
buyer of a curtailed trade gets its money back and buys from the grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW, Community
from hub.sim.pairing import pair_up
from hub.sim.settle import Settled

Values = npt.NDArray[np.float64]


def curtail(
    community: Community, start: int, flows: Settled, cut_w: Values
) -> tuple[Settled, list[Pair]]:
    """Return the flows of a block from slot `start` on after cuts in W, and the energy of the
    trades (as pairs) that fell away. `flows` is changed in place."""
    from_grid_w = np.minimum(flows.export_w, cut_w)
    flows.export_w[:] -= from_grid_w
    lost: list[Pair] = []
    kept_pairs = [one for one in flows.pairs]
    for row in np.flatnonzero((cut_w - from_grid_w).any(axis=1)).tolist():
        lost += _cut_trades(community, start + row, row, flows, (cut_w - from_grid_w)[row])
    if flows.pairs and lost:
        gone = {(one.slot, one.seller, one.buyer): one.energy_kwh for one in lost}
        kept_pairs = [_less(one, gone) for one in flows.pairs]
    return _with_pairs(flows, tuple(one for one in kept_pairs if one.energy_kwh > 0)), lost


def _cut_trades(
    community: Community, slot: int, row: int, flows: Settled, cut_w: Values
) -> list[Pair]:
    """Take back the sellers' trades of one slot by the share they are cut."""
    market, hours = community.market, community.clock.slot_hours
    kept = 1 - market.loss_permille / 1000
    sold_w, bought_w = flows.sold_w[row].copy(), flows.bought_w[row].copy()
    share = np.divide(cut_w, sold_w, out=np.zeros_like(cut_w), where=sold_w > 0)
    share = np.minimum(share, 1.0)
    lost = []
    for seller, buyer, arrived_kw, price in _met(community, slot, row, flows):
        if share[seller] <= 0:
            continue
        gone_w = arrived_kw * W_PER_KW * share[seller]
        money = gone_w / W_PER_KW * price
        fee = flows.fee[row, buyer] * gone_w / bought_w[buyer] if bought_w[buyer] > 0 else 0.0
        flows.sold_w[row, seller] -= gone_w / kept
        flows.bought_w[row, buyer] -= gone_w
        flows.import_w[row, buyer] += gone_w
        flows.earned[row, seller] -= money
        flows.paid[row, buyer] -= money
        flows.fee[row, buyer] -= fee
        bought_w[buyer] -= gone_w
        lost.append(Pair(slot, seller, buyer, gone_w / W_PER_KW * hours, price))
    np.maximum(flows.sold_w, 0.0, out=flows.sold_w)
    np.maximum(flows.bought_w, 0.0, out=flows.bought_w)
    return lost


def _met(
    community: Community, slot: int, row: int, flows: Settled
) -> list[tuple[int, int, float, float]]:
    """Return seller, buyer, kW that arrived and the price of each trade of a slot."""
    hours = community.clock.slot_hours
    if flows.pairs:
        return [
            (one.seller, one.buyer, one.energy_kwh / hours, one.price_eur_per_kwh)
            for one in flows.pairs
            if one.slot == slot
        ]
    kept = 1 - community.market.loss_permille / 1000
    bought_kw = flows.bought_w[row] / W_PER_KW
    price = np.divide(flows.paid[row], bought_kw, out=np.zeros_like(bought_kw), where=bought_kw > 0)
    return [
        (seller, buyer, power_kw, float(price[buyer]))
        for seller, buyer, power_kw in pair_up(
            community, flows.sold_w[row] * kept / W_PER_KW, bought_kw
        )
    ]


def _less(pair: Pair, gone: dict[tuple[int, int, int], float]) -> Pair:
    energy = gone.get((pair.slot, pair.seller, pair.buyer), 0.0)
    return Pair(
        pair.slot, pair.seller, pair.buyer, pair.energy_kwh - energy, pair.price_eur_per_kwh
    )


def _with_pairs(flows: Settled, pairs: tuple[Pair, ...]) -> Settled:
    return Settled(
        flows.import_w,
        flows.export_w,
        flows.bought_w,
        flows.sold_w,
        flows.paid,
        flows.earned,
        flows.fee,
        pairs,
        flows.pool,
    )
