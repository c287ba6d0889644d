"""The scenario file: its tables and fields, each with its check and default.

Reference with examples: docs/scenario.md. `reading` turns the values into records.
"""

from __future__ import annotations

from pathlib import Path

from hub.sim import own_homes
from hub.sim import scenario as words
from hub.sim.assets import CATALOGUE
from hub.sim.fields import (
    Check,
    Field,
    choice,
    flag,
    integer,
    list_of,
    local_time,
    number,
    pair,
    read_table,
    share,
    text,
    time_of_day,
)
from hub.sim.network.limits import BEFORE, FEEDERS, MODES, STREET, Network
from hub.sim.scenario import Market
from hub.sim.schema_wishes import preferences
from hub.sim.series import price as price_of
from hub.sim.series import series

MAX_SLOTS = 10_000_000
LOWEST_PRICE = -10.0
LOWEST_C = -60.0
SMALLEST_UNIT_WH = 0.001

TOP = ("scenario", "tariffs", "weather", "market", "pool", "network", "event", "peer", "group")

SCENARIO = {
    "name": Field(text),
    "description": Field(text),
    "start": Field(lambda where, value: value),  # read with the zone, in `reading`
    "timezone": Field(text),
    "slot_minutes": Field(integer(1, 24 * 60), 15),
    "slots": Field(integer(1, MAX_SLOTS)),
}

MARKET = {
    "design": Field(choice(*words.DESIGNS)),
    "mechanism": Field(choice(*words.MECHANISMS)),
    "pooling": Field(flag, False),
    "k": Field(share, 0.5),
    "compensation_eur_per_kwh": Field(number(0), 0.0),
    "bidding": Field(choice(*words.BIDDING), "truthful"),
    "seed": Field(integer(0, 2**63 - 1), 1),
    "loss_permille": Field(number(0, 999), 0.0),
    "network_eur_per_kwh": Field(number(0), 0.0),
    "carbon_eur_per_kg": Field(number(0), 0.0),
    "network_eur_per_kwh_km": Field(number(0), 0.0),
    "net_metering": Field(flag, False),
    "elasticity": Field(number(0), 1.0),
    "forecast": Field(choice(*words.FORECASTS), words.PERFECT),
    "forecast_ahead_slots": Field(integer(1, MAX_SLOTS)),
    "unit_wh": Field(number(SMALLEST_UNIT_WH), Market.unit_wh),
}

ROOF = {
    "peak_w": Field(number(above=0), is_required=True),
    "latitude_deg": Field(number(-90, 90), is_required=True),
    "longitude_deg": Field(number(-180, 180), is_required=True),
    "tilt_deg": Field(number(0, 90), 30.0),
    "azimuth_deg": Field(number(0, 360), 180.0),
    "losses_share": Field(share, 0.14),
}

POOL = {
    "capacity_wh": Field(number(above=0), is_required=True),
    "charge_efficiency": Field(number(0, 1, above=0), 1.0),
    "discharge_efficiency": Field(number(0, 1, above=0), 1.0),
    "charge_w": Field(number(0), float("inf")),
    "discharge_w": Field(number(0), float("inf")),
    "price_eur_per_kwh": Field(number(0), is_required=True),
    "fee_eur_per_kwh": Field(number(0), 0.0),
}

NETWORK = {
    "feeder": Field(choice(*FEEDERS), STREET),
    "spacing_m": Field(number(above=0), 40.0),
    "cable": Field(text, Network.cable),
    "transformer": Field(text, Network.transformer),
    "source_pu": Field(number(0.8, 1.2), 1.0),
    "min_voltage_pu": Field(number(0.5, 1), 0.95),
    "max_voltage_pu": Field(number(1, 1.5), 1.05),
    "max_loading": Field(number(above=0), 1.0),
    "power_factor": Field(number(0, 1, above=0), 0.97),
    "mode": Field(choice(*MODES), BEFORE),
}

EVENT = {
    "name": Field(text),
    "announced": Field(local_time, is_required=True),
    "from": Field(local_time, is_required=True),
    "to": Field(local_time, is_required=True),
    "reward_eur_per_kwh": Field(number(0), is_required=True),
    "asked_w": Field(number(0)),
    "baseline_days": Field(integer(1, 60), 5),
}

EVENT_WISHES = {
    "share": Field(share, is_required=True),
    "least_reward_eur_per_kwh": Field(number(0), 0.0),
    "kept_share": Field(share, 1.0),
    "rebound_share": Field(share, 0.0),
}

WIND = {
    "rated_w": Field(number(0), is_required=True),
    "cut_in_m_per_s": Field(number(0), 3.0),
    "rated_m_per_s": Field(number(0), 12.0),
    "cut_out_m_per_s": Field(number(0), 25.0),
    "is_on": Field(flag, True),
}

