"""What a house sets: read by the simulator's checks, turned into what its agent goes by."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.agent.forecast import forecast
from hub.agent.house_wishes import SELL_FIRST, STORE_FIRST, USUAL, HouseWishes
from hub.agent.partners import (
    Neighbour,
    buyers_among,
    choices,
    houses_of,
    producers_among,
)
from hub.agent.preferences import (
    LITHIUM_EMPTY_UV,
    LITHIUM_FULL_UV,
    buying_side,
    preferences_of,
    with_own,
)
from hub.agent.wish_reader import BadWishes, WishReader
from hub.config_tables import Clock, House, Market, Schedule, Site
from hub.sim.assets import MAX_PRODUCERS

NEIGHBOURS = (
    Neighbour("house-1", "prosumer", frozenset({"hill", "bus-1"}), frozenset({"pv"})),
    Neighbour("house-2", "consumer", frozenset({"hill", "bus-1"})),
    Neighbour("house-3", "prosumer", frozenset({"valley", "bus-1"}), frozenset({"wind"})),
    Neighbour("house-5", "prosumer", frozenset({"valley", "bus-1"}), frozenset({"pv", "wind"})),
)
PRODUCERS = choices(producers_among(NEIGHBOURS), "house-2")
BUYERS = choices(buyers_among(NEIGHBOURS), "house-1")
MARKET = Market(min_price_gwei_per_kwh=1_000_000, max_price_gwei_per_kwh=10**9)
CONSUMER = WishReader("consumer", MARKET, {"producers": PRODUCERS, "buyers": BUYERS})
PROSUMER = WishReader("prosumer", MARKET, {"producers": PRODUCERS, "buyers": BUYERS})


class Config:
    """A site without files."""

    def __init__(self, grid: House | None = None) -> None:
        self.market, self.grid = MARKET, grid
        self.site, self.clock, self.schedule = Site(), Clock(), Schedule()


def agents_of(kind: str, wishes: HouseWishes, grid: House | None = None):
    return preferences_of(House("house-2", kind), Config(grid), wishes, NEIGHBOURS)


def test_producers_are_found_by_name_place_and_type():
    assert PRODUCERS == ["house-1", "house-3", "house-5", "bus-1", "hill", "valley", "pv", "wind"]
    found = houses_of(["house-3", "pv"], NEIGHBOURS, "house-2")
    assert found == ("house-3", "house-1", "house-5")
    assert houses_of(["valley"], NEIGHBOURS, "house-3") == ("house-5",)
    assert houses_of(["house-3"], NEIGHBOURS, "house-3") == ()


def test_wishes_are_kept_as_they_were_sent_and_null_is_the_usual_again():
    sent = {"highest_buying": "0.2", "producers": ["house-3", "pv"], "is_automatic": False}
    wishes = CONSUMER.read(USUAL, sent)
    assert wishes.highest_buying_gwei_per_kwh == 200_000_000
    assert (wishes.producers, wishes.is_automatic) == (("house-3", "pv"), False)
    assert HouseWishes.from_state(wishes.as_state()) == wishes
    again = CONSUMER.read(wishes, {"highest_buying": "", "producers": None})
    assert again == HouseWishes(is_automatic=False)


@pytest.mark.parametrize(
    ("reader", "table", "words"),
    [
        (CONSUMER, {"is_automatic": 1}, "must be true or false"),
        (CONSUMER, {"highest_buying": "cheap"}, "highest buying price is not a number"),
        (CONSUMER, {"highest_buying": "2"}, "within the site's: 0.001 ETH/kWh to 1 ETH/kWh"),
        (CONSUMER, {"highest_buying_gwei_per_kwh": 1.5}, "must be an integer"),
        (CONSUMER, {"producers": ["house-4"]}, "no house, place or type here; did you mean"),
        (CONSUMER, {"producers": ["pv"] * (MAX_PRODUCERS + 1)}, "at most 10"),
        (CONSUMER, {"producers": "pv"}, "must be a list"),
        (CONSUMER, {"lowest_selling": "0.2"}, "A consumer sells nothing"),
        (CONSUMER, {"bidding": "greedy"}, "is not one of"),
        (CONSUMER, {"producer": []}, "There is no preference producer; did you mean 'producers'"),
        (PROSUMER, {"reserve_permille": 1001}, "0 to 1000 permille"),
        (PROSUMER, {"order": "use-trade"}, "is not one of"),
        (PROSUMER, {"buyers": ["pv"]}, "no house, place or type here"),
    ],
)
def test_wish_is_refused_by_name_when_it_is_wrong(reader, table, words):
    with pytest.raises(BadWishes) as refusal:
        reader.read(USUAL, table)
    assert list(refusal.value.fields) == list(table)
    assert words in str(refusal.value)


def test_every_wrong_field_is_named_when_there_are_several():
    with pytest.raises(BadWishes) as refusal:
        PROSUMER.read(USUAL, {"order": 3, "lowest_selling": "-1", "buyers": ["house-2"]})
    assert list(refusal.value.fields) == ["order", "lowest_selling"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=12,
)
NAMES = st.sampled_from([*USUAL.as_state(), "highest_buying", "lowest_selling"]) | st.text()


@given(st.sampled_from([CONSUMER, PROSUMER]), st.dictionaries(NAMES, JSON, max_size=4))
def test_whatever_is_sent_is_kept_whole_or_refused_by_name(reader, table):
    try:
        found = reader.read(USUAL, table)
    except BadWishes as refusal:
        assert set(refusal.fields) <= set(table)
        assert all(refusal.fields.values())
    else:
        assert HouseWishes.from_state(json.loads(json.dumps(found.as_state()))) == found


def test_agent_goes_by_what_its_house_set():
    seller = agents_of("prosumer", HouseWishes(
        order=STORE_FIRST, reserve_permille=800, lowest_selling_gwei_per_kwh=150_000_000,
        buyers=("hill",), bidding="adaptive",
    ))  # fmt: skip
    assert (seller.order, seller.battery_reserve_permille) == (STORE_FIRST, 800)
    assert (seller.limit_gwei_per_kwh, seller.has_own_limit) == (150_000_000, True)
    assert (seller.partners, seller.strategy) == (("house-1",), "adaptive")
    usual = agents_of("prosumer", USUAL)
    assert (usual.order, usual.partners, usual.has_own_limit) == (SELL_FIRST, None, False)


def test_nobody_is_not_everybody_when_what_was_chosen_is_gone():
    assert agents_of("consumer", HouseWishes(producers=("hydro",))).partners == ()


@pytest.mark.parametrize(
    ("kind", "wishes", "price"),
    [
        ("prosumer", USUAL, 100_000_000),
        ("prosumer", HouseWishes(lowest_selling_gwei_per_kwh=100_000_001), None),
        ("prosumer", HouseWishes(lowest_selling_gwei_per_kwh=100_000_000), 100_000_000),
        ("consumer", HouseWishes(highest_buying_gwei_per_kwh=299_999_999), None),
        ("consumer", HouseWishes(highest_buying_gwei_per_kwh=300_000_000), 300_000_000),
        ("consumer", HouseWishes(producers=("house-1",)), None),
    ],
)
def test_agent_goes_to_the_grid_only_as_far_as_its_house_allows(kind, wishes, price):
    assert agents_of(kind, wishes, House("grid", "grid")).grid_gwei_per_kwh == price


def test_grid_is_a_partner_when_it_was_chosen():
    grid = House("grid", "grid")
    houses = (*NEIGHBOURS, Neighbour("grid", "grid"))
    wishes = HouseWishes(producers=("house-1", "grid"))
    found = preferences_of(House("house-2"), Config(grid), wishes, houses)
    assert (found.partners, found.grid_gwei_per_kwh) == (("house-1", "grid"), 300_000_000)


def test_prosumer_buys_as_a_consumer_once_a_highest_price_is_set():
    house, config = House("house-1", "prosumer"), Config()
    assert buying_side(house, config, USUAL) is None
    wishes = HouseWishes(
        highest_buying_gwei_per_kwh=220_000_000, buyers=("house-2",), producers=("valley",)
    )
    found = buying_side(house, config, wishes, NEIGHBOURS)
    assert found is not None and not found.is_prosumer
    assert (found.limit_gwei_per_kwh, found.partners) == (220_000_000, ("house-3", "house-5"))
    assert found.best_gwei_per_kwh == MARKET.feed_in_gwei_per_kwh
    assert buying_side(House("house-2"), config, wishes, NEIGHBOURS) is None


def test_agent_away_goes_by_its_own_file():
    usual = agents_of("prosumer", USUAL, House("grid", "grid"))
    assert with_own(usual, {"averaging_s": 30}).grid_gwei_per_kwh == 100_000_000
    dear = with_own(usual, {"limit_gwei_per_kwh": 200_000_000})
    assert (dear.has_own_limit, dear.grid_gwei_per_kwh) == (True, None)
    assert with_own(usual, {"partners": ("house-1",)}).grid_gwei_per_kwh is None
    near = with_own(usual, {"partners": ("house-1", "grid")})
    assert near.grid_gwei_per_kwh == 100_000_000


@pytest.mark.parametrize(
    ("order", "level_permille", "surplus_uwh"),
    [
        # 1 W is left over in an hour: 1,000,000 uWh. The battery holds 400,000 when full.
        (SELL_FIRST, 1000, 1_000_000 + 200_000),  # half of it is the reserve
        (SELL_FIRST, 250, 1_000_000),
        (STORE_FIRST, 1000, 1_000_000),
        (STORE_FIRST, 250, 1_000_000 - 300_000),
        (STORE_FIRST, None, 1_000_000),  # no battery
    ],
)
def test_house_that_stores_first_sells_what_its_battery_has_no_room_for(
    order, level_permille, surplus_uwh
):
    span_uv = LITHIUM_FULL_UV - LITHIUM_EMPTY_UV
    level_uv = (
        None if level_permille is None else LITHIUM_EMPTY_UV + level_permille * span_uv // 1000
    )
    reading = {"pv_power_uw": 3_000_000, "load_power_uw": 2_000_000, "load_apparent_uva": None}
    readings = [
        {**reading, "received_at_ms": at_ms, "battery_voltage_uv": level_uv}
        for at_ms in (1_000, 2_000, 3_000)
    ]
    wish = dataclasses.replace(
        agents_of("prosumer", HouseWishes(order=order)), model_scale=1, battery_usable_uwh=400_000
    )
    found = forecast(readings, 3_600, wish)
    assert found is not None and found.surplus_uwh == surplus_uwh
