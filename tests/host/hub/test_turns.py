"""Turns on the bus: one holder a segment, fair order, nobody waits for a node that is away."""

from __future__ import annotations

from hub.oracle.turns import Ticket, Turns


def ticket(number, segment="bus-1", seller="house-1", buyer="house-2", opens_at_ms=0, **more):
    return Ticket(f"d{number}", number, segment, seller, buyer, opens_at_ms, **more)


def order_of(turns):
    """Grant one turn after the other and return their order."""
    order = []
    while granted := grant(turns):
        order += granted
        turns.release(granted[0])
    return order


def always(_):
    return True


def grant(turns, at_ms=0, is_clear=always, is_ready=always):
    return [one.delivery_id for one in turns.grant(at_ms, is_clear, is_ready)]


def test_segment_goes_to_the_earlier_trade_when_two_want_it():
    turns = Turns()
    turns.enqueue(ticket(2, seller="house-3", buyer="house-4"))
    turns.enqueue(ticket(1))
    assert grant(turns) == ["d1"]
    assert grant(turns) == []
    turns.release("d1")
    assert grant(turns) == ["d2"]


def test_segments_are_granted_side_by_side_when_their_nodes_differ():
    turns = Turns()
    turns.enqueue(ticket(1))
    turns.enqueue(ticket(2, "bus-2", "house-3", "house-4"))
    assert grant(turns) == ["d1", "d2"]


def test_node_is_in_one_delivery_only_when_it_is_on_two_segments():
    turns = Turns()
    turns.enqueue(ticket(1))
    turns.enqueue(ticket(2, "bus-2", "house-2", "house-4"))
    assert grant(turns) == ["d1"]


def test_delivery_is_passed_over_and_keeps_its_place_when_its_node_is_away():
    turns = Turns()
    turns.enqueue(ticket(1))
    turns.enqueue(ticket(2, seller="house-3", buyer="house-4"))
    assert grant(turns, is_ready=lambda node: node != "house-1") == ["d2"]
    turns.release("d2")
    assert grant(turns) == ["d1"]


def test_nothing_is_granted_when_the_segment_is_not_clear():
    turns = Turns()
    turns.enqueue(ticket(1))
    assert grant(turns, is_clear=lambda segment: False) == []


def test_nothing_is_granted_when_the_delivery_window_has_not_begun():
    turns = Turns()
    turns.enqueue(ticket(1, opens_at_ms=1_000))
    assert grant(turns, at_ms=999) == []
    assert turns.next_opening_ms(999) == 1_000
    assert grant(turns, at_ms=1_000) == ["d1"]


def test_segment_is_taken_when_a_delivery_of_before_a_restart_occupies_it():
    turns = Turns()
    turns.occupy(ticket(1))
    turns.enqueue(ticket(2, seller="house-3", buyer="house-4"))
    assert grant(turns) == []
    assert turns.holders == {"bus-1": "d1"}
    turns.release("d1")
    assert grant(turns) == ["d2"]


def test_delivery_is_queued_once_when_it_is_enqueued_twice():
    turns = Turns()
    turns.enqueue(ticket(1))
    turns.enqueue(ticket(1))
    assert grant(turns) == ["d1"]
    turns.enqueue(ticket(1))
    turns.release("d1")
    assert grant(turns) == []


def test_house_with_many_trades_waits_for_those_that_had_nothing():
    turns = Turns()
    for number in (1, 2, 3):
        turns.enqueue(ticket(number, energy_uwh=90_000))
    turns.enqueue(ticket(4, seller="house-3", buyer="house-4", energy_uwh=10_000))
    turns.enqueue(ticket(5, seller="house-3", buyer="house-4", energy_uwh=10_000))
    assert order_of(turns) == ["d1", "d4", "d5", "d2", "d3"]


def test_failed_attempt_comes_back_behind_the_others():
    turns = Turns()
    turns.enqueue(ticket(1, energy_uwh=10_000))
    turns.enqueue(ticket(2, seller="house-3", buyer="house-4", energy_uwh=10_000))
    assert grant(turns) == ["d1"]
    turns.release("d1")
    turns.enqueue(ticket(1, energy_uwh=10_000))
    assert order_of(turns) == ["d2", "d1"]


def test_critical_class_goes_first_but_not_for_ever():
    turns = Turns()
    turns.enqueue(ticket(1, seller="house-3", buyer="house-4"))
    for number in range(2, 8):
        turns.enqueue(ticket(number, priority=2))
    assert order_of(turns) == ["d2", "d3", "d4", "d1", "d5", "d6", "d7"]


def test_nothing_is_granted_when_its_window_is_over():
    turns = Turns()
    turns.enqueue(ticket(1, opens_at_ms=1_000, closes_at_ms=2_000))
    assert grant(turns, at_ms=2_000) == []
    assert grant(turns, at_ms=1_999) == ["d1"]


def test_two_segments_run_side_by_side_whatever_waits_on_the_first():
    turns = Turns()
    for number in (1, 2, 3):
        turns.enqueue(ticket(number))
    turns.enqueue(ticket(4, "bus-2", "house-3", "house-4"))
    assert grant(turns) == ["d1", "d4"]
    turns.release("d4")
    assert grant(turns) == []
