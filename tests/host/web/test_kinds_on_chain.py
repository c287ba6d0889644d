"""Every kind of window on the real chain: orders in, one clearing, trades settled to the wei."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from hub.chain.records import MCAFEE, MIDPOINT, PAY_AS_BID, UNIFORM
from hub.coordinator import clearing
from hub.coordinator.approval import Reviewer
from hub.coordinator.clearing import Clearer
from hub.coordinator.grid_taker import LAST_S, GridTaker
from hub.coordinator.kinds import NO_PRICE_RULE
from hub.membership import admit_houses
from hub.review_cli import review
from hub.services.order_rules import Refused

from .conftest import ETH, MIN_ENERGY_UWH, wait_for

ENERGY = 40_000
LOW, MIDDLE, HIGH = 160_000_000, 200_000_000, 240_000_000
RETAIL, FEED_IN = 300_000_000, 100_000_000


class Killed(BaseException):
    """The process ended here."""


def clearer_of(site, client=None):
    members = {site.keys.peers[one.name].address: one.community for one in site.config.houses}
    return Clearer(
        site.config.market, site.store, client or site.client, site.keys.coordinator, members
    )


def clear(site, window_id, client=None):
    """Clear a window's book as soon as its bids are over; return its trades."""
    window = site.store.window(window_id)
    time.sleep(max(0.0, window.bid_end_s + clearing.MARGIN_S - time.time()))
    wait_for(lambda: clearer_of(site, client).clear(window))
    wait_for(lambda: site.store.window(window_id).is_cleared)
    return site.store.trades(window_id=window_id)


def settle(site, trades):
    """Report every trade as delivered in full; return them as settled."""
    for trade in trades:
        site.client.report(site.keys.oracle, trade.trade_id, trade.energy_uwh, trade.energy_uwh)
    ids = [trade.trade_id for trade in trades]
    wait_for(lambda: all(site.store.trade(one).state == "settled" for one in ids))
    return [site.store.trade(one) for one in ids]


def assert_whole(site):
    """The hub's books, the contract's and the chain's agree on every wei."""
    totals = site.client.totals()
    assert totals.contract_wei == totals.balances_wei + totals.escrow_wei
    wait_for(lambda: sum(peer.balance_wei for peer in site.store.peers()) == totals.balances_wei)


def balance(site, name):
    account = site.keys.grid if name == "grid" else site.keys.peers[name]
    return site.client.balance_wei(account.address)


def post_book(site, service):
    """Two offers and one bid, the cheaper offer by house-1."""
    service.post_offer("house-1", ENERGY, LOW)
    service.post_offer("house-3", ENERGY, MIDDLE)
    service.post_bid("house-2", ENERGY, HIGH)


