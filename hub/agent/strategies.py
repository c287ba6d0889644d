"""What an agent asks or bids: its limit, the best it may hope for and its margin in, a price out.

Prices are integers (gwei/kWh on the bench, nano-euro/kWh in the simulator), margins permille of
the way from the limit (0) to the best price (1000): a seller's best is the retail tariff, a
buyer's the feed-in tariff. Used by the bench's agents and by the simulator's peers alike.

- truthful: the limit itself;
- zero-intelligence: anywhere between (Gode and Sunder 1993, doi:10.1086/261868);
- adaptive: a margin that grows while everything is traded and shrinks while something is left,
  after the "zero-intelligence-plus" traders of Cliff and Bruten (1997, HP Labs HPL-97-91).
"""

from __future__ import annotations

TRUTHFUL, ZERO_INTELLIGENCE, ADAPTIVE = "truthful", "zero-intelligence", "adaptive"
STRATEGIES = (TRUTHFUL, ZERO_INTELLIGENCE, ADAPTIVE)

WHOLE = 1000
FIRST_MARGIN_PERMILLE = 300
# How far beyond what was reached an adaptive agent aims, and how far it gives way: two that meet
# alone both ask for more after each trade, and a trade missed costs more than a price.
GREED_PERMILLE, GIVE_PERMILLE = 25, 125
LEARNING_PERMILLE = 500  # of the way to its aim that it goes at once


def quote(limit: int, best: int, margin_permille: int) -> int:
    """Return the price at a margin: never beyond the limit, never better than the best."""
    return limit + (best - limit) * margin_permille // WHOLE


def hoped_for(limit: int, best: int, *, is_selling: bool) -> int:
    """Return the best price to hope for: the limit itself where that is better already."""
    return max(limit, best) if is_selling else min(limit, best)


def learn(
    margin_permille: int, limit: int, best: int, *, is_done: bool, price: int | None = None
) -> int:
    """Return the margin for the next window.

    `is_done`: all that was ordered has traded. `price`: what energy traded at, for this agent or,
    where it had no part, for the others; None where nothing was traded.
    """
    reached = margin_permille
    if price is not None and best != limit:
        reached = min(max((price - limit) * WHOLE // (best - limit), 0), WHOLE)
    if is_done:
        aim = max(margin_permille, reached) + GREED_PERMILLE
    else:
        aim = min(margin_permille, reached) - GIVE_PERMILLE
    moved = margin_permille + (aim - margin_permille) * LEARNING_PERMILLE // WHOLE
    return min(max(moved, 0), WHOLE)
