"""The store: sequence numbers, the market rebuilt from events, identity, threads."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from hub.errors import ForeignStore, StoreError
from hub.store import IdentityRow, NodeRow, Store
from tests.host.hub.samples import aggregate, delivery, reading, signature, status

IDENTITY = IdentityRow(1337, "0xgenesis", "0xcontract", "0xblock")


def test_record_is_stored_once_when_it_comes_twice(store):
    words = [
        store.store_record("house-1", "reading", reading(seq), (5, 5)) for seq in (1, 1, 3, 2, 4)
    ]
    assert words == ["new", "duplicate", "new", "stale", "new"]
    assert [row["seq"] for row in store.readings_between(0, 10)] == [1, 3, 4]


def test_sequences_are_apart_when_node_or_kind_differ(store):
    assert store.store_record("house-1", "reading", reading(5), (5, 5)) == "new"
    assert store.store_record("house-2", "reading", reading(1), (5, 5)) == "new"
    assert store.store_record("house-1", "status", status(1), (5, 5)) == "new"


def test_sequence_and_record_are_both_gone_when_the_transaction_fails(store):
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.store_record("house-1", "reading", reading(7), (5, 5))
        raise ZeroDivisionError
    assert store.readings_between(0, 10) == []
    assert store.store_record("house-1", "reading", reading(7), (5, 5)) == "new"


def test_latest_is_the_newest_of_each_node_when_several_came(store):
    store.set_nodes([NodeRow("house-1", "prosumer", "bus-1", None)])
    for seq in (1, 2):
        record = reading(seq, pv_power_uw=seq)
        store.store_record("house-1", "reading", record, (seq, seq))
        store.store_record("house-1", "status", status(seq, relay="in"), (seq, seq))
    assert store.latest_readings()["house-1"]["pv_power_uw"] == 2
    assert store.latest_statuses()["house-1"].received_at_ms == 2


def test_delivery_reports_keep_the_last_of_each_phase_when_progress_flows(store):
    for seq in (1, 2, 3):
        record = delivery(seq, energy_uwh=seq)
        store.store_record("house-1", "delivery", record, (seq, seq))
    store.store_record("house-1", "delivery", delivery(4, phase="final", energy_uwh=9), (4, 4))
    found = store.delivery_reports("cd" * 16)
    assert [(one.phase, one.energy_uwh) for one in found] == [("progress", 3), ("final", 9)]


def test_balances_follow_the_money_when_an_offer_is_taken_and_settled(store, market):
    market.offer(energy_uwh=2_000)
    market.trade(energy_uwh=1_000)
    assert balances(store) == {"0xhouse-1": 1_000_000, "0xhouse-2": 993_000}
    market.settle(energies=(990, 980))
    assert balances(store) == {"0xhouse-1": 1_006_860, "0xhouse-2": 993_140}
    assert store.open_orders(1)[0].remaining_uwh == 1_000
    trade = store.trade(1)
    assert (trade.state, trade.settled_uwh, trade.paid_wei, trade.refunded_wei) == (
        *("settled", 980, 6_860, 140),
    )


def test_balances_follow_the_money_when_a_bid_is_cut_and_cancelled(store, market):
    market.offer(is_offer=False, energy_uwh=2_000, peer="0xhouse-2")
    assert balances(store)["0xhouse-2"] == 986_000
    market.trade(energy_uwh=1_000)
    assert balances(store)["0xhouse-2"] == 986_000
    market.apply("OrderCancelled", order_id=1, energy_uwh=1_000, refunded_wei=7_000)
    market.apply("TradeRefunded", trade_id=1, refunded_wei=7_000)
    assert balances(store)["0xhouse-2"] == 1_000_000
    assert store.trade(1).state == "refunded"
    assert store.open_orders(1) == []


def test_held_money_follows_when_a_dispute_is_resolved(store, market):
    market.offer()
    market.trade()
    market.dispute()
    assert balances(store) == {"0xhouse-1": 1_004_200, "0xhouse-2": 993_350}
    assert store.trade(1).state == "disputed"
    assert [trade.trade_id for trade in store.disputed_trades()] == [1]
    assert store.unsettled_trades() == []
    market.apply("DisputeResolved", trade_id=1, settled_uwh=700, paid_wei=700, refunded_wei=1_750)
    assert balances(store) == {"0xhouse-1": 1_004_900, "0xhouse-2": 995_100}
    trade = store.trade(1)
    assert (trade.state, trade.settled_uwh, trade.paid_wei, trade.refunded_wei) == (
        *("settled", 700, 4_900, 2_100),
    )
    assert store.disputed_trades() == []


def test_node_is_free_when_its_peer_was_removed(store, market):
    market.apply("PeerRemoved", peer="0xhouse-1")
    removed = next(peer for peer in store.peers() if peer.peer == "0xhouse-1")
    assert (removed.state, removed.node) == ("registered", None)


def balances(store):
    return {peer.peer: peer.balance_wei for peer in store.peers()}


def test_events_change_nothing_when_they_are_applied_again(store, market):
    event = market.make("Deposited", peer="0xhouse-1", amount_wei=5)
    cursor = SimpleNamespace(block_number=event.block_number, block_hash=event.block_hash)
    store.apply_batch([event], cursor, 1)
    store.apply_batch([event], cursor, 1)
    assert balances(store)["0xhouse-1"] == 1_000_005


def test_events_and_cursor_stay_as_they_were_when_one_of_a_batch_is_wrong(store, market):
    before = store.chain_cursor()
    good = market.make("Deposited", peer="0xhouse-1", amount_wei=5)
    bad = market.make("OrderPlaced", order_id=1)
    cursor = SimpleNamespace(block_number=99, block_hash="0x99")
    with pytest.raises(KeyError):
        store.apply_batch([good, bad], cursor, 1)
    assert store.chain_cursor() == before
    assert balances(store)["0xhouse-1"] == 1_000_000


def test_market_is_as_before_when_blocks_are_rolled_back(store, market):
    market.offer()
    cursor = store.chain_cursor()
    before = (store.orders(), store.peers(), store.windows())
    market.trade()
    market.settle()
    store.roll_back(*cursor)
    assert (store.orders(), store.peers(), store.windows()) == before
    assert store.trades() == []
    assert store.chain_cursor() == cursor


def test_wei_are_exact_when_they_pass_64_bits(store, market):
    market.apply("Deposited", peer="0xhouse-1", amount_wei=10**30 + 1)
    assert balances(store)["0xhouse-1"] == 10**30 + 1_000_001


def test_store_refuses_and_names_both_when_the_contract_is_another(store):
    store.bind_identity(IDENTITY)
    store.bind_identity(IDENTITY)
    with pytest.raises(ForeignStore, match="address differ.*0xcontract.*0xother.*hub init"):
        store.bind_identity(IdentityRow(1337, "0xgenesis", "0xother", "0xblock"))
    assert store.identity() == IDENTITY


def test_peer_has_a_board_key_only_while_it_was_approved_with_one(store, events):
    keys = []
    for key in ("0x" + "00" * 20, "0xboard", "0xother"):
        events.apply("PeerApproved", peer="0xhouse-1", node_id="house-1", node_key=key)
        keys.append(store.peers()[0].node_key)
    events.apply("PeerRemoved", peer="0xhouse-1")
    assert [*keys, store.peers()[0].node_key] == [None, "0xboard", "0xother", None]


def test_signatures_stay_apart_when_another_node_signs_for_the_same_role(store):
    for node, seq in (("house-1", 1), ("house-3", 1), ("house-1", 2)):
        store.store_record(node, "signature", signature(seq, energy_uwh=seq), (5, 5))
    found = store.delivery_signatures("cd" * 16)
    assert [(one.node, one.energy_uwh) for one in found] == [("house-1", 2), ("house-3", 1)]


def test_store_goes_on_where_it_was_when_it_is_opened_again(place):
    first = Store.open(place)
    first.store_record("house-1", "reading", reading(7), (5, 5))
    assert first.next_epoch() == 1
    first.close()
    second = Store.open(place)
    assert second.store_record("house-1", "reading", reading(7), (5, 5)) == "duplicate"
    assert second.next_epoch() == 2
    second.close()


def test_every_record_is_there_when_threads_write_and_read_at_once(store):
    def write(node):
        for seq in range(1, 51):
            store.store_record(node, "reading", reading(seq), (seq, seq))
            store.readings_between(0, 100, node)

    threads = [threading.Thread(target=write, args=(f"house-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(store.readings_between(0, 100)) == 200


def test_registers_count_once_when_one_falls_back_and_catches_up(store):
    for seq, value in enumerate((100, 200, 150, 220), 1):
        record = reading(seq, bus_import_uwh=value)
        store.store_record("house-1", "reading", record, (seq, seq))
    assert store.registers_at("house-1", 3)["bus_import_uwh"] == 200
    assert store.registers_at("house-1", 9)["bus_import_uwh"] == 220
    assert store.first_registers("house-1")["bus_import_uwh"] == 100


def test_store_says_so_when_it_is_used_after_its_end(place):
    store = Store.open(place)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.nodes()
    with pytest.raises(StoreError, match="closed"):
        store.set_state("a", 1)


def test_aggregate_is_stored_once_whatever_the_order(store):
    def put(**changes):
        return store.store_record("house-1", "aggregate", aggregate(**changes), (9, 9))

    assert [put(seq=5), put(seq=4), put(seq=5), put(seq=4, boot_id=2)] == [
        "new",
        "new",
        "duplicate",
        "new",
    ]
    assert [(one["seq"], one["boot_id"]) for one in store.aggregates("house-1")] == [
        (4, 1),
        (4, 2),
        (5, 1),
    ]
    assert store.aggregates("house-2") == []


def test_next_epoch_is_above_one_that_boards_knew(store):
    assert store.next_epoch() == 1
    store.raise_epoch(40)
    store.raise_epoch(3)
    assert store.next_epoch() == 41
