"""Small communities whose flows and money can be worked out by hand."""

from __future__ import annotations

import pytest

from hub.sim.summary import summarise
from tests.host.sim.conftest import FLAT

HEAD = (
    """
[scenario]
slot_minutes = 60
slots = 2
"""
    + FLAT
)

TWO = """
[[peer]]
name = "sun"
load_w = 0
pv_w = [1000, 0]
[[peer]]
name = "flat"
load_w = 600
"""


def community(outcome):
    return summarise(outcome)["community"]


def test_costs_are_the_grids_when_nobody_trades(simulated):
    summary = summarise(simulated(HEAD + TWO))
    # sun exports 1 kWh at 0.10; flat imports 2 x 0.6 kWh at 0.30
    assert summary["peers"]["sun"]["cost_eur"] == pytest.approx(-0.10)
    assert summary["peers"]["flat"]["cost_eur"] == pytest.approx(0.36)
    assert summary["community"]["import_kwh"] == pytest.approx(1.2)
    assert summary["community"]["export_kwh"] == pytest.approx(1.0)
    assert summary["community"]["traded_kwh"] == 0
    peaks = {name: (one["peak_import_kw"], one["peak_export_kw"])
             for name, one in summary["peers"].items()}  # fmt: skip
    assert peaks == {"sun": (0, 1.0), "flat": (0.6, 0)}


def test_indicators_follow_their_definitions_when_peers_trade(simulated):
    summary = community(simulated(HEAD + '[market]\nmechanism = "mid-market-rate"\n' + TWO))
    # slot 0: 1 kW surplus meets 0.6 kW deficit; slot 1: 0.6 kW from the grid
    assert summary["traded_kwh"] == pytest.approx(0.6)
    assert summary["import_kwh"] == pytest.approx(0.6)
    assert summary["export_kwh"] == pytest.approx(0.4)
    assert summary["self_sufficiency"] == pytest.approx(1 - 0.6 / 1.2)
    assert summary["self_consumption"] == pytest.approx(1 - 0.4 / 1.0)
    assert summary["peak_import_kw"] == pytest.approx(0.6)
    # 0.6 kWh x 0.30 bought, 0.4 kWh x 0.10 sold to the grid
    assert summary["cost_eur"] == pytest.approx(0.18 - 0.04)
    assert summary["trade_income_eur"] == pytest.approx(0.6 * 0.20)


@pytest.mark.parametrize(
    ("mechanism", "price"),
    # s = 1 / 0.6 > 1: everything at the feed-in tariff; bill sharing gives it away
    [("mid-market-rate", 0.20), ("supply-demand-ratio", 0.10), ("bill-sharing", 0.0)],
)
def test_community_price_is_the_published_one_when_supply_exceeds_demand(
    simulated, mechanism, price
):
    outcome = simulated(HEAD + f'[market]\nmechanism = "{mechanism}"\n' + TWO)
    assert outcome.totals["trade_income"][0] == pytest.approx(0.6 * price)


@pytest.mark.parametrize("mechanism", ["uniform", "midpoint"])
@pytest.mark.parametrize("design", ["centralised", "decentralised"])
def test_book_trades_at_the_middle_when_peers_are_truthful(simulated, design, mechanism):
    market = f'[market]\ndesign = "{design}"\nmechanism = "{mechanism}"\n'
    outcome = simulated(HEAD + market + TWO)
    # bid 0.30 meets offer 0.10
    assert outcome.totals["trade_income"][0] == pytest.approx(0.6 * 0.20)


def test_pay_as_bid_charges_the_retail_price_when_peers_are_truthful(simulated):
    outcome = simulated(HEAD + '[market]\nmechanism = "pay-as-bid"\n' + TWO)
    assert outcome.totals["trade_income"][0] == pytest.approx(0.6 * 0.30)


def test_seller_keeps_to_its_buyers_when_it_names_them(simulated):
    market = '[market]\nmechanism = "preferred"\n'
    third = '[[peer]]\nname = "third"\nload_w = 100\n'
    wishes = '[peer.preferences]\nbuyers = ["third"]\n'
    sun, flat = TWO.split('[[peer]]\nname = "flat"')
    text = HEAD + market + sun + wishes + '[[peer]]\nname = "flat"' + flat + third
    outcome = simulated(text)
    assert outcome.totals["bought"].tolist() == pytest.approx([0, 0, 0.1])


def test_community_clears_inside_first_when_the_design_is_hybrid(simulated):
    text = (
        HEAD
        + """
[market]
design = "hybrid"
mechanism = "bill-sharing"
[[peer]]
name = "sun"
community = "east"
load_w = 0
pv_w = [1000, 0]
[[peer]]
name = "neighbour"
community = "east"
load_w = [600, 0]
[[peer]]
name = "far"
community = "west"
load_w = [700, 0]
"""
    )
    outcome = simulated(text)
    # inside east 0.6 kWh for nothing (bill sharing); 0.4 kWh go west at the middle, 0.20
    assert outcome.totals["bought"].tolist() == pytest.approx([0, 0.6, 0.4])
    assert outcome.totals["trade_cost"].tolist() == pytest.approx([0, 0, 0.08])
    assert outcome.totals["import"].tolist() == pytest.approx([0, 0, 0.3])


