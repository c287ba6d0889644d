"""Checks energy and money of every slot: flows enter, nothing leaves or `OutOfBalance` is raised.

The sums are formed from the results alone, another way than they were computed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.errors import TruequeError
from hub.sim.clock import Clock
from hub.sim.community import W_PER_KW, Inputs, Tariff
from hub.sim.settle import Settled

Values = npt.NDArray[np.float64]

RELATIVE = 1e-9  # of the largest term; doubles keep 16 digits
SMALLEST = 1e-6  # W or EUR/h


class OutOfBalance(TruequeError):
    """Energy or money appeared or vanished: an error of the program, not of the scenario."""


def check_energy(
    clock: Clock, start: int, inputs: Inputs, battery_w: Values, curtailed_w: Values, flows: Settled
) -> None:
    """Check every peer and the community in each slot of a block that starts at slot `start`.

    A peer: import + bought + drawn + generation - curtailed = load + charging + export + sold +
    given, the last of each side with the community's battery.
    The community: what was bought and what was lost on the way is what was sold, and nobody buys
    and sells, or imports and exports, at once; nor takes and gives in any other way, unless it
    ordered by a forecast and then needed less than it bought, or had less than it sold.
    """
    supply_w = flows.import_w + flows.bought_w + inputs.generation_w - curtailed_w
    use_w = inputs.load_w + battery_w + flows.export_w + flows.sold_w
    if flows.pool is not None:
        supply_w, use_w = supply_w + flows.pool.drawn_w, use_w + flows.pool.given_w
    _check(clock, start, "energy of a peer", supply_w - use_w, np.abs(supply_w) + np.abs(use_w))
    both_w = np.minimum(flows.import_w + flows.bought_w, flows.export_w + flows.sold_w)
    if flows.is_ordered:
        both_w = np.minimum(flows.import_w, flows.export_w)
        both_w += np.minimum(flows.bought_w, flows.sold_w)
    _check(clock, start, "energy taken and given at once", both_w, np.abs(supply_w))


def check_trades(clock: Clock, start: int, flows: Settled, loss_permille: float) -> None:
    """Check that energy bought is energy sold less losses, and money paid is money earned."""
    sold_w = flows.sold_w.sum(axis=1) * (1 - loss_permille / 1000)
    bought_w = flows.bought_w.sum(axis=1)
    _check(clock, start, "energy traded", bought_w - sold_w, sold_w)
    paid, earned = flows.paid.sum(axis=1), flows.earned.sum(axis=1)
    _check(clock, start, "money traded", paid - earned, np.abs(paid))


def check_money(clock: Clock, start: int, flows: Settled, tariff: Tariff) -> None:
    """Check that what the peers pay together is what grid and network operator get."""
    cost = flows.cost(tariff).sum(axis=1)
    grid = (
        flows.import_w.sum(axis=1) * tariff.retail - flows.export_w.sum(axis=1) * tariff.feed_in
    ) / W_PER_KW
    operators = flows.fee.sum(axis=1)
    if flows.pool is not None:
        operators = operators + flows.pool.operator
    _check(clock, start, "money", cost - grid - operators, np.abs(cost) + np.abs(grid))


def _check(clock: Clock, start: int, what: str, difference: Values, scale: Values) -> None:
    wrong = np.abs(difference) > SMALLEST + RELATIVE * scale
    # A value that is not a number compares false both ways: ask for it by name.
    wrong |= ~np.isfinite(difference)
    if not wrong.any():
        return
    slot = int(np.argwhere(wrong)[0][0])
    amount = np.abs(difference[slot]).max()
    raise OutOfBalance(f"{clock.label(start + slot)}: {what} is out of balance by {amount:g}")
