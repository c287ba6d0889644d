"""The market service on the real store, chain and contract."""

from __future__ import annotations

import dataclasses

import pytest

from hub.amounts import BadAmount
from hub.services.market import MarketService
from hub.services.order_rules import Refused

ENERGY_UWH = 50_000
PRICE = 200_000_000


def test_offer_stands_in_the_book_when_posted(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    [offer] = service.overview()["book"]["offers"]
    assert offer["order_id"] == order_id
    assert (offer["peer"], offer["energy_uwh"]) == ("house-1", ENERGY_UWH)
    assert offer["cost_wei"] == str(ENERGY_UWH * PRICE)


def test_bid_locks_its_cost_when_posted_and_frees_it_when_cancelled(service, window):
    before = service.overview()["balances"]["house-2"]
    order_id = service.post_bid("house-2", ENERGY_UWH, PRICE)
    during = service.overview()["balances"]["house-2"]
    service.cancel("house-2", order_id)
    after = service.overview()["balances"]["house-2"]
    cost_wei = ENERGY_UWH * PRICE
    assert int(during["available_wei"]) == int(before["available_wei"]) - cost_wei
    assert int(during["in_escrow_wei"]) == int(before["in_escrow_wei"]) + cost_wei
    assert after == before


def test_trade_is_matched_when_an_offer_is_taken_whole(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    trade_id = service.take("house-2", order_id)
    trade = service.trades("house-2")[0]
    assert trade["trade_id"] == trade_id
    assert (trade["seller"], trade["buyer"], trade["state"]) == ("house-1", "house-2", "matched")
    assert service.overview()["book"]["offers"] == []


def test_rest_stays_in_the_book_when_a_part_is_taken(service, window):
    order_id = service.post_bid("house-2", 100_000, PRICE)
    service.take("house-1", order_id, 40_000)
    [bid] = service.overview()["book"]["bids"]
    assert (bid["energy_uwh"], bid["placed_uwh"]) == (60_000, 100_000)


@pytest.mark.parametrize(
    ("energy_uwh", "field", "sentence"),
    [
        (100_001, "energy", "Only 100 mWh of that order is left."),
        (10_000, "energy", "The smallest trade is 34.723 mWh."),
        (80_000, "energy", "That would leave 20 mWh"),
        (0, "energy", "The energy must be more than zero."),
        (-5, "energy", "The energy must be more than zero."),
    ],
)
def test_take_is_refused_when_the_part_does_not_fit(service, window, energy_uwh, field, sentence):
    order_id = service.post_offer("house-1", 100_000, PRICE)
    with pytest.raises((Refused, BadAmount), match=sentence) as refusal:
        service.take("house-2", order_id, energy_uwh)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("energy_uwh", "price", "field"),
    [
        (0, PRICE, "energy"),
        (-1, PRICE, "energy"),
        (2**70, PRICE, "energy"),
        (1_000, PRICE, "energy"),
        (2 * 10**9, PRICE, "energy"),
        (ENERGY_UWH, 0, "price"),
        (ENERGY_UWH, -PRICE, "price"),
        (ENERGY_UWH, 2**70, "price"),
        (ENERGY_UWH, 1_000, "price"),
        (True, PRICE, "energy"),
        ("50000", PRICE, "energy"),
    ],
)
def test_order_is_refused_when_an_amount_is_out_of_range(service, window, energy_uwh, price, field):
    with pytest.raises((Refused, BadAmount)) as refusal:
        service.post_offer("house-1", energy_uwh, price)
    assert refusal.value.field == field


def test_bid_is_refused_when_it_costs_more_than_is_available(service, window):
    with pytest.raises(Refused, match="has only") as refusal:
        service.post_bid("house-2", 10**9, 2 * 10**9)
    assert refusal.value.field == "energy"


def test_take_is_refused_when_the_order_is_ones_own(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    with pytest.raises(Refused, match="your own order"):
        service.take("house-1", order_id)


def test_take_is_refused_when_the_order_is_gone(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    service.take("house-2", order_id)
    with pytest.raises(Refused, match="taken by somebody else"):
        service.take("house-3", order_id)


def test_take_is_refused_when_the_price_passes_the_limit(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    with pytest.raises(Refused, match="beyond your limit"):
        service.take("house-2", order_id, ENERGY_UWH, PRICE - 1)


def test_cancel_is_refused_when_the_order_is_anothers(service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    with pytest.raises(Refused, match="Only the house that placed"):
        service.cancel("house-2", order_id)


def test_order_is_refused_when_the_peer_is_unknown(service, window):
    with pytest.raises(Refused, match="no such peer"):
        service.post_offer("house-99", ENERGY_UWH, PRICE)


def test_order_is_refused_when_bids_are_over(site, service):
    now_s = site.client.chain_time_s()
    site.open_window(
        bid_start=now_s + 400, bid_end=now_s + 500, clear_by=now_s + 510, delivery_start=now_s + 510
    )
    later = site.service()
    later.now_s = lambda: now_s + 505
    with pytest.raises(Refused, match="No window accepts orders"):
        later.post_offer("house-1", ENERGY_UWH, PRICE)


def test_sensor_is_null_when_it_is_not_fitted(site, service):
    site.feed("house-2", load_apparent_uva=230_000_000, bus_voltage_uv=12_000_000, bus_power_uw=0)
    overview = site.service().overview()
    house = next(one for one in overview["houses"] if one["name"] == "house-2")
    assert house["measured"]["pv"] == {"voltage_uv": None, "current_ua": None, "power_uw": None}
    assert house["load_apparent_uva"] == 230_000_000
    assert house["is_online"]


def test_turn_shows_the_lesser_meter_when_both_report(site, service, window):
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    trade_id = service.take("house-2", order_id)
    delivery_id = site.begin_delivery(trade_id)
    site.feed("house-1", relay="out", state="delivering", bus_power_uw=-6_000_000)
    site.feed("house-2", relay="in", state="delivering", bus_power_uw=5_900_000)
    site.report("house-1", delivery_id, "seller", 20_100)
    site.report("house-2", delivery_id, "buyer", 20_000)
    [bus] = site.service().overview()["bus"]
    assert bus["turn"]["moved_uwh"] == 20_000
    assert (bus["turn"]["power_uw"], bus["turn"]["is_flowing"]) == (5_900_000, True)
    site.store.write_step(delivery_id, "abandoned", "{}", None)


def test_order_of_another_segment_is_neither_seen_nor_taken(site, window):
    houses = [dataclasses.replace(one, segment=f"bus-{number % 2}")
              for number, one in enumerate(site.config.houses)]  # fmt: skip
    apart = dataclasses.replace(site.config, houses=tuple(houses))
    service = MarketService(site.store, site.client, site.keys, apart)
    order_id = service.post_offer("house-1", ENERGY_UWH, PRICE)
    assert [order.order_id for _, order in service.open_orders(window, "house-3")] == [order_id]
    assert service.open_orders(window, "house-2") == []
    with pytest.raises(Refused, match="another bus segment"):
        service.take("house-2", order_id)
    with pytest.raises(Refused, match="another bus segment"):
        service.counter("house-2", order_id, ENERGY_UWH, PRICE)
    assert service.take("house-3", order_id)