def test_losses_are_between_seller_and_buyer_when_the_way_loses(simulated):
    market = '[market]\nmechanism = "mid-market-rate"\nloss_permille = 100\n'
    summary = community(simulated(HEAD + market + TWO))
    # 0.6 kWh arrive, so 0.6 / 0.9 leave
    assert summary["bought_kwh"] == pytest.approx(0.6)
    assert summary["sold_kwh"] == pytest.approx(0.6 / 0.9)
    assert summary["losses_kwh"] == pytest.approx(0.6 / 0.9 - 0.6)
    assert summary["export_kwh"] == pytest.approx(1 - 0.6 / 0.9)


def test_buyers_pay_the_operator_when_there_is_a_network_fee(simulated):
    market = (
        '[market]\nmechanism = "mid-market-rate"\nnetwork_eur_per_kwh = 0.02\n'
        "network_eur_per_kwh_km = 0.01\n"
    )
    here = TWO.replace("pv_w", "position = [0, 0]\npv_w") + "position = [3000, 4000]\n"
    outcome = simulated(HEAD + market + here)
    # 0.6 kWh x (0.02 + 5 km x 0.01)
    assert outcome.totals["fee"].tolist() == pytest.approx([0, 0.6 * 0.07])


def test_export_is_curtailed_when_the_connection_is_limited(simulated):
    limited = TWO.replace("pv_w", "export_limit_w = 700\npv_w")
    summary = community(simulated(HEAD + limited))
    assert summary["curtailed_kwh"] == pytest.approx(0.3)
    assert summary["pv_kwh"] == pytest.approx(0.7)
    assert summary["export_kwh"] == pytest.approx(0.7)


def test_greedy_battery_moves_surplus_to_the_deficit_when_it_can(simulated):
    text = (
        HEAD
        + """
[[peer]]
name = "home"
load_w = [0, 600]
pv_w = [1000, 0]
strategy = "greedy"
battery_wh = 1000
soc_min = 0.1
soc_initial = 0.1
charge_efficiency = 0.9
discharge_efficiency = 0.8
"""
    )
    outcome = simulated(text)
    # 900 Wh of room take all 1000 W x 0.9; 900 Wh x 0.8 = 720 Wh would come out, 600 are needed
    assert outcome.totals["charged"] == pytest.approx([1.0])
    assert outcome.totals["discharged"] == pytest.approx([0.6])
    assert outcome.stored_wh == pytest.approx([100 + 900 - 600 / 0.8])
    assert outcome.totals["import"] == pytest.approx([0])


def test_greedy_battery_sells_first_when_the_peer_prefers_trade(simulated):
    store_first = (
        HEAD
        + '[market]\nmechanism = "mid-market-rate"\n'
        + """
[[peer]]
name = "sun"
load_w = 0
pv_w = [1000, 0]
strategy = "greedy"
battery_wh = 5000
soc_initial = 0
[peer.preferences]
order = "use-store-trade"
[[peer]]
name = "flat"
load_w = 600
"""
    )
    trade_first = store_first.replace("use-store-trade", "use-trade-store")
    assert simulated(store_first).totals["sold"][0] == 0
    outcome = simulated(trade_first)
    # slot 0: 600 W sold, 400 W stored; slot 1: nothing of its own to cover
    assert outcome.totals["sold"][0] == pytest.approx(0.6)
    assert outcome.stored_wh[0] == pytest.approx(400)


def test_idle_battery_loses_charge_when_it_discharges_itself(simulated):
    battery = "battery_wh = 1000\nsoc_initial = 0.5\nself_discharge = 0.1\n"
    outcome = simulated(HEAD + '[[peer]]\nname = "home"\nload_w = 100\n' + battery)
    assert outcome.stored_wh == pytest.approx([500 * 0.9 * 0.9])
    assert community(outcome)["losses_kwh"] == pytest.approx(0.5 - 0.405)


def test_carbon_raises_the_retail_price_when_it_is_priced(simulated):
    text = HEAD + "grid_co2_kg_per_kwh = 0.5\n[market]\ncarbon_eur_per_kg = 0.1\n" + TWO
    outcome = simulated(text)
    summary = community(outcome)
    assert summary["co2_kg"] == pytest.approx(1.2 * 0.5)
    of_peers = [peer["co2_kg"] for peer in summarise(outcome)["peers"].values()]
    assert sum(of_peers) == pytest.approx(summary["co2_kg"])
    assert summary["cost_eur"] == pytest.approx(1.2 * 0.35 - 0.1)


def test_exports_offset_imports_when_the_baseline_is_net_metering(simulated):
    outcome = simulated(HEAD + "[market]\nnet_metering = true\n" + TWO)
    # sun fed in 1 kWh and took nothing; flat took 1.2 kWh
    assert outcome.net_metering_cost == pytest.approx([-0.10, 0.36])


def test_load_moves_to_cheap_slots_and_keeps_its_energy_when_it_is_elastic(simulated):
    text = HEAD.replace("0.30", "[0.4, 0.2]").replace(
        "[0.4, 0.2]", '{"00:00" = 0.4, "01:00" = 0.2}'
    )
    outcome = simulated(text + '[[peer]]\nname = "home"\nload_w = 1000\nelastic_share = 0.3\n')
    # mean 0.3: answers are -1/3 and +1/3 of 30 %: 900 and 1100 W
    assert outcome.details["load"][:, 0] == pytest.approx([900, 1100], rel=1e-2)
    assert outcome.totals["load"] == pytest.approx([2.0])
    assert outcome.response is not None and outcome.response.residual_w <= 1.1
