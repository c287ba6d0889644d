"""What trading gained: settled trades and the grid's tariffs enter, money per house leaves.

Without the market a buyer would have paid the retail tariff for the same energy, and a seller been
paid the feed-in tariff; what differs from that is the gain. Wei = uWh x gwei/kWh, exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hub.store import TradeRow


def gains(
    trades: Iterable[TradeRow],
    tariffs_gwei_per_kwh: tuple[int, int],
    name_of: Callable[[str], str | None],
) -> dict[str, Any]:
    """Return {gained_wei, energy_uwh, houses{name: {...}}} of settled trades.

    `tariffs_gwei_per_kwh`: retail and feed-in. A house's `with_wei` is what it paid less what it
    earned, `without_wei` the same with the grid alone; negative is income. `name_of` an account is
    None for a stranger, who then goes by the address.
    """
    retail, feed_in = tariffs_gwei_per_kwh
    houses: dict[str, dict[str, int]] = {}
    energy_uwh = 0
    for trade in trades:
        if trade.state != "settled" or not trade.settled_uwh:
            continue
        moved_uwh, paid_wei = trade.settled_uwh, trade.paid_wei or 0
        energy_uwh += moved_uwh
        buyer = _house(houses, name_of(trade.buyer) or trade.buyer)
        seller = _house(houses, name_of(trade.seller) or trade.seller)
        buyer["bought_uwh"] += moved_uwh
        buyer["with_wei"] += paid_wei
        buyer["without_wei"] += moved_uwh * retail
        seller["sold_uwh"] += moved_uwh
        seller["with_wei"] -= paid_wei - (trade.fee_wei or 0)
        seller["without_wei"] -= moved_uwh * feed_in
    for house in houses.values():
        house["gained_wei"] = house["without_wei"] - house["with_wei"]
    return {
        "energy_uwh": energy_uwh,
        "gained_wei": sum(house["gained_wei"] for house in houses.values()),
        "houses": dict(sorted(houses.items())),
    }


def _house(houses: dict[str, dict[str, int]], name: str) -> dict[str, int]:
    names = ("bought_uwh", "sold_uwh", "with_wei", "without_wei", "gained_wei")
    return houses.setdefault(name, dict.fromkeys(names, 0))
