"""The indicators of a run: an `Outcome` enters, the plain dictionary of summary.json leaves.

Conventions. import and export are with the grid, bought and sold between peers, so the peers'
imports add up to the community's. self_sufficiency = 1 - import / load and self_consumption =
1 - export / generation, not clamped, null without load or generation; where all generation is PV
the latter is 1 - export / pv.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from hub.sim.community import W_PER_KW
from hub.sim.events import WEI_PER_EUR
from hub.sim.outcome import CO2, ForecastErrors, Outcome

DIGITS = 9  # behind the point: below a mWh or a nano-euro


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return the contents of summary.json."""
    community = outcome.community
    clock, market = community.clock, community.market
    return {
        "slots": clock.slots,
        "slot_minutes": clock.slot_minutes,
        "start": str(clock.local_times[0]),
        "design": market.design,
        "mechanism": market.mechanism if market.design != "none" else None,
        "pooling": market.pooling,
        "warnings": outcome.warnings,
        "demand_response": asdict(outcome.response) if outcome.response else None,
        "events": [held.record() for held in outcome.events],
        **({"network": _network(outcome)} if outcome.guard else {}),
        **({"forecast": _forecast(outcome, outcome.forecast)} if outcome.forecast else {}),
        "community": {**_community(outcome), **_grid_only(outcome)},
        "peers": {name: _peer(outcome, place) for place, name in enumerate(community.names)},
    }


def _community(outcome: Outcome) -> dict[str, Any]:
    totals = {name: float(values.sum()) for name, values in outcome.totals.items()}
    summary = _flows(totals, has_pool=outcome.community.shared_battery is not None)
    summary["peak_import_kw"] = _round(outcome.slots["import"].max() / W_PER_KW)
    summary["peak_export_kw"] = _round(outcome.slots["export"].max() / W_PER_KW)
    stored = float((outcome.stored_wh - outcome.community.storage.initial_wh).sum()) / W_PER_KW
    stored += outcome.pool_stored_wh / W_PER_KW
    lost = _lost(totals, stored)
    summary["losses_kwh"] = _round(lost)
    summary["stored_change_kwh"] = _round(stored)
    summary["co2_kg"] = _co2_kg(outcome, totals)
    summary |= _waiting(totals, outcome, float(outcome.unserved_wh.sum()))
    if outcome.net_metering_cost is not None:
        summary["net_metering_cost_eur"] = _round(outcome.net_metering_cost.sum())
    if outcome.events:
        summary["event_reward_eur"] = _round(sum(rewards_eur(outcome).values()))
    return summary


def _forecast(outcome: Outcome, errors: ForecastErrors) -> dict[str, Any]:
    """Return what forecasts were wrong by, as means over peers and slots, and what it cost."""
    market, hours = outcome.community.market, outcome.community.clock.slot_hours
    tried = errors.count * outcome.community.size
    mae_w, mean_square, bias_w = (
        float(values.sum()) / tried if tried else 0.0
        for values in (errors.absolute, errors.squared, errors.signed)
    )
    return {
        "method": market.forecast,
        "ahead_slots": market.forecast_ahead_slots,
        "slots": errors.count,
        "mae_w": _round(mae_w),
        "rmse_w": _round(mean_square**0.5),
        "bias_w": _round(bias_w),
        "imbalance_kwh": _round(errors.absolute.sum() * hours / W_PER_KW),
        "cost_eur": _round((outcome.totals["cost"] - errors.perfect_cost).sum()),
    }


def _forecast_of(outcome: Outcome, place: int) -> dict[str, float]:
    """Return the same of one peer, by names of their own; empty where orders were perfect."""
    errors = outcome.forecast
    if errors is None:
        return {}
    wrong_w = float(errors.absolute[place])
    return {
        "forecast_mae_w": _round(wrong_w / errors.count if errors.count else 0.0),
        "imbalance_kwh": _round(wrong_w * outcome.community.clock.slot_hours / W_PER_KW),
        "forecast_cost_eur": _round(outcome.totals["cost"][place] - errors.perfect_cost[place]),
    }


def _network(outcome: Outcome) -> dict[str, Any]:
    """Return the feeder's record, and what fell away of trades."""
    assert outcome.guard is not None
    lost = sum(one.energy_kwh for one in outcome.curtailed_trades)
    return {
        **outcome.guard.record(),
        "curtailed_trades": len(outcome.curtailed_trades),
        "curtailed_trades_kwh": _round(lost),
    }


def _waiting(totals: dict[str, float], outcome: Outcome, unserved_wh: float) -> dict[str, float]:
    """Return what the feeder made wait, and what of it and of vehicles' needs was not served;
    empty without either."""
    found = {}
    if outcome.guard is not None:
        found["deferred_kwh"] = _round(totals["deferred"])
    if outcome.guard is not None or outcome.community.vehicles_short_wh is not None:
        found["unserved_kwh"] = _round(unserved_wh / W_PER_KW)
    return found


