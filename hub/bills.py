"""Bills: registers and settled trades of a peer and a period enter, energy and money leave.

All at the scale of the DC model. What no sensor measures is None: a house without a metered load
has no figure for the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.errors import TruequeError
from hub.store import TradeRow

Registers = Mapping[str, int | None]
HOUSE_METER = "house_meter_uwh"  # beside a board's registers; no trade is settled by it


class UnbalancedBooks(TruequeError):
    """Bills whose sums do not agree: never printed."""


@dataclass(frozen=True)
class Tariffs:
    """What the grid takes and pays for energy."""

    retail_gwei_per_kwh: int
    feed_in_gwei_per_kwh: int

    def cost_wei(self, from_grid_uwh: int) -> int:
        """Return the cost of energy from the grid; what went there costs less than nothing."""
        is_bought = from_grid_uwh >= 0
        return from_grid_uwh * (
            self.retail_gwei_per_kwh if is_bought else self.feed_in_gwei_per_kwh
        )


@dataclass(frozen=True)
class Bill:
    """One peer's period [start_ms, end_ms) of wall time.

    `load_uwh` = `from_own_uwh` + `from_community_uwh` + `from_grid_uwh`, exactly. Negative
    `from_grid_uwh` went to the grid. Own sources are PV and battery, less what was given to the
    bus. `load_source`: who metered the load, the board or a plug. `grid_wei` is for the grid's own
    bill, at the tariffs of the day the bill is made; the contract moves none of it.
    """

    peer: str
    address: str
    start_ms: int
    end_ms: int
    pv_produced_uwh: int | None
    battery_charged_uwh: int | None
    battery_discharged_uwh: int | None
    bus_import_uwh: int | None
    bus_export_uwh: int | None
    load_uwh: int | None
    load_apparent_uvah: int | None
    from_own_uwh: int | None
    from_community_uwh: int
    from_grid_uwh: int | None
    to_community_uwh: int
    trades: int
    paid_wei: int
    earned_wei: int
    fees_wei: int
    net_wei: int
    load_source: str | None = None  # board, or plug: a smart plug that meters the house
    grid_wei: int | None = None


def _rise(before: Registers, after: Registers, name: str) -> int | None:
    first, last = before.get(name), after.get(name)
    return None if first is None or last is None else last - first


def make_bill(
    peer: tuple[str, str],
    span_ms: tuple[int, int],
    registers: tuple[Registers, Registers],
    trades: Iterable[TradeRow],
    model_scale: int,
    tariffs: Tariffs | None = None,
) -> Bill:
    """Make one bill. `peer`: name and address; `registers`: at the start and at the end.

    `trades`: those closed in the span, of anybody.
    """
    name, address = peer
    rise = {key: _rise(*registers, key) for key in registers[1]}
    settled = [trade for trade in trades if trade.state == "settled"]
    bought = [trade for trade in settled if trade.buyer == address]
    sold = [trade for trade in settled if trade.seller == address]
    paid_wei = sum(one.paid_wei or 0 for one in bought)
    fees_wei = sum(one.fee_wei or 0 for one in bought)
    earned_wei = sum((one.paid_wei or 0) - (one.fee_wei or 0) for one in sold)
    from_community = sum(one.settled_uwh or 0 for one in bought)
    source, load = _load_uwh(registers, model_scale)
    own = _own_uwh(rise)
    grid = None if load is None or own is None else load - own - from_community
    return Bill(
        peer=name,
        address=address,
        start_ms=span_ms[0],
        end_ms=span_ms[1],
        pv_produced_uwh=rise.get("pv_export_uwh"),
        battery_charged_uwh=rise.get("battery_import_uwh"),
        battery_discharged_uwh=rise.get("battery_export_uwh"),
        bus_import_uwh=rise.get("bus_import_uwh"),
        bus_export_uwh=rise.get("bus_export_uwh"),
        load_uwh=load,
        load_apparent_uvah=rise.get("load_apparent_uvah"),
        from_own_uwh=own,
        from_community_uwh=from_community,
        from_grid_uwh=grid,
        to_community_uwh=sum(one.settled_uwh or 0 for one in sold),
        trades=len(bought) + len(sold),
        paid_wei=paid_wei,
        earned_wei=earned_wei,
        fees_wei=fees_wei,  # of what was paid
        net_wei=earned_wei - paid_wei,
        load_source=source,
        grid_wei=None if grid is None or tariffs is None else tariffs.cost_wei(grid),
    )


def _load_uwh(
    registers: tuple[Registers, Registers], model_scale: int
) -> tuple[str | None, int | None]:
    """Return who metered the load, and the load at the model's scale.

    Both ends are rounded, not their difference: so the bills of days add up to that of the month.
    """
    for meter, name in (("board", "load_import_uwh"), ("plug", HOUSE_METER)):
        first, last = (one.get(name) for one in registers)
        if first is not None and last is not None:
            return meter, last // model_scale - first // model_scale
    return None, None


def _own_uwh(rise: Mapping[str, int | None]) -> int | None:
    """Return what own PV and battery gave the house; None when neither is metered."""
    pv, bus = rise.get("pv_export_uwh"), rise.get("bus_export_uwh")
    charged, discharged = rise.get("battery_import_uwh"), rise.get("battery_export_uwh")
    if bus is None or (pv is None and discharged is None):
        return None
    return (pv or 0) + (discharged or 0) - (charged or 0) - bus


def check(bills: Sequence[Bill], trades: Iterable[TradeRow]) -> None:
    """Raise UnbalancedBooks unless the bills of all peers add up to the trades, to the uWh."""
    settled = [trade for trade in trades if trade.state == "settled"]
    energy_uwh = sum(trade.settled_uwh or 0 for trade in settled)
    money_wei = sum(trade.paid_wei or 0 for trade in settled)
    fees_wei = sum(trade.fee_wei or 0 for trade in settled)
    sums = {
        "energy bought": (sum(bill.from_community_uwh for bill in bills), energy_uwh),
        "energy sold": (sum(bill.to_community_uwh for bill in bills), energy_uwh),
        "money paid": (sum(bill.paid_wei for bill in bills), money_wei),
        "money earned": (sum(bill.earned_wei for bill in bills), money_wei - fees_wei),
    }
    for what, (billed, traded) in sums.items():
        if billed != traded:
            raise UnbalancedBooks(f"{what}: bills say {billed}, settled trades {traded}")
    for bill in bills:
        if bill.load_uwh is None or bill.from_own_uwh is None or bill.from_grid_uwh is None:
            continue
        if bill.load_uwh != bill.from_own_uwh + bill.from_community_uwh + bill.from_grid_uwh:
            raise UnbalancedBooks(f"{bill.peer}: the load is not the sum of its parts")
