"""Turns on the bus: one holder a segment, fair order, nobody waits for a node that is away."""

from __future__ import annotations

from hub.oracle.turns import Ticket, Turns


def ticket(number, segment="bus-1", seller="house-1", buyer="house-2", opens_at_ms=0):
    return Ticket(f"d{number}", number, segment, seller, buyer, opens_at_ms)


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
