"""The report of one full window: the store, the contract and the bench enter, plain JSON leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from hub.chain.records import Totals
from hub.config import SiteConfig
from hub.coordinator.books import MECHANISMS
from hub.gain import gains
from hub.keys import Keys
from hub.oracle.terms import block_uwh
from hub.store import DeliveryRow, PlanRow, Store, TradeRow, WindowRow

BENCH_FILE = "bench.json"
BOTH_SIGNED = 3  # bits of TradeRow.signatures
LEAST_TRADE_UWH = 5_000
WITHIN_PERMILLE = 10  # of the energy agreed, or one metering block


class Contract(Protocol):
    """What the report needs of hub.chain.client.MarketClient."""

    def totals(self) -> Totals: ...


def build(
    config: SiteConfig,
    store: Store,
    keys: Keys,
    totals: Totals,
    parts: Mapping[str, str],
    window_ids: Sequence[int] = (),
) -> dict[str, Any]:
    """Return the report (DESIGN.md section 9) of some windows, or of all when none is named.

    `parts` names the broker and the chain that ran.
    """
    peers, plans, market = store.peers(), store.plans(), config.market
    trades = [trade for trade in store.trades() if not window_ids or trade.window_id in window_ids]
    versions = sorted({one.firmware for one in store.latest_statuses().values() if one.firmware})
    return {
        "houses": len(config.houses),
        "firmware": f"trueque {', '.join(versions)} on MicroPython" if versions else "",
        **parts,
        "market": config.market.kind,
        "windows": [
            window_record(window, plans.get(window.window_id))
            for window in reversed(store.windows())
            if not window_ids or window.window_id in window_ids
        ],
        "trades": [trade_record(trade, store.deliveries(trade.trade_id), keys) for trade in trades],
        "gain": gains(
            trades, (market.retail_gwei_per_kwh, market.feed_in_gwei_per_kwh), keys.peer_name
        ),
        "money": {
            "deposited_wei": sum(peer.deposited_wei for peer in peers),
            "balances_wei": totals.balances_wei,
            "escrow_wei": totals.escrow_wei,
            "withdrawn_wei": sum(peer.withdrawn_wei for peer in peers),
            "contract_wei": totals.contract_wei,
        },
        "relays": relay_record(config.boards_dir / BENCH_FILE),
        "messages": store.message_counts(),
    }


def window_record(window: WindowRow, plan: PlanRow | None) -> dict[str, Any]:
    """Return how a window's orders became trades, and its prices where it published some."""
    return {
        "window_id": window.window_id,
        "mechanism": MECHANISMS.get(window.mechanism, "bilateral"),
        "stage": plan.stage if plan else None,
        "community": plan.community if plan else None,
        "is_cleared": window.is_cleared,
        "sell_gwei_per_kwh": window.sell_gwei_per_kwh,
        "buy_gwei_per_kwh": window.buy_gwei_per_kwh,
    }


def trade_record(trade: TradeRow, attempts: list[DeliveryRow], keys: Keys) -> dict[str, Any]:
    """Return a trade with what the meters saw, what was paid, and how long each step took."""
    last = attempts[-1] if attempts else None
    return {
        "trade_id": trade.trade_id,
        "window_id": trade.window_id,
        "seller": keys.peer_name(trade.seller) or trade.seller,
        "buyer": keys.peer_name(trade.buyer) or trade.buyer,
        "agreed_uwh": trade.energy_uwh,
        "seller_metered_uwh": trade.seller_metered_uwh,
        "buyer_metered_uwh": trade.buyer_metered_uwh,
        "settled_uwh": trade.settled_uwh,
        "price_gwei_per_kwh": trade.price_gwei_per_kwh,
        "fee_gwei_per_kwh": trade.fee_gwei_per_kwh,
        "fee_wei": trade.fee_wei,
        "paid_wei": trade.paid_wei,
        "refunded_wei": trade.refunded_wei,
        "state": trade.state,
        "signed": trade.signatures == BOTH_SIGNED,
        "attempts": len(attempts),
        "reason": last.reason if last else None,
        "latency_ms": _latencies(trade, last),
    }


def _latencies(trade: TradeRow, last: DeliveryRow | None) -> dict[str, int | None]:
    """Match to command counts the wait for the delivery window and for the turn on the bus."""
    names = ("match_to_command", "command_to_relay", "report_to_settled")
    if last is None:
        return dict.fromkeys(names)
    steps = (
        (trade.matched_at_ms, last.commanded_at_ms),
        (last.commanded_at_ms, last.relay_closed_at_ms),
        (last.finished_at_ms, last.settled_at_ms),  # both reports were in
    )
    return {name: _span(*step) for name, step in zip(names, steps, strict=True)}


def _span(start_ms: int | None, end_ms: int | None) -> int | None:
    return None if start_ms is None or end_ms is None else end_ms - start_ms


def relay_record(path: Path) -> dict[str, Any]:
    """Return what the bench saw of the relays; violations are None when there is no bench."""
    try:
        violations = json.loads(path.read_text(encoding="utf-8"))["violations"]
    except (OSError, ValueError, KeyError):
        return {"violations": None}
    if isinstance(violations, Mapping):
        return {"violations": violations["total"], "kinds": violations.get("kinds", {})}
    return {"violations": len(violations) if isinstance(violations, list) else violations}


def problems(report: Mapping[str, Any], config: SiteConfig) -> list[str]:
    """Return why a window was not as it should be, one sentence each; empty when it was."""
    found = []
    trades, money = report["trades"], report["money"]
    wanted = max(1, len(config.houses) // 2)
    if config.market.kind == "mcafee":
        wanted = max(0, wanted - 1)  # the last pair is left out where no next one gives a price
    if len(trades) < wanted:
        found.append(f"{len(trades)} trades, wanted at least {wanted}")
    for trade in trades:
        found += _trade_problems(trade, block_uwh(config.bus))
    if money["contract_wei"] != money["balances_wei"] + money["escrow_wei"]:
        found.append("the contract's wei are not its balances and escrow")
    if money["deposited_wei"] != money["contract_wei"] + money["withdrawn_wei"]:
        found.append("the contract's wei are not what was deposited less what was withdrawn")
    violations = report["relays"]["violations"]
    if violations is None and config.site.kind == "bench":
        found.append("nobody watched the relays: no bench ran")
    elif violations:
        found.append(f"relay violations: {violations}")
    return found


def _trade_problems(trade: Mapping[str, Any], one_block_uwh: int) -> list[str]:
    name = f"trade {trade['trade_id']}"
    if trade["state"] != "settled":
        return [f"{name} is {trade['state']}, not settled"]
    found = []
    agreed_uwh = trade["agreed_uwh"]
    if trade["settled_uwh"] < LEAST_TRADE_UWH:
        found.append(f"{name}: only {trade['settled_uwh']} uWh settled")
    allowed_uwh = max(agreed_uwh * WITHIN_PERMILLE // 1000, one_block_uwh)
    if abs(trade["seller_metered_uwh"] - agreed_uwh) > allowed_uwh:
        found.append(f"{name}: seller gave {trade['seller_metered_uwh']} of {agreed_uwh} uWh")
    if trade["paid_wei"] + trade["refunded_wei"] != agreed_uwh * trade["price_gwei_per_kwh"]:
        found.append(f"{name}: paid and refunded are not what was agreed")
    return found


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
