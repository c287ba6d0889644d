"""What a window and an order allow: a wish in, silence or one sentence of refusal out. Pure.

The contract enforces the same; asking it first would cost a peer a reverted transaction and tell
it less.
"""

from __future__ import annotations

from hub import amounts
from hub.errors import TruequeError
from hub.store import OrderRow, WindowRow


class Refused(TruequeError):
    """A request that the market does not allow; `field` names the form field to blame, if one."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def check_terms(window: WindowRow, energy_uwh: int, price: int) -> None:
    """Check an order against its window's limits."""
    if not window.min_energy_uwh <= energy_uwh <= window.max_energy_uwh:
        raise Refused(
            f"This window takes orders from {amounts.energy_text(window.min_energy_uwh)} to "
            f"{amounts.energy_text(window.max_energy_uwh)}.",
            "energy",
        )
    if not window.min_price_gwei_per_kwh <= price <= window.max_price_gwei_per_kwh:
        raise Refused(
            f"This window takes prices from {amounts.price_text(window.min_price_gwei_per_kwh)} "
            f"to {amounts.price_text(window.max_price_gwei_per_kwh)}.",
            "price",
        )


def check_not_frozen(window: WindowRow, now_s: float) -> None:
    """Check that a book which is cleared may still change."""
    if window.bid_end_s <= now_s < window.clear_by_s:
        raise Refused("This window is being cleared: its orders can no longer be changed.")


def check_part(energy_uwh: int, left_uwh: int, least_uwh: int) -> None:
    """Check that a take leaves nothing, or enough for another one."""
    if energy_uwh > left_uwh:
        raise Refused(f"Only {amounts.energy_text(left_uwh)} of that order is left.", "energy")
    if energy_uwh < least_uwh:
        raise Refused(f"The smallest trade is {amounts.energy_text(least_uwh)}.", "energy")
    if 0 < left_uwh - energy_uwh < least_uwh:
        raise Refused(
            f"That would leave {amounts.energy_text(left_uwh - energy_uwh)}, less than the "
            f"smallest trade of {amounts.energy_text(least_uwh)}: take all of it or less.",
            "energy",
        )


def check_limit(order: OrderRow, limit: int) -> None:
    """Check that the order's price is within the taker's limit."""
    price = order.price_gwei_per_kwh
    if price > limit if order.is_offer else price < limit:
        raise Refused(
            f"The order's price of {amounts.price_text(price)} is beyond your limit of "
            f"{amounts.price_text(limit)}.",
            "price",
        )