def _co2_kg(outcome: Outcome, totals: dict[str, float]) -> float | None:
    """Return the carbon of what was imported, None where the grid's is not known."""
    return None if outcome.community.tariff.co2_kg_per_kwh is None else _round(totals[CO2])


def rewards_eur(outcome: Outcome) -> dict[str, float]:
    """Return what each peer earned in demand-response events, in EUR."""
    found: dict[str, float] = {}
    for held in outcome.events:
        for proof in held.proofs:
            found[proof.peer] = found.get(proof.peer, 0.0) + proof.reward_wei / WEI_PER_EUR
    return found


def _grid_only(outcome: Outcome) -> dict[str, Any]:
    """Return who gains how much by trading, with the batteries doing the same."""
    savings = outcome.totals["grid_only_cost"] - outcome.totals["cost"]
    return {
        "savings_eur": _round(savings.sum()),
        "peers_worse_off": int(np.sum(savings < -1e-9)),
    }


def _peer(outcome: Outcome, place: int) -> dict[str, Any]:
    totals = {name: float(values[place]) for name, values in outcome.totals.items()}
    summary = _flows(totals, has_pool=outcome.community.shared_battery is not None)
    summary["peak_import_kw"] = _round(outcome.peak_import_w[place] / W_PER_KW)
    summary["peak_export_kw"] = _round(outcome.peak_export_w[place] / W_PER_KW)
    initial_wh = outcome.community.storage.initial_wh[place]
    stored = float(outcome.stored_wh[place] - initial_wh) / W_PER_KW
    summary["losses_kwh"] = _round(_lost(totals, stored, is_peer=True))
    summary["stored_change_kwh"] = _round(stored)
    summary["savings_eur"] = _round(totals["grid_only_cost"] - totals["cost"])
    summary["co2_kg"] = _co2_kg(outcome, totals)
    summary |= _waiting(totals, outcome, float(outcome.unserved_wh[place]))
    summary |= _forecast_of(outcome, place)
    if outcome.net_metering_cost is not None:
        summary["net_metering_cost_eur"] = _round(outcome.net_metering_cost[place])
    if place < len(outcome.community.peers):
        peer = outcome.community.peers[place]
        reward = rewards_eur(outcome).get(peer.name, 0.0)
        if outcome.events:
            summary["event_reward_eur"] = _round(reward)
        summary["wallet_eur"] = _round(peer.wallet_eur - totals["cost"] + reward)
    return summary


def _flows(totals: dict[str, float], *, has_pool: bool) -> dict[str, Any]:
    load, generated = totals["load"], totals["generation"]
    pool = {
        "pool_given_kwh": _round(totals["pool_given"]),
        "pool_drawn_kwh": _round(totals["pool_drawn"]),
        "pool_income_eur": _round(totals["pool_income"]),
        "pool_cost_eur": _round(totals["pool_cost"]),
    }
    return {
        **(pool if has_pool else {}),
        "load_kwh": _round(load),
        "pv_kwh": _round(totals["pv"]),
        "generation_kwh": _round(generated),
        "import_kwh": _round(totals["import"]),
        "export_kwh": _round(totals["export"]),
        "traded_kwh": _round(max(totals["bought"], totals["sold"])),
        "bought_kwh": _round(totals["bought"]),
        "sold_kwh": _round(totals["sold"]),
        "charged_kwh": _round(totals["charged"]),
        "discharged_kwh": _round(totals["discharged"]),
        "curtailed_kwh": _round(totals["curtailed"]),
        "self_sufficiency": _round(1 - totals["import"] / load) if load > 0 else None,
        "self_consumption": _round(1 - totals["export"] / generated) if generated > 0 else None,
        "cost_eur": _round(totals["cost"]),
        "grid_only_cost_eur": _round(totals["grid_only_cost"]),
        "trade_income_eur": _round(totals["trade_income"]),
        "trade_cost_eur": _round(totals["trade_cost"]),
        "network_fee_eur": _round(totals["fee"]),
    }


def _lost(totals: dict[str, float], stored_kwh: float, *, is_peer: bool = False) -> float:
    """Return what went in and neither came out nor is still stored: battery and way losses."""
    in_kwh = totals["import"] + totals["generation"]
    out_kwh = totals["load"] + totals["export"]
    if is_peer:
        # What is lost between two peers is neither's: a peer's losses are its battery's.
        in_kwh += totals["bought"] + totals["pool_drawn"]
        out_kwh += totals["sold"] + totals["pool_given"]
    return in_kwh - out_kwh - stored_kwh


def _round(value: float) -> float:
    rounded = round(float(value), DIGITS)
    return rounded + 0.0  # never -0.0