VEHICLE = {
    "need_wh": Field(number(0), is_required=True),
    "arrival": Field(time_of_day, 18 * 60),
    "departure": Field(time_of_day, 7 * 60),
    "charge_w": Field(number(above=0), 3700.0),
    "charge_efficiency": Field(number(0, 1, above=0), 0.9),
}

GROUP_VEHICLE = {
    "share": Field(share, 1.0),
    "arrival_spread_minutes": Field(number(0, 6 * 60), 0.0),
    "departure_spread_minutes": Field(number(0, 6 * 60), 0.0),
    "need_spread": Field(number(0, 2), 0.0),
}


RUN = {"from": Field(time_of_day, is_required=True), "to": Field(time_of_day, is_required=True)}

APPLIANCE = {
    "kind": Field(choice(*CATALOGUE)),
    "name": Field(text),
    "place": Field(text),
    "power_w": Field(number(0)),
    "runs": Field(list_of(lambda where, value: read_table(where, value, RUN))),
    "is_on": Field(flag, True),
    "shiftable_share": Field(share, 0.0),
}

GROUP_APPLIANCE = {
    "share": Field(share, 1.0),
    "spread_minutes": Field(number(0, 6 * 60), 0.0),
}


def _table(fields: dict[str, Field]) -> Field:
    return Field(lambda where, value: read_table(where, value, fields))


def _tables(fields: dict[str, Field]) -> Field:
    return Field(list_of(lambda where, value: read_table(where, value, fields)), ())


def tables(directory: Path) -> dict[str, dict[str, Field]]:
    """Return the fields of the tables that may name files, which are relative to `directory`."""
    quantity = series(directory)
    price = price_of(directory, low=LOWEST_PRICE)
    return {
        "tariffs": {
            "retail_eur_per_kwh": Field(price, is_required=True),
            "feed_in_eur_per_kwh": Field(price),
            "feed_in_above_retail": Field(choice("bound", "refuse"), "bound"),
            "grid_co2_kg_per_kwh": Field(quantity),
        },
        "weather": {
            "ghi_w_per_m2": Field(quantity),
            "wind_m_per_s": Field(quantity),
            "temperature_c": Field(series(directory, low=LOWEST_C)),
        },
        "peer": {
            "name": Field(text, is_required=True),
            **_peer(quantity, price),
            "load_w": Field(quantity),
        },
        "group": {
            "name": Field(text, "home"),
            "count": Field(integer(1, 1_000_000)),
            "source": Field(own_homes.source(directory), "stochastic"),
            "seed": Field(integer(0, 2**63 - 1), 1),
            "homes": Field(list_of(integer(1, 99)), ()),
            "prosumer_share": Field(share, 1.0),
            "battery_share": Field(share, 1.0),
            "pv_peak_w": Field(number(0)),
            "vehicle": _table({**VEHICLE, **GROUP_VEHICLE}),
            "appliances": _tables({**APPLIANCE, **GROUP_APPLIANCE}),
            **{
                name: one
                for name, one in _peer(quantity, price).items()
                if name not in NOT_OF_GROUPS
            },
        },
    }


NOT_OF_GROUPS = (
    "pv_area_m2",
    "pv_efficiency",
    "pv_w",
    "pv_roof",
    "pv_is_on",
    "hydro",
    "wind",
    "position",
    "appliances",
    "vehicle",
)


def _peer(quantity: Check, price: Check) -> dict[str, Field]:
    return {
        "pv_area_m2": Field(number(0), 0.0),
        "pv_efficiency": Field(share, 0.18),
        "pv_w": Field(quantity),
        "pv_roof": _table(ROOF),
        "pv_is_on": Field(flag, True),
        "hydro": _table({"power_w": Field(quantity, is_required=True), "is_on": Field(flag, True)}),
        "wind": _table(WIND),
        "battery_wh": Field(number(0), 0.0),
        "soc_min": Field(share, 0.0),
        "soc_max": Field(share, 1.0),
        "soc_initial": Field(share),
        "charge_efficiency": Field(number(0, 1, above=0), 1.0),
        "discharge_efficiency": Field(number(0, 1, above=0), 1.0),
        "self_discharge": Field(share, 0.0),
        "battery_charge_w": Field(number(0), float("inf")),
        "battery_discharge_w": Field(number(0), float("inf")),
        "final_soc": Field(choice(*words.FINAL_SOC), "free"),
        "strategy": Field(choice(*words.STRATEGIES), "none"),
        "load_min_w": Field(number(0), 0.0),
        "load_max_w": Field(number(0), float("inf")),
        "export_limit_w": Field(number(0), float("inf")),
        "elastic_share": Field(share, 0.0),
        "appliances": _tables(APPLIANCE),
        "vehicle": _table(VEHICLE),
        "preferences": _table(preferences(price, quantity)),
        "community": Field(text, ""),
        "position": Field(pair),
        "wallet_eur": Field(number(), 0.0),
        "events": _table(EVENT_WISHES),
    }
