"""Writes a run's results: an `Outcome` and a directory enter; tables and summary.json leave.

Tables are CSV or, with `parquet`, Parquet: peers (one row a peer), slots (one row a slot), and for
small runs peer_slots (one row a peer and slot) and trades. Units stand in the column names.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from hub.sim.community import W_PER_KW
from hub.sim.dashboard import appliances, dashboards
from hub.sim.outcome import FLOWS, Outcome
from hub.sim.trades import Trades

MAX_DETAIL_CELLS = 500_000
"""peer_slots and trades are written up to this many peers x slots."""

MONEY_OF_SLOTS = ("cost", "paid", "earned", "fee", "pool_paid", "pool_earned")

Columns = Mapping[str, Any]


def write_tables(
    directory: Path, outcome: Outcome, summary: dict[str, Any], table_format: str
) -> list[Path]:
    """Write all tables and summary.json into `directory`; return the paths."""
    path = directory / "summary.json"
    path.write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    written = [path]
    tables: dict[str, Columns] = {"peers": _peers(summary), "slots": slot_columns(outcome)}
    if outcome.details:
        tables["peer_slots"] = _peer_slots(outcome)
        tables["trades"] = _trades(outcome)
        path_of_dashboards = directory / "dashboard.json"
        shown = json.dumps(dashboards(outcome), allow_nan=False)
        path_of_dashboards.write_text(shown + "\n", encoding="utf-8")
        written.append(path_of_dashboards)
        tables |= {"appliances": found} if (found := _appliances(outcome)) else {}
    if outcome.guard is not None:
        tables |= {"network": _network(outcome), "violations": _violations(outcome)}
    return written + [
        write_columns(directory / f"{name}.{table_format}", columns)
        for name, columns in tables.items()
    ]


def write_columns(path: Path, columns: Columns) -> Path:
    """Write one table as CSV or, by the path's ending, Parquet."""
    if path.suffix == ".parquet":
        # A price where nobody trades is no number: null, as what a peer has not.
        arrays = {name: pa.array(one, from_pandas=True) for name, one in columns.items()}
        pyarrow.parquet.write_table(pa.table(arrays), path)
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*map(_cells, columns.values()), strict=True))
    return path


def _cells(column: Any) -> Iterable[Any]:
    values = np.asarray(column)
    if values.dtype.kind == "f":
        # Adding zero turns -0.0 into 0.0. A cell without a value stays empty, as `None` does.
        return [None if one != one else one for one in (np.round(values, 9) + 0.0).tolist()]
    return [str(one) for one in values] if values.dtype.kind == "M" else values.tolist()


def _peers(summary: dict[str, Any]) -> Columns:
    rows = summary["peers"]
    names = list(rows)
    members = list(rows[names[0]])
    return {"peer": names, **{name: [rows[one].get(name) for one in names] for name in members}}


def slot_columns(outcome: Outcome) -> Columns:
    """Return the table of slots by column."""
    community, slots = outcome.community, outcome.slots
    hours = community.clock.slot_hours
    columns: dict[str, Any] = {
        "slot": np.arange(community.clock.slots),
        "start_local": np.datetime_as_string(community.clock.local_times),
    }
    for name in (*FLOWS, "battery", "curtailed"):
        columns[f"{name}_w"] = slots[name]
    columns["stored_wh"] = slots["stored"]
    if outcome.guard is not None:
        columns["deferred_w"] = slots["deferred"]
    if community.shared_battery is not None:
        columns["pool_given_w"], columns["pool_drawn_w"] = slots["pool_given"], slots["pool_drawn"]
        columns["pool_stored_wh"] = slots["pool_stored"]
    if outcome.forecast is not None:
        columns["ordered_w"] = outcome.forecast.slots
    columns["retail_eur_per_kwh"] = community.tariff.retail
    columns["feed_in_eur_per_kwh"] = community.tariff.feed_in
    columns["trade_eur_per_kwh"] = trade_price(outcome)
    columns["buy_eur_per_kwh"], columns["sell_eur_per_kwh"] = mean_prices(outcome)
    columns["cost_eur"] = slots["cost"]
    columns["grid_only_cost_eur"] = (
        (slots["need"] * community.tariff.retail - slots["offer"] * community.tariff.feed_in)
        * hours
        / W_PER_KW
    )
    return columns


def trade_price(outcome: Outcome) -> Any:
    """Return the mean price between peers per slot in EUR/kWh, NaN where nobody trades."""
    slots, hours = outcome.slots, outcome.community.clock.slot_hours
    energy_kwh = slots["bought"] * hours / W_PER_KW
    return _divide(slots["trade_paid"], energy_kwh)


def mean_prices(outcome: Outcome) -> tuple[Any, Any]:
    """Return what buyers pay and sellers get on average per slot, grid included, in EUR/kWh."""
    slots, tariff = outcome.slots, outcome.community.tariff
    paid = slots["trade_paid"] / outcome.community.clock.slot_hours * W_PER_KW
    buy = _divide(paid + slots["import"] * tariff.retail, slots["bought"] + slots["import"])
    sell = _divide(paid + slots["export"] * tariff.feed_in, slots["sold"] + slots["export"])
    return buy, sell


def _divide(above: Any, below: Any) -> Any:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 1e-12)


def _peer_slots(outcome: Outcome) -> Columns:
    community = outcome.community
    slots, size = community.clock.slots, community.size
    starts = np.datetime_as_string(community.clock.local_times)
    columns: dict[str, Any] = {
        "slot": np.arange(slots).repeat(size),
        "start_local": starts.repeat(size),
        "peer": np.tile(np.array(community.names), slots),
    }
    hours = community.clock.slot_hours
    for name, values in outcome.details.items():
        if name.startswith("pool_") and community.shared_battery is None:
            continue
        if name == "deferred" and outcome.guard is None:
            continue
        if name == "stored":
            columns["stored_wh"] = values.ravel()
        elif name in MONEY_OF_SLOTS:
            columns[f"{name}_eur"] = values.ravel() * hours
        else:
            columns[f"{name}_w"] = values.ravel()
    return columns


def _appliances(outcome: Outcome) -> Columns:
    """Return one row an appliance, empty without any."""
    rows = [
        {"peer": peer.name, **one}
        for peer in outcome.community.peers
        for one in appliances(outcome.community, peer)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _network(outcome: Outcome) -> Columns:
    assert outcome.guard is not None
    watched = outcome.guard.watched
    return {
        "slot": np.arange(outcome.community.clock.slots),
        "start_local": np.datetime_as_string(outcome.community.clock.local_times),
        "lowest_voltage_pu": watched.lowest_pu,
        "highest_voltage_pu": watched.highest_pu,
        "highest_loading": watched.loading,
    }


def _violations(outcome: Outcome) -> Columns:
    assert outcome.guard is not None
    found = outcome.guard.watched.violations
    starts = np.datetime_as_string(outcome.community.clock.local_times)
    return {
        "slot": [one.slot for one in found],
        "start_local": [str(starts[one.slot]) for one in found],
        **{
            name: [getattr(one, name) for one in found]
            for name in ("kind", "place", "value", "limit")
        },
    }


def _trades(outcome: Outcome) -> Columns:
    trades = Trades.of(outcome)
    names = np.array(outcome.community.names)
    return {
        "slot": trades.slot,
        "start_local": np.datetime_as_string(outcome.community.clock.local_times)[trades.slot],
        "seller": names[trades.seller],
        "buyer": names[trades.buyer],
        "energy_kwh": trades.energy_kwh,
        "price_eur_per_kwh": trades.price_eur_per_kwh,
        "source": trades.source,
    }
