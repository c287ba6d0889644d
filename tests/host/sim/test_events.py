"""Demand-response events in scenarios, and the community's battery."""

from __future__ import annotations

import numpy as np
import pytest

from hub.errors import BadInput
from hub.sim.dashboard import dashboards
from hub.sim.summary import summarise
from tests.host.sim.conftest import FLAT

TWO_DAYS = (
    """
[scenario]
start = 2017-06-05T00:00:00
slot_minutes = 60
slots = 48
"""
    + FLAT
)
EVENT = """
[[event]]
name = "evening"
announced = 2017-06-06T12:00:00
from = 2017-06-06T18:00:00
to = 2017-06-06T20:00:00
reward_eur_per_kwh = 0.50
"""
HOUSE = """
[[peer]]
name = "a"
load_w = 1000
wallet_eur = 30
events = { share = 0.4, least_reward_eur_per_kwh = 0.2, kept_share = 0.75, rebound_share = 0.5 }
"""


def test_event_is_announced_accepted_and_verified_by_the_meter(simulated):
    outcome = simulated(TWO_DAYS + EVENT + HOUSE)
    [event] = summarise(outcome)["events"]
    # 2 h at 1 kW; 40 % pledged, three quarters of that kept.
    assert (event["baseline_kwh"], event["accepted_kwh"]) == (2.0, 0.8)
    assert (event["metered_kwh"], event["verified_kwh"]) == (1.4, 0.6)
    assert event["reward_eur"] == pytest.approx(0.3)
    load_w = outcome.details["load"][:, 0]
    # Half of the 600 Wh comes back in the two hours after: 150 W each.
    assert load_w[42:46].tolist() == [700, 700, 1150, 1150]
    assert load_w[:42].tolist() == [1000] * 42


def test_rewards_reach_wallet_and_summary(simulated):
    summary = summarise(simulated(TWO_DAYS + EVENT + HOUSE))
    peer = summary["peers"]["a"]
    assert summary["community"]["event_reward_eur"] == peer["event_reward_eur"] == 0.3
    # 47.7 kWh at retail, 0.30 EUR back.
    assert peer["wallet_eur"] == pytest.approx(30 - 47.7 * 0.30 + 0.30)


def test_dashboard_ends_with_the_summarys_money_when_there_was_an_event(simulated):
    outcome = simulated(TWO_DAYS + EVENT + HOUSE)
    wallet = dashboards(outcome)["a"]["wallet"]
    assert wallet["event_rewards_eur"] == 0.3
    assert wallet["end_eur"] == summarise(outcome)["peers"]["a"]["wallet_eur"]


def test_house_is_left_out_when_it_wants_more_than_the_reward(simulated):
    text = TWO_DAYS + EVENT.replace("0.50", "0.10") + HOUSE
    [event] = summarise(simulated(text))["events"]
    assert event["peers"] == {} and event["verified_kwh"] == 0


def test_no_more_is_accepted_than_asked(simulated):
    text = TWO_DAYS + EVENT + "asked_w = 100\n" + HOUSE
    [event] = summarise(simulated(text))["events"]
    assert (event["asked_kwh"], event["accepted_kwh"]) == (0.2, 0.2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2017-06-06T12:00:00", "2017-06-06T19:00:00", "announced: is after from"),
        ("2017-06-06", "2017-06-05", "no day of the run before its announcement"),
        ("to = 2017-06-06T20", "to = 2017-06-06T18", "from is not before to"),
        ("to = 2017-06-06T20:00:00", 'to = "later"', "to: 'later' is not a date and time"),
        ("from = 2017-06-06T18:00:00", "from = 2017-06-06T18:00:00Z", "without an offset"),
        ("reward_eur", "reward_eurr", "did you mean 'reward_eur_per_kwh'"),
    ],
)
def test_event_is_refused_by_name_when_it_cannot_be(simulated, old, new, words):
    with pytest.raises(BadInput) as refusal:
        simulated(TWO_DAYS + EVENT.replace(old, new) + HOUSE)
    assert words in str(refusal.value) and "[[event]] evening" in str(refusal.value)


def test_events_that_overlap_are_refused(simulated):
    with pytest.raises(BadInput, match="overlaps another event"):
        simulated(TWO_DAYS + EVENT + EVENT + HOUSE)


