"""Adds a settled block of slots to what a run leaves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hub.sim.community import W_PER_KW
from hub.sim.outcome import CO2, ENERGIES, POOLED, SERIES, Block, Outcome

Values = npt.NDArray[np.float64]


def add(outcome: Outcome, block: Block, hours: float) -> None:
    """Add a block whose slots take `hours` each."""
    totals, flows, tariff = outcome.totals, block.flows, block.tariff
    powers = _powers(block)
    # A run of many homes is no slower for what it does not have.
    absent = [] if flows.pool is not None else list(POOLED)
    if not block.deferred_w.any():
        absent.append("deferred")
    for name in (one for one in SERIES if one not in absent):
        outcome.slots[name][block.start : block.stop] = powers[name].sum(axis=1)
    powers["charged"] = np.maximum(block.battery_w, 0.0)
    powers["discharged"] = powers["charged"] - block.battery_w
    for name in (one for one in ENERGIES if one not in absent):
        totals[name] += powers[name].sum(axis=0) * (hours / W_PER_KW)
    cost = flows.cost(tariff)
    deficit_w = np.maximum(block.position_w, 0.0)
    surplus_w = deficit_w - block.position_w
    totals["cost"] += cost.sum(axis=0) * hours
    totals["grid_only_cost"] += (tariff.retail @ deficit_w - tariff.feed_in @ surplus_w) * (
        hours / W_PER_KW
    )
    if tariff.co2_kg_per_kwh is not None:
        totals[CO2] += tariff.co2_kg_per_kwh @ flows.import_w * (hours / W_PER_KW)
    totals["trade_cost"] += flows.paid.sum(axis=0) * hours
    totals["trade_income"] += flows.earned.sum(axis=0) * hours
    totals["fee"] += flows.fee.sum(axis=0) * hours
    if flows.pool is not None:
        totals["pool_income"] += flows.pool.earned.sum(axis=0) * hours
        totals["pool_cost"] += flows.pool.paid.sum(axis=0) * hours
        outcome.slots["pool_stored"][block.start : block.stop] = flows.pool.stored_wh
    np.maximum(outcome.peak_import_w, flows.import_w.max(axis=0), out=outcome.peak_import_w)
    np.maximum(outcome.peak_export_w, flows.export_w.max(axis=0), out=outcome.peak_export_w)
    chosen = slice(block.start, block.stop)
    outcome.slots["cost"][chosen] = cost.sum(axis=1) * hours
    outcome.slots["trade_paid"][chosen] = flows.paid.sum(axis=1) * hours
    outcome.slots["need"][chosen] = deficit_w.sum(axis=1)
    outcome.slots["offer"][chosen] = surplus_w.sum(axis=1)


def details(block: Block) -> dict[str, Values]:
    """Return the block's powers, and its money in EUR/h, (slots, peers)."""
    pool = block.flows.pool
    return {
        **_powers(block),
        "cost": block.flows.cost(block.tariff),
        "paid": block.flows.paid,
        "earned": block.flows.earned,
        "fee": block.flows.fee,
        "pool_paid": _none(block) if pool is None else pool.paid,
        "pool_earned": _none(block) if pool is None else pool.earned,
    }


def _powers(block: Block) -> dict[str, Values]:
    flows = block.flows
    return {
        "load": block.inputs.load_w,
        "pv": np.maximum(block.inputs.pv_w - block.curtailed_w, 0.0)
        if block.curtailed_w.any()
        else block.inputs.pv_w,
        "generation": block.inputs.generation_w - block.curtailed_w,
        "import": flows.import_w,
        "export": flows.export_w,
        "bought": flows.bought_w,
        "sold": flows.sold_w,
        "battery": block.battery_w,
        "stored": block.stored_wh,
        "curtailed": block.curtailed_w,
        "deferred": block.deferred_w,
        "pool_given": _none(block) if flows.pool is None else flows.pool.given_w,
        "pool_drawn": _none(block) if flows.pool is None else flows.pool.drawn_w,
    }


def _none(block: Block) -> Values:
    return np.broadcast_to(0.0, block.position_w.shape)
