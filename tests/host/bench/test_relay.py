"""Relay contacts: operate and release times, bounce, faults."""

import numpy as np
import pytest

from tools.bench.relay import Relay


def make_relay(seed=1):
    return Relay(np.random.default_rng(seed))


def edges_of(relay):
    edges = []
    while relay.next_edge_s is not None:
        edges.append(relay.take_edge())
    return edges


@pytest.mark.parametrize("seed", range(20))
def test_contact_closes_within_10_ms_when_energised(seed):
    relay = make_relay(seed)
    relay.drive(True, 1.0)
    edges = edges_of(relay)
    assert 1.005 < edges[0][0] < 1.010
    assert edges[-1][0] < 1.0125
    assert [closed for _, closed in edges] == [True, False] * (len(edges) // 2) + [True]


def test_contact_opens_within_10_ms_when_released():
    relay = make_relay()
    relay.drive(True, 1.0)
    edges_of(relay)
    relay.drive(False, 2.0)
    [(at_s, closed)] = edges_of(relay)
    assert 2.0 < at_s < 2.010
    assert not closed


def test_contact_never_moves_when_the_coil_changes_back_at_once():
    relay = make_relay()
    relay.drive(True, 1.0)
    relay.drive(False, 1.002)
    assert edges_of(relay) == []


def test_contact_stays_closed_when_welded():
    relay = make_relay()
    relay.drive(True, 1.0)
    edges_of(relay)
    relay.break_down("welded", 2.0)
    relay.drive(False, 3.0)
    assert edges_of(relay) == []
    assert relay.is_closed
    relay.break_down(None, 4.0)
    assert [closed for _, closed in edges_of(relay)] == [False]


def test_contact_stays_open_when_stuck():
    relay = make_relay()
    relay.break_down("stuck_open", 0.5)
    relay.drive(True, 1.0)
    assert edges_of(relay) == []
    assert not relay.is_closed
