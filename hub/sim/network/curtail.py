"""Curtails what causes a violation: settled flows and what peers must give enter, flows whose
sellers give less and whose buyers take less leave.

What goes through the grid goes first; only then a peer's trades, each in the same proportion. A
buyer of a seller's curtailed trade gets its money back and buys from the grid; a seller whose buyer
must take less feeds into the grid what it had sold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hub.sim.book import Pair
from hub.sim.community import W_PER_KW, Community
from hub.sim.origins import Mix
from hub.sim.pairing import pair_up
from hub.sim.settle import Settled

Values = npt.NDArray[np.float64]


def curtail(
    community: Community, start: int, flows: Settled, change_w: Values, mix: Mix | None = None
) -> tuple[Settled, list[Pair]]:
    """Return the flows of a block from slot `start` on after peers changed their positions by
    `change_w` (up: feed in less; down: take less), and the energy of the trades (as pairs) that
    fell away. The arrays of `flows` are changed in place. `mix`: as `hub.sim.settle`."""
    fallen: list[Pair] = []
    hours, kept = community.clock.slot_hours, 1 - community.market.loss_permille / 1000
    for flow_w, wanted_w, is_of_seller in (
        (flows.export_w, np.maximum(change_w, 0.0), True),
        (flows.import_w, np.maximum(-change_w, 0.0), False),
    ):
        from_grid_w = np.minimum(flow_w, wanted_w)
        flow_w -= from_grid_w
        rest_w = wanted_w - from_grid_w
        lost: list[Pair] = []
        for row in np.flatnonzero(rest_w.any(axis=1)).tolist():
            met = _met(community, start, row, flows, mix)
            lost += _cut_trades(met, (row, hours, kept), flows, rest_w[row], is_of_seller)
        flows = _without(flows, lost)
        fallen += lost
    return flows, fallen


def _cut_trades(
    met: list[Pair], at: tuple[int, float, float], flows: Settled, cut_w: Values, is_of_seller: bool
) -> list[Pair]:
    """Take back the sellers' or the buyers' trades of one slot by the share they are cut.

    `at`: the slot's row, its hours, and which share of energy sold arrives.
    """
    row, hours, kept = at
    bought_w = flows.bought_w[row].copy()
    traded_w = flows.sold_w[row] if is_of_seller else bought_w
    share = np.divide(cut_w, traded_w, out=np.zeros_like(cut_w), where=traded_w > 0)
    share = np.minimum(share, 1.0)
    lost = []
    for pair in met:
        seller, buyer = pair.seller, pair.buyer
        gone_w = pair.energy_kwh / hours * W_PER_KW * share[seller if is_of_seller else buyer]
        if gone_w <= 0:
            continue
        money = gone_w / W_PER_KW * pair.price_eur_per_kwh
        fee = flows.fee[row, buyer] * gone_w / bought_w[buyer] if bought_w[buyer] > 0 else 0.0
        flows.sold_w[row, seller] -= gone_w / kept
        flows.bought_w[row, buyer] -= gone_w
        if is_of_seller:
            flows.import_w[row, buyer] += gone_w
        else:
            flows.export_w[row, seller] += gone_w / kept
        flows.earned[row, seller] -= money
        flows.paid[row, buyer] -= money
        flows.fee[row, buyer] -= fee
        bought_w[buyer] -= gone_w
        lost.append(replace(pair, energy_kwh=gone_w / W_PER_KW * hours))
    np.maximum(flows.sold_w, 0.0, out=flows.sold_w)
    np.maximum(flows.bought_w, 0.0, out=flows.bought_w)
    return lost


def _met(community: Community, start: int, row: int, flows: Settled, mix: Mix | None) -> list[Pair]:
    """Return the trades of a slot, with the energy that arrived."""
    slot, hours = start + row, community.clock.slot_hours
    if flows.pairs:
        return [one for one in flows.pairs if one.slot == slot]
    kept = 1 - community.market.loss_permille / 1000
    bought_kw = flows.bought_w[row] / W_PER_KW
    price = np.divide(flows.paid[row], bought_kw, out=np.zeros_like(bought_kw), where=bought_kw > 0)
    sold_kw, sources = flows.sold_w[row] * kept / W_PER_KW, () if mix is None else mix.main(row)
    return [
        Pair(slot, seller, buyer, power_kw * hours, float(price[buyer]))
        for seller, buyer, power_kw in pair_up(community, sold_kw, bought_kw, sources=sources)
    ]


def _without(flows: Settled, lost: list[Pair]) -> Settled:
    """Return the flows whose pairs lack what was lost of them."""
    if not flows.pairs or not lost:
        return flows
    gone = {replace(one, energy_kwh=0.0): one.energy_kwh for one in lost}
    left = (
        replace(one, energy_kwh=one.energy_kwh - gone.get(replace(one, energy_kwh=0.0), 0.0))
        for one in flows.pairs
    )
    return replace(flows, pairs=tuple(one for one in left if one.energy_kwh > 0))
