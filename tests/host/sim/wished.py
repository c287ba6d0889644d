"""Small communities with preferences, shared by the tests of preferences."""

from __future__ import annotations

from pathlib import Path

from hub.sim.community import build
from hub.sim.reading import scenario_of
from hub.sim.run import run
from hub.sim.trades import Trades

HERE = Path("wishes.toml")
TARIFFS = {"retail_eur_per_kwh": 0.30, "feed_in_eur_per_kwh": 0.10}


def scenario_with(peers, market=None, slots=1, slot_minutes=60, **tables):
    return {
        "scenario": {"slots": slots, "slot_minutes": slot_minutes},
        "tariffs": TARIFFS,
        "market": {"mechanism": "preferred", **(market or {})},
        "peer": [{"name": name, **fields} for name, fields in peers.items()],
        **tables,
    }


def simulated_raw(raw):
    return run(build(scenario_of(raw, HERE)), has_details=True)


def met(outcome):
    """Return kWh by seller, buyer and source."""
    trades, names = Trades.of(outcome), outcome.community.names
    found = {}
    for row in range(len(trades.slot)):
        key = names[trades.seller[row]], names[trades.buyer[row]], trades.source[row]
        found[key] = round(found.get(key, 0.0) + float(trades.energy_kwh[row]), 9)
    return found


ROOF, MILL = {"pv_w": 1000}, {"wind": {"rated_w": 1000}}
WINDY = {"weather": {"wind_m_per_s": 12}}


def meet(wishes, market=None, others=None, **fields):
    """One buyer of 1.2 kW between a roof and a mill of 1 kW each."""
    home = {"load_w": 1200, "preferences": wishes, **fields}
    peers = {"roof": ROOF, "mill": MILL, "home": home, **(others or {})}
    return met(simulated_raw(scenario_with(peers, market, **WINDY)))


LIMITS = ("highest_buying_eur_per_kwh", "lowest_selling_eur_per_kwh")