POOL = """
[pool]
capacity_wh = 4000
charge_efficiency = 0.9
discharge_efficiency = 1.0
price_eur_per_kwh = 0.24
fee_eur_per_kwh = 0.04
[[peer]]
name = "sun"
pv_w = SUN
[[peer]]
name = "need"
load_w = NEED
"""


def pooled(simulated, sun: list[int], need: list[int]):
    text = TWO_DAYS.replace("slots = 48", f"slots = {len(sun)}") + POOL
    return simulated(text.replace("SUN", str(sun)).replace("NEED", str(need)))


def test_pool_stores_what_is_left_and_pays_its_owner_when_others_draw(simulated):
    outcome = pooled(simulated, [2000, 0, 0], [0, 1000, 1000])
    peers = summarise(outcome)["peers"]
    # 2 kWh in, 1.8 kWh stored and drawn: 1 kWh, then 0.8 kWh; 0.24 each, 0.20 to the owner.
    assert peers["sun"]["pool_given_kwh"] == 2.0
    assert peers["need"]["pool_drawn_kwh"] == pytest.approx(1.8)
    assert peers["need"]["pool_cost_eur"] == pytest.approx(1.8 * 0.24)
    assert peers["sun"]["pool_income_eur"] == pytest.approx(1.8 * 0.20)
    assert peers["need"]["import_kwh"] == pytest.approx(0.2)
    community = summarise(outcome)["community"]
    assert community["losses_kwh"] == pytest.approx(0.2)
    assert community["peers_worse_off"] == 0


def test_pool_takes_no_more_than_its_capacity_and_leaves_the_rest_to_the_grid(simulated):
    outcome = pooled(simulated, [3000, 3000], [0, 0])
    # 4 kWh of room take 4.444 kWh at 90 %.
    assert outcome.totals["pool_given"][0] == pytest.approx(4.444444, abs=1e-5)
    assert outcome.slots["pool_stored"].tolist() == pytest.approx([2700, 4000], abs=1e-3)
    assert outcome.totals["export"][0] == pytest.approx(6 - 4.444444, abs=1e-5)


def test_nobody_draws_when_the_grid_is_cheaper_nor_stores_when_it_pays_more(simulated):
    text = TWO_DAYS.replace("slots = 48", "slots = 2") + POOL
    text = text.replace("SUN", "[2000, 0]").replace("NEED", "[0, 1000]")
    cheap = simulated(text.replace("retail_eur_per_kwh = 0.30", "retail_eur_per_kwh = 0.20"))
    assert cheap.totals["pool_drawn"].sum() == 0
    dear = simulated(text.replace("feed_in_eur_per_kwh = 0.10", "feed_in_eur_per_kwh = 0.19"))
    assert dear.totals["pool_given"].sum() == 0


def test_pool_and_traders_keep_every_balance_over_a_day_of_homes(simulated):
    homes = "[[group]]\ncount = 12\nseed = 4\n"
    text = TWO_DAYS + POOL.split("[[peer]]")[0] + homes
    outcome = simulated(text)  # every slot's energy and money are checked in it
    given_kwh, drawn_kwh = (outcome.totals[name].sum() for name in ("pool_given", "pool_drawn"))
    assert given_kwh * 0.9 == pytest.approx(drawn_kwh + outcome.pool_stored_wh / 1000, abs=1e-4)
    assert drawn_kwh > 1
    paid, earned = outcome.totals["pool_cost"].sum(), outcome.totals["pool_income"].sum()
    assert paid - earned == pytest.approx(drawn_kwh * 0.04)
    assert np.all(outcome.slots["pool_stored"] <= 4000)


def test_pool_is_refused_when_it_makes_no_sense(simulated):
    dear = POOL.replace("fee_eur_per_kwh = 0.04", "fee_eur_per_kwh = 0.4")
    with pytest.raises(BadInput, match=r"\[pool\], fee_eur_per_kwh: is above"):
        simulated(TWO_DAYS + dear.replace("SUN", "1").replace("NEED", "1"))
    with pytest.raises(BadInput, match=r"\[pool\]: with pooling"):
        simulated(
            TWO_DAYS + "[market]\npooling = true\n" + POOL.replace("SUN", "1").replace("NEED", "1")
        )