@pytest.mark.parametrize(
    ("mechanism", "price"),
    [(UNIFORM, (LOW + HIGH) // 2), (PAY_AS_BID, HIGH), (MIDPOINT, (LOW + HIGH) // 2)],
)
def test_best_offer_meets_the_bid_at_the_price_of_the_mechanism(site, service, mechanism, price):
    window_id = site.open_window(site.brief_s(), mechanism=mechanism, is_strict=True)
    before = {name: balance(site, name) for name in ("house-1", "house-2")}
    post_book(site, service)
    with pytest.raises(Refused, match="cleared together"):
        service.take("house-2", site.store.orders(window_id)[0].order_id)
    [trade] = settle(site, clear(site, window_id))
    assert trade.price_gwei_per_kwh == price
    assert balance(site, "house-1") == before["house-1"] + ENERGY * price
    assert balance(site, "house-2") == before["house-2"] - ENERGY * price
    assert_whole(site)


def test_mcafee_keeps_the_surplus_of_the_pair_it_leaves_out(site, service):
    grid = site.keys.grid
    admit_grid(site)
    window_id = site.open_window(
        site.brief_s(),
        mechanism=MCAFEE,
        is_strict=True,
        min_energy_uwh=MIN_ENERGY_UWH,
        max_energy_uwh=MIN_ENERGY_UWH,
        max_fee=10**12,
        fee_account=grid.address,
    )
    before = balance(site, "house-1")
    service.post_offer("house-1", MIN_ENERGY_UWH, LOW)
    service.post_offer("house-3", MIN_ENERGY_UWH, MIDDLE)
    service.post_bid("house-2", MIN_ENERGY_UWH, HIGH)
    # One pair could trade; without a second bid no price suits it, so it is left out.
    assert clear(site, window_id) == []
    assert balance(site, "house-1") == before
    assert_whole(site)


def admit_grid(site):
    """Make the grid's account a peer that can receive."""
    grid = site.keys.grid
    if site.client.wallet_wei(grid.address) == 0:
        site.client.transfer(site.keys.administrator, grid.address, ETH)
    if all(peer.peer != grid.address for peer in site.client.peers()):
        site.client.register(grid)


def test_community_prices_balance_against_the_grid(site, service):
    admit_grid(site)
    window_id = site.open_window(
        site.brief_s(),
        mechanism=UNIFORM,
        k_permille=NO_PRICE_RULE,
        min_price=FEED_IN,
        max_price=RETAIL,
        max_fee=RETAIL - FEED_IN,
        fee_account=site.keys.grid.address,
    )
    before = {name: balance(site, name) for name in ("house-1", "house-2", "house-3", "grid")}
    service.post_offer("house-1", ENERGY, FEED_IN)
    service.post_offer("house-3", ENERGY, FEED_IN)
    service.post_bid("house-2", ENERGY, RETAIL)
    trades = clear(site, window_id)
    window = site.store.window(window_id)
    # Twice as much is offered as wanted: buyers pay the middle, sellers share it with the grid's.
    assert (window.sell_gwei_per_kwh, window.buy_gwei_per_kwh) == (150_000_000, MIDDLE)
    shown = service.overview("house-1")["window"]
    assert (shown["kind"], shown["is_cleared"]) == ("community", True)
    [trade] = settle(site, trades)
    assert trade.paid_wei + trade.refunded_wei == trade.energy_uwh * trade.price_gwei_per_kwh
    assert trade.fee_wei == ENERGY * 50_000_000
    assert balance(site, "house-2") == before["house-2"] - ENERGY * MIDDLE
    assert balance(site, "grid") == before["grid"] + trade.fee_wei
    assert_whole(site)


def grid_books(site, **changes):
    """A clearer that knows the grid's account, a peer with a board of its own and money."""
    admit_grid(site)
    grid = site.keys.grid
    site.client.approve(site.keys.administrator, grid.address, "grid")
    site.client.deposit(grid, ETH // 100)
    clearer = clearer_of(site)
    clearer._market = replace(site.config.market, kind="community")
    clearer._grid = grid.address
    return clearer


@pytest.mark.parametrize("is_surplus", [True, False])
def test_grid_takes_what_a_community_leaves_at_feed_in_or_retail(site, service, is_surplus):
    clearer = grid_books(site)
    window_id = site.open_window(
        site.brief_s(),
        mechanism=UNIFORM,
        k_permille=NO_PRICE_RULE,
        min_price=FEED_IN,
        max_price=RETAIL,
        max_fee=RETAIL - FEED_IN,
        fee_account=site.keys.grid.address,
        grid_account=site.keys.grid.address,
    )
    before = {name: balance(site, name) for name in ("house-1", "house-2", "house-3", "grid")}
    offered, wanted = (2 * ENERGY, ENERGY) if is_surplus else (ENERGY, 2 * ENERGY)
    service.post_offer("house-1", offered, FEED_IN)
    service.post_bid("house-2", wanted, RETAIL)
    window = site.store.window(window_id)
    time.sleep(max(0.0, window.bid_end_s + clearing.MARGIN_S - time.time()))
    wait_for(lambda: clearer.clear(window))
    wait_for(lambda: site.store.window(window_id).is_cleared)
    trades = settle(site, site.store.trades(window_id=window_id))
    grid = site.keys.grid.address
    [rest] = [trade for trade in trades if grid in (trade.seller, trade.buyer)]
    [shared] = [trade for trade in trades if trade is not rest]
    assert (shared.energy_uwh, rest.energy_uwh) == (ENERGY, ENERGY)
    assert (rest.price_gwei_per_kwh, rest.fee_gwei_per_kwh) == (
        FEED_IN if is_surplus else RETAIL,
        0,
    )
    moved = {name: balance(site, name) - wei for name, wei in before.items()}
    assert moved["grid"] == shared.fee_wei + ENERGY * (-FEED_IN if is_surplus else RETAIL)
    assert sum(moved.values()) == 0
    assert_whole(site)


def test_grid_takes_what_no_house_took_by_the_end_of_the_bids(site, service):
    grid_books(site)
    now_s = [0.0]
    taker = GridTaker(
        site.config.market, site.store, site.client, site.keys.grid, now_ms=lambda: now_s[0] * 1000
    )
    window_id = site.open_window(grid_account=site.keys.grid.address)
    cheap = service.post_offer("house-1", ENERGY, FEED_IN)
    service.post_offer("house-3", ENERGY, FEED_IN + 10_000_000)
    end_s = site.store.window(window_id).bid_end_s
    now_s[0] = end_s - LAST_S - 1
    taker.take()
    assert site.store.trades(window_id=window_id) == []
    now_s[0] = end_s - LAST_S
    taker.take()
    wait_for(lambda: site.store.trades(window_id=window_id))
    taker.take()  # once more changes nothing
    [trade] = site.store.trades(window_id=window_id)
    assert (trade.order_id, trade.buyer) == (cheap, site.keys.grid.address)
    assert_whole(site)


def test_grid_sells_to_a_bid_that_names_its_sellers_only_when_it_is_named(site, service):
    grid_books(site)
    grid, buyer = site.keys.grid, site.keys.peers["house-2"]
    window_id = site.open_window(grid_account=grid.address)
    end_ms = site.store.window(window_id).bid_end_s * 1000
    taker = GridTaker(site.config.market, site.store, site.client, grid, now_ms=lambda: end_ms)
    service.accept_only("house-2", ["house-1"])
    service.post_bid_from_accepted("house-2", ENERGY, RETAIL)
    taker.take()
    assert site.store.trades(window_id=window_id) == []
    site.client.accept_seller(buyer, grid.address, True)
    wait_for(lambda: grid.address in site.store.accepted_sellers()[buyer.address])
    taker.take()
    wait_for(lambda: site.store.trades(window_id=window_id))
    [trade] = site.store.trades(window_id=window_id)
    assert (trade.seller, trade.buyer) == (grid.address, buyer.address)
    service.accept_only("house-2", [])
    assert buyer.address not in site.store.accepted_sellers()
    assert_whole(site)


def test_class_of_the_sites_file_is_granted_once_and_served_first(site, service):
    critical = [
        replace(one, priority=2 if one.name == "house-3" else 0) for one in site.config.houses
    ]
    config, said = replace(site.config, houses=tuple(critical)), []
    admit_houses(config, site.keys, site.client, said.append)
    admit_houses(config, site.keys, site.client, said.append)
    assert said == ["the orders of house-3 are of priority class 2 from now on"]
    address = site.keys.peers["house-3"].address
    assert site.client.priorities() == {address: 2}
    window_id = site.open_window(site.brief_s(), mechanism=UNIFORM, is_strict=True)
    service.post_offer("house-1", ENERGY, LOW)
    service.post_bid("house-2", ENERGY, HIGH)
    order_id = service.post_bid("house-3", ENERGY, HIGH)
    wait_for(lambda: any(one.order_id == order_id for one in site.store.open_orders(window_id)))
    assert site.client.order(order_id).priority == 2
    # The contract's closing pass refuses a book in which the critical bid was skipped.
    [trade] = clear(site, window_id)
    assert trade.buyer == address
    admit_houses(site.config, site.keys, site.client, said.append)
    assert said[1:] == ["the orders of house-3 are of priority class 0 from now on"]


def reviewer_of(site):
    nodes = {site.keys.peers[one.name].address: one.name for one in site.config.houses}
    return Reviewer(site.config.market, site.store, site.client, site.keys.coordinator, nodes)


def test_only_approved_orders_are_cleared_in_a_centralised_window(site, service):
    for house in site.config.houses:
        site.feed(house.name)
    window_id = site.open_window(
        site.brief_s() + 3, mechanism=UNIFORM, is_strict=True, needs_approval=True
    )
    service.post_offer("house-1", ENERGY, LOW)
    dear_id = service.post_bid("house-2", ENERGY, RETAIL + 1)
    bid_id = service.post_bid("house-2", ENERGY, HIGH)
    assert [one.order_id for one in service.pending_orders()][1:] == [dear_id, bid_id]
    wait_for(reviewer_of(site).review)
    wait_for(lambda: service.pending_orders() == [])
    assert "is not between the grid's" in service.rejection(dear_id)
    [trade] = settle(site, clear(site, window_id))
    assert trade.order_id == bid_id
    assert_whole(site)


def test_person_approves_and_rejects_when_the_site_says_so(site, service):
    site.open_window(mechanism=UNIFORM, needs_approval=True)
    offer_id = service.post_offer("house-1", ENERGY, LOW)
    bid_id = service.post_bid("house-2", ENERGY, HIGH)
    service.review([offer_id], True)
    service.review([bid_id], False)
    assert site.store.orders()[-1].is_cancelled
    assert service.rejection(bid_id) == "The coordinator rejected it."
    with pytest.raises(Refused, match=f"No approval is waited for by order {offer_id}"):
        service.review([offer_id], True)


def test_person_reviews_on_the_command_line(site, service, page, monkeypatch):
    state = {"page_url": page.url}
    monkeypatch.setattr("hub.review_cli.running.announced", lambda data_dir: state)
    site.open_window(mechanism=UNIFORM, needs_approval=True)
    offer_id = service.post_offer("house-1", ENERGY, LOW)
    bid_id = service.post_bid("house-2", ENERGY, HIGH)

    def run(*arguments):
        data = ("--data", str(site.config.data_dir))
        return CliRunner().invoke(review, [*data, *map(str, arguments)])

    assert f"{offer_id}: house-1 offers 40 mWh at 0.16 ETH/kWh" in run().output
    assert run("--approve", offer_id).output == f"approved: {offer_id}\n"
    assert run("--reject", bid_id).exit_code == 0
    again = run("--approve", offer_id)
    assert f"No approval is waited for by order {offer_id}." in str(again.exception)
    assert run("--approve").exit_code == 2


def dying_client(site, at_call, when):
    """The real client, but the process ends at its n-th call: before, in, or after the sending."""
    calls = iter(range(1, 100))

    def execute(account, function, *args, before_send):
        is_last = next(calls) == at_call
        if is_last and when == "before":
            raise Killed

        def keep(call):
            before_send(call)
            if is_last and when == "kept":
                raise Killed

        receipt = site.client.execute(account, function, *args, before_send=keep)
        if is_last:
            raise Killed
        return receipt

    return SimpleNamespace(execute=execute, send=site.client.send, head=site.client.head)


def test_book_is_cleared_once_when_the_hub_is_killed_at_any_call(site, service, monkeypatch):
    monkeypatch.setattr(clearing, "FILLS_PER_CALL", 1)
    monkeypatch.setattr(clearing, "ORDERS_PER_CALL", 2)
    window_id = site.open_window(site.brief_s() + 2, mechanism=UNIFORM, is_strict=True)
    service.post_offer("house-1", ENERGY, LOW)
    service.post_offer("house-3", ENERGY, LOW)
    service.post_bid("house-2", 2 * ENERGY, HIGH)
    window = site.store.window(window_id)
    time.sleep(max(0.0, window.bid_end_s + clearing.MARGIN_S - time.time()))
    wait_for(lambda: site.store.chain_cursor()[0] >= site.client.head()[0])
    deaths = 0
    for when in ("before", "kept", "after"):
        for at_call in (1, 2):
            try:
                clearer_of(site, dying_client(site, at_call, when)).clear(window)
            except Killed:
                deaths += 1
    assert deaths >= 4
    trades = clear(site, window_id)
    assert [trade.energy_uwh for trade in trades] == [ENERGY, ENERGY]
    assert {trade.state for trade in settle(site, trades)} == {"settled"}
    assert_whole(site)


def test_counter_offer_is_agreed_between_two_houses(site, service):
    site.open_window()
    order_id = service.post_offer("house-1", ENERGY, HIGH)
    counter_id = service.counter("house-2", order_id, ENERGY, LOW)
    [shown] = [one for one in service.overview()["counters"] if one["counter_id"] == counter_id]
    assert (shown["by"], shown["to"], shown["price_gwei_per_kwh"]) == ("house-2", "house-1", LOW)
    with pytest.raises(Refused, match="your own terms"):
        service.accept("house-2", counter_id)
    with pytest.raises(Refused, match="between two other houses"):
        service.accept("house-3", counter_id)
    service.counter_again("house-1", counter_id, ENERGY, MIDDLE)
    assert [one[:2] for one in service.counters_to("house-2")] == [(False, "house-1")]
    trade_id = service.accept("house-2", counter_id)
    trade = site.store.trade(trade_id)
    assert (trade.price_gwei_per_kwh, trade.buyer) == (MIDDLE, site.keys.peers["house-2"].address)
    assert service.counters_to("house-2") == []
    assert_whole(site)


def test_lock_of_a_counter_offer_is_free_when_it_is_withdrawn(site, service):
    site.open_window()
    before = balance(site, "house-2")
    order_id = service.post_offer("house-1", ENERGY, HIGH)
    counter_id = service.counter("house-2", order_id, ENERGY, LOW)
    assert service.available_wei("house-2") == before - ENERGY * LOW
    service.withdraw_counter("house-1", counter_id)
    assert service.available_wei("house-2") == before
    with pytest.raises(Refused, match="does not stand any more"):
        service.accept("house-1", counter_id)
