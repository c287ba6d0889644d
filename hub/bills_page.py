"""Bills as people read them: checked bills enter, one HTML page that prints well leaves."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import jinja2

from hub.amounts import energy_text, price_text, small_money_text
from hub.billing import Billed, of_peer
from hub.bills import Bill
from hub.config import SiteConfig
from hub.store import IdentityRow, TradeRow

_METERS = (
    ("pv_produced_uwh", "Produced by own PV"),
    ("battery_charged_uwh", "Charged into the battery"),
    ("battery_discharged_uwh", "Taken from the battery"),
    ("bus_import_uwh", "Taken from the bus"),
    ("bus_export_uwh", "Given to the bus"),
)
_NOT_METERED = "not metered"
_WIDEST_PERCENT = Decimal(100)


def bills_page(
    config: SiteConfig,
    identity: IdentityRow | None,
    names: Mapping[str, str],
    periods: Iterable[Billed],
    peer: str | None = None,
) -> str:
    """Return the page, one bill a sheet; `names`: address -> name; `peer`: only that one's."""
    shown = [
        _bill(config, bill, of_peer(billed.trades, bill.address), names)
        for billed in periods
        for bill in billed.bills
        if peer in (None, bill.peer)
    ]
    scale = config.site.model_scale
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hub", "bill_templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    note = (
        f"All energy at the scale of the DC model, 1:{scale}."
        if scale != 1
        else "All energy as metered."
    )
    return environment.get_template("bills.html").render(
        site=config.site.name,
        bills=shown,
        contract=identity.address if identity else None,
        chain_id=identity.chain_id if identity else None,
        scale_note=f"{note} 1 mWh is 1,000 µWh, 1 ETH is 1,000,000,000 gwei; times are "
        f"{config.clock.zone}'s.",
    )


def _bill(
    config: SiteConfig, bill: Bill, trades: list[TradeRow], names: Mapping[str, str]
) -> dict[str, Any]:
    split = _split(bill)
    return {
        "peer": bill.peer,
        "address": bill.address,
        "period": _period(bill, config.zone),
        "paid": small_money_text(bill.paid_wei),
        "fees": small_money_text(bill.fees_wei),
        "earned": small_money_text(bill.earned_wei),
        "net_label": "Earned in all" if bill.net_wei >= 0 else "Paid in all",
        "net": small_money_text(abs(bill.net_wei)),
        "split": split,
        "shares": _shares(split),
        "shares_text": ", ".join(f"{row['name']}: {row['energy']}" for row in split),
        "load": _energy(bill.load_uwh),
        "load_label": "Used in the house",
        "load_note": _load_note(bill),
        "grid": _grid_note(bill),
        "meters": [(text, _energy(getattr(bill, name))) for name, text in _METERS],
        "trades": [_trade(config, bill.address, trade, names) for trade in trades],
        "has_fees": bool(bill.fees_wei),
    }


def _split(bill: Bill) -> list[dict[str, Any]]:
    """Return the three sources; each with its energy as an integer and as text."""
    grid = bill.from_grid_uwh
    rows = [
        ("own", "Own PV and battery", bill.from_own_uwh),
        ("community", "Neighbours", bill.from_community_uwh),
        ("grid", "Grid" if grid is None or grid >= 0 else "Grid (given to it)", grid),
    ]
    return [
        {"kind": kind, "name": name, "uwh": uwh, "energy": _energy(uwh)} for kind, name, uwh in rows
    ]


def _shares(split: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the bar's widths, of what was taken; none where a source is not metered."""
    if any(row["uwh"] is None for row in split):
        return []
    total = sum(max(row["uwh"], 0) for row in split)
    if not total:
        return []
    return [
        {
            "kind": row["kind"],
            "percent": round(_WIDEST_PERCENT * max(row["uwh"], 0) / total, 2),
        }
        for row in split
    ]


def _load_note(bill: Bill) -> str:
    if bill.load_source == "plug":
        return "The house was metered by its smart plug."
    if bill.load_uwh is None:
        return (
            "This board has no voltage sensor at the mains, and no plug meters the house: what it "
            "used, and the grid's share, are not known."
        )
    return ""


def _grid_note(bill: Bill) -> str:
    if bill.grid_wei is None or bill.from_grid_uwh == 0:
        return ""
    what = "The grid's share costs" if bill.grid_wei >= 0 else "What went to the grid earns"
    amount = small_money_text(abs(bill.grid_wei))
    return f"{what} {amount} at the grid's tariff; the contract moves none of it."


def _trade(
    config: SiteConfig, address: str, trade: TradeRow, names: Mapping[str, str]
) -> dict[str, Any]:
    is_bought = trade.buyer == address
    other = trade.seller if is_bought else trade.buyer
    paid_wei, fee_wei = trade.paid_wei or 0, trade.fee_wei or 0
    moment = datetime.datetime.fromtimestamp((trade.closed_at_ms or 0) / 1000, config.zone)
    return {
        "number": trade.trade_id,
        "when": f"{moment:%Y-%m-%d %H:%M}",
        "way": "bought from" if is_bought else "sold to",
        "other": names.get(other) or f"{other[:10]}…",
        "energy": energy_text(trade.settled_uwh or 0),
        "price": price_text(
            trade.price_gwei_per_kwh - (0 if is_bought else trade.fee_gwei_per_kwh)
        ),
        "fee": small_money_text(fee_wei) if is_bought and fee_wei else "",
        "amount": small_money_text(paid_wei) if is_bought else small_money_text(paid_wei - fee_wei),
    }


def _energy(uwh: int | None) -> str:
    return _NOT_METERED if uwh is None else energy_text(uwh)


def _period(bill: Bill, zone: datetime.tzinfo) -> str:
    start, end = (
        datetime.datetime.fromtimestamp(at_ms / 1000, zone)
        for at_ms in (bill.start_ms, bill.end_ms)
    )
    is_days = start.time() == end.time() == datetime.time()
    if is_days and end - start <= datetime.timedelta(hours=25):
        return f"{start:%A, %d %B %Y}"
    if is_days:
        last = end - datetime.timedelta(days=1)
        return f"{start:%d %B %Y} to {last:%d %B %Y}"
    return f"{start:%d %B %Y %H:%M} to {end:%d %B %Y %H:%M}"
