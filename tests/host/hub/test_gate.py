"""Who may speak, and how often."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hub.mqtt.gate import BURST_S, FIRST_PAUSE_S, FORGIVEN_MS, LONGEST_PAUSE_S, Gate

RATE = 50
START_MS = 1_000_000


class Bench:
    def __init__(self):
        self.now_ms, self.is_live, self.floods = START_MS, True, []
        self.gate = Gate(
            RATE,
            lambda node, pause_s: self.floods.append((node, pause_s)),
            lambda: self.is_live,
            lambda: self.now_ms,
        )

    def flood(self, node="house-1"):
        self.gate.count(node, RATE * BURST_S + 1)


@pytest.fixture
def bench():
    return Bench()


def test_node_is_never_shut_out_when_it_keeps_to_its_rate(bench):
    for _ in range(1000):
        bench.now_ms += 1000
        bench.gate.count("house-1", RATE)
    assert bench.floods == []


def test_node_may_be_ahead_of_its_rate_when_it_comes_back_after_days(bench):
    bench.gate.count("house-1", RATE * BURST_S)
    assert bench.floods == []
    bench.gate.count("house-1", 1)
    assert bench.floods == [("house-1", FIRST_PAUSE_S)]


def test_only_the_flooding_node_is_shut_out_and_only_for_its_pause(bench):
    bench.flood()
    assert bench.gate.is_shut("house-1")
    assert not bench.gate.is_shut("house-2")
    bench.now_ms += FIRST_PAUSE_S * 1000
    assert not bench.gate.is_shut("house-1")


def test_pauses_grow_to_an_hour_when_a_node_floods_again_and_again(bench):
    pauses = []
    for _ in range(9):
        bench.flood()
        pauses.append(bench.floods[-1][1])
        bench.now_ms += pauses[-1] * 1000
    assert pauses[:4] == [60, 120, 240, 480]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_pauses_begin_anew_when_a_day_passed_without_a_flood(bench):
    bench.flood()
    bench.now_ms += FORGIVEN_MS + 1
    bench.flood()
    assert [pause_s for _, pause_s in bench.floods] == [FIRST_PAUSE_S] * 2


def test_flood_is_told_once_when_messages_go_on_to_arrive(bench):
    for _ in range(5):
        bench.flood()
    assert len(bench.floods) == 1


def test_nothing_is_counted_while_what_waited_at_the_broker_arrives(bench):
    bench.is_live = False
    bench.gate.count("house-1", 10**6)
    assert bench.floods == []


def test_revoked_node_is_refused_until_it_is_revoked_no_more(bench):
    bench.gate.revoke(["house-1"])
    assert bench.gate.is_shut("house-1")
    bench.gate.revoke([])
    assert not bench.gate.is_shut("house-1")


def test_pause_ends_when_a_person_gives_new_credentials(bench):
    bench.flood()
    bench.gate.pardon("house-1")
    assert not bench.gate.is_shut("house-1")


@pytest.mark.parametrize("set_by_h", [-5, 5])
def test_pause_is_as_long_as_told_when_the_wall_clock_is_set(set_by_h, monkeypatch):
    clock = SimpleNamespace(wall_s=1_700_000_000, steady_s=500)
    monkeypatch.setattr("hub.site_clock.time", SimpleNamespace(
        time_ns=lambda: clock.wall_s * 10**9, monotonic_ns=lambda: clock.steady_s * 10**9
    ))  # fmt: skip
    gate = Gate(RATE)
    gate.count("house-1", RATE * BURST_S + 1)
    clock.wall_s += set_by_h * 3_600
    assert gate.is_shut("house-1") and gate.shut_left_ms("house-1") == FIRST_PAUSE_S * 1_000
    clock.wall_s += FIRST_PAUSE_S
    clock.steady_s += FIRST_PAUSE_S
    assert not gate.is_shut("house-1")
    gate.count("house-1", RATE * BURST_S)
    assert not gate.is_shut("house-1")
