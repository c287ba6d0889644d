"""The orders of a slot: what peers need and have enters, an order book leaves.

A peer has one order. With mechanism `preferred` its offer is divided by the energy's sources where
anyone asks for them, and its bid into what is critical and the rest. With `mcafee`, which is about
single units, every order is divided into equal ones, and what is less is left to the grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.errors import BadInput
from hub.market.records import BID, INDIFFERENT, OFFER, Order, Preference
from hub.sim.community import Community
from hub.sim.origins import Mix

Values = npt.NDArray[np.float64]

UWH_PER_WH = 1e6
MOST_UNITS = 20_000  # of a slot; each is an order
PREFERRED, MCAFEE = "preferred", "mcafee"

Lots = list[tuple[int, Preference]]
"""Energy of each of a peer's orders in uWh, with what it asks."""


def orders_of(
    community: Community,
    slot: int,
    positions_w: Values,
    prices: list[int],
    mix: tuple[Mix | None, int],
) -> list[Order]:
    """Return the orders of slot `slot` of the run, in random order of time.

    `positions_w` is positive for who needs energy; `prices` are in nano-euro per kWh; `mix` is that
    of a block (None where nobody asks) with the slot's row in it. Energies are rounded down, so
    that nobody trades more than it has. `peer_of` tells whose an order is.
    """
    chance = np.random.default_rng([community.market.seed, 2, slot])
    turn = chance.permutation(community.size)
    orders = []
    for peer, position_w in enumerate(positions_w.tolist()):
        is_bid = position_w > 0
        energy_uwh = int(abs(position_w) * community.clock.slot_hours * UWH_PER_WH)
        if energy_uwh == 0:
            continue
        lots = _lots(community, slot, (peer, is_bid, energy_uwh), mix)
        for number, (lot_uwh, preference) in enumerate(lots):
            orders.append(
                Order(
                    peer + number * community.size,
                    community.names[peer],
                    BID if is_bid else OFFER,
                    lot_uwh,
                    prices[peer],
                    int(turn[peer]),
                    preference,
                )
            )
        if len(orders) > MOST_UNITS and community.market.mechanism == MCAFEE:
            raise BadInput(
                f"{community.path}, [market], unit_wh: {community.market.unit_wh:g} Wh divide the "
                f"orders of {community.clock.label(slot)} into more than {MOST_UNITS:,} units; "
                "choose larger ones"
            )
    return orders


def peer_of(community: Community, order_id: int | str) -> int:
    """Return the place of the peer whose order it is."""
    assert isinstance(order_id, int)
    return order_id % community.size


def _lots(
    community: Community, slot: int, order: tuple[int, bool, int], mix: tuple[Mix | None, int]
) -> Lots:
    """Return how an order is divided: its peer, whether it is a bid, and its energy."""
    peer, is_bid, energy_uwh = order
    mechanism = community.market.mechanism
    if mechanism == MCAFEE:
        unit_uwh = round(community.market.unit_wh * UWH_PER_WH)
        return [(unit_uwh, INDIFFERENT)] * min(energy_uwh // unit_uwh, MOST_UNITS + 1)
    if mechanism != PREFERRED:
        return [(energy_uwh, INDIFFERENT)]
    wishes = community.wishes
    if is_bid:
        uwh_per_w = community.clock.slot_hours * UWH_PER_WH
        return wishes.lots_of_bid(peer, slot, energy_uwh, uwh_per_w)
    if mix[0] is None:
        return [(energy_uwh, wishes.of_offer(peer, ""))]
    parts = mix[0].parts(mix[1], peer, energy_uwh)
    return [(part_uwh, wishes.of_offer(peer, source)) for source, part_uwh in parts]
