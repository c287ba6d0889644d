"""The windows that each kind of market opens for one delivery."""

from __future__ import annotations

import pytest

from hub import config
from hub.chain.records import BILATERAL, MCAFEE, MIDPOINT, NO_ADDRESS, PAY_AS_BID, UNIFORM
from hub.config import bench_houses
from hub.config_tables import MARKET_KINDS
from hub.coordinator.groups import group_of
from hub.coordinator.kinds import (
    BETWEEN,
    EVERYONE,
    INSIDE,
    NO_PRICE_RULE,
    ON_SEGMENT,
    needs_account,
    stages,
)

BIDS, DELIVERY = (1_000_000, 1_150_000), (1_150_000, 1_210_000)
GRID = "0x" + "aa" * 20


def site_of(tmp_path, kind, houses=5, segments=1, **market):
    listed = [vars(house) for house in bench_houses(houses, segments)]
    table = {"houses": listed, "market": {"kind": kind, **market}}
    return config.check(table, tmp_path)


@pytest.mark.parametrize(
    ("kind", "mechanism"),
    [
        ("decentralised", BILATERAL),
        ("uniform", UNIFORM),
        ("pay-as-bid", PAY_AS_BID),
        ("midpoint", MIDPOINT),
        ("mcafee", MCAFEE),
        ("community", UNIFORM),
        ("centralised", UNIFORM),
    ],
)
def test_kind_opens_one_window_of_its_mechanism(tmp_path, kind, mechanism):
    (stage,) = stages(site_of(tmp_path, kind), BIDS, DELIVERY, GRID)
    terms = stage.terms
    assert (stage.name, stage.community, terms.mechanism) == (EVERYONE, None, mechanism)
    assert (terms.bid_start, terms.bid_end) == (1_000, 1_150)
    assert terms.delivery_start == 1_150
    # A quarter of the delivery is there to clear the book; peers' takes end with the bids.
    assert terms.clear_by == (1_150 if mechanism == BILATERAL else 1_165)
    assert terms.needs_approval == (kind == "centralised")
    assert (terms.fee_account == GRID) == needs_account(kind)
    assert terms.is_strict == (kind not in ("decentralised", "community"))


def test_community_prices_lie_between_the_tariffs(tmp_path):
    site = site_of(tmp_path, "community")
    (stage,) = stages(site, BIDS, DELIVERY, GRID)
    terms, market = stage.terms, site.market
    assert (terms.min_price, terms.max_price) == (
        market.feed_in_gwei_per_kwh,
        market.retail_gwei_per_kwh,
    )
    assert terms.k_permille == NO_PRICE_RULE
    assert terms.max_fee == market.retail_gwei_per_kwh - market.feed_in_gwei_per_kwh


def test_mcafee_has_one_quantity(tmp_path):
    (stage,) = stages(site_of(tmp_path, "mcafee"), BIDS, DELIVERY, GRID)
    assert stage.terms.min_energy_uwh == stage.terms.max_energy_uwh == 34_723
    assert stage.terms.capacity_uwh == 0


def test_book_holds_no_more_than_its_segment_delivers(tmp_path):
    (stage,) = stages(site_of(tmp_path, "uniform"), BIDS, DELIVERY, GRID)
    assert stage.terms.capacity_uwh == 2 * stage.terms.max_energy_uwh  # two turns of five houses


def test_hybrid_clears_each_community_before_what_is_left_trades_between_them(tmp_path):
    first, second, rest = stages(site_of(tmp_path, "hybrid"), BIDS, DELIVERY, GRID)
    assert [one.name for one in (first, second, rest)] == [INSIDE, INSIDE, BETWEEN]
    assert (first.community, second.community, rest.community) == (
        "community-1",
        "community-2",
        None,
    )
    assert first.terms == second.terms
    assert first.terms.bid_end < first.terms.clear_by == rest.terms.bid_start
    assert rest.terms.bid_end == rest.terms.clear_by == 1_150
    assert rest.terms.mechanism == BILATERAL
    assert len({one.terms.delivery_start for one in (first, second, rest)}) == 1


@pytest.mark.parametrize("kind", MARKET_KINDS)
def test_times_are_those_the_contract_admits_when_the_window_is_short(tmp_path, kind):
    for stage in stages(site_of(tmp_path, kind), (0, 40_000), (40_000, 70_000), GRID):
        terms = stage.terms
        assert terms.bid_start < terms.bid_end <= terms.clear_by <= terms.delivery_end
        assert terms.delivery_end < terms.report_by <= terms.resolve_by
        assert (terms.mechanism == BILATERAL) or terms.bid_end < terms.clear_by
        assert (terms.fee_account == NO_ADDRESS) == (terms.max_fee == 0)


def grid_site(tmp_path, kind):
    listed = [vars(house) for house in bench_houses(4, has_grid=True)]
    return config.check({"houses": listed, "market": {"kind": kind}}, tmp_path)


@pytest.mark.parametrize("kind", MARKET_KINDS)
def test_windows_name_the_grid_where_a_board_stands_at_its_side(tmp_path, kind):
    found = stages(grid_site(tmp_path, kind), BIDS, DELIVERY, GRID)
    names_grid = [one.terms.grid_account == GRID for one in found]
    # A hybrid day's communities leave their rest to each other before the grid.
    expected = {"community": [True], "decentralised": [True], "hybrid": [False, False, True]}
    assert names_grid == expected.get(kind, [False])
    assert all(
        one.terms.grid_account == NO_ADDRESS
        for one in stages(site_of(tmp_path, kind), BIDS, DELIVERY, GRID)
    )


def test_site_is_refused_when_two_boards_stand_at_the_grids_side(tmp_path):
    listed = [{"name": "feeder-1", "kind": "grid"}, {"name": "feeder-2", "kind": "grid"}]
    with pytest.raises(config.ConfigError, match="not feeder-1 and feeder-2"):
        config.check({"houses": listed}, tmp_path)


def test_site_is_refused_when_the_tariffs_leave_no_room_for_a_community_price(tmp_path):
    with pytest.raises(config.ConfigError, match="needs market.feed_in_gwei_per_kwh below"):
        site_of(tmp_path, "community", retail_gwei_per_kwh=5, feed_in_gwei_per_kwh=5)


@pytest.mark.parametrize("kind", ["uniform", "pay-as-bid", "midpoint", "mcafee", "community",
                                  "centralised"])  # fmt: skip
def test_each_segment_clears_its_own_book_when_there_are_several(tmp_path, kind):
    site = site_of(tmp_path, kind, 8, 2)
    found = stages(site, BIDS, DELIVERY, GRID)
    assert [(one.name, one.community) for one in found] == [
        (ON_SEGMENT, "bus-1"), (ON_SEGMENT, "bus-2"),
    ]  # fmt: skip
    assert found[0].terms == found[1].terms
    # Two turns of four houses; a book that leaves out a stranger's order must still close.
    assert found[0].terms.capacity_uwh in (0, 2 * found[0].terms.max_energy_uwh)
    assert not found[0].terms.is_strict
    assert {group_of(site, one) for one in site.houses} == {"bus-1", "bus-2"}


def test_hybrid_communities_are_those_of_the_segments_when_there_are_several(tmp_path):
    found = stages(site_of(tmp_path, "hybrid", 8, 2), BIDS, DELIVERY, GRID)
    assert [one.community for one in found] == ["community-1", "community-2", None]
