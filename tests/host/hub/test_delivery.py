"""The delivery's transition function: whatever happens in whatever order, its rules hold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.oracle import delivery, records
from tests.host.thorough import examples

TERMS = records.Terms(
    energy_uwh=34_723,
    block_uwh=347,
    turn_ms=40_000,
    end_by_ms=100_000,
    start_by_ms=90_000,
    report_by_ms=150_000,
    close_timeout_ms=5_000,
    silence_ms=12_000,
    may_retry=True,
)
QUEUED = records.State("queued", 0)


def run(events, state=QUEUED, terms=TERMS):
    """Feed events; return the last state and all actions with the state they came from."""
    actions = []
    for event in events:
        before = state
        state, wanted = delivery.step(terms, state, event)
        actions += [(before, event, one) for one in wanted]
    return state, actions


def wanted(actions):
    return [action for _, _, action in actions]


def heard(at_ms, role, phase, energy_uwh=0, reason=None):
    return records.Heard(at_ms, role, phase, energy_uwh, reason)


def whole_delivery():
    return [
        records.Granted(1_000),
        heard(1_100, "buyer", "closed"),
        heard(1_200, "seller", "closed"),
        heard(1_400, "seller", "progress", 347),
        heard(1_400, "buyer", "progress", 340),
        heard(21_000, "seller", "final", 34_730, "energy_reached"),
        heard(21_100, "buyer", "final", 34_600, "commanded"),
        records.ReportTaken(21_200),
        records.Settled(21_300),
    ]


def test_delivery_closes_buyer_then_seller_and_reports_both_finals_when_all_goes_well():
    state, actions = run(whole_delivery())
    assert wanted(actions) == [
        records.Lease("buyer", 0),
        records.Lease("seller", 0),
        records.Close("buyer"),
        records.Close("seller"),
        records.Lease("buyer", 0),
        records.Lease("buyer", 347),
        records.Lease("seller", 340),
        records.Open("buyer"),
        records.ReleaseTurn(),
        records.Report(34_730, 34_600),
    ]
    assert state.phase == "settled"


def test_delivery_opens_both_when_the_buyer_does_not_answer():
    state, actions = run([records.Granted(0), records.Tick(4_000), records.Tick(5_000)])
    assert state.phase == "opening"
    assert records.Open("buyer") in wanted(actions)
    assert records.Close("seller") not in wanted(actions)


def test_delivery_is_tried_again_when_nothing_moved():
    events = [records.Granted(0), heard(100, "buyer", "final", 0, "voltage_mismatch")]
    state, actions = run(events)
    assert wanted(actions)[-2:] == [records.ReleaseTurn(), records.Retry()]
    assert state.phase == "abandoned"


def test_delivery_reports_zero_when_nothing_moved_in_the_last_attempt():
    events = [records.Granted(0), heard(100, "buyer", "final", 0, "voltage_mismatch")]
    _, actions = run(events, terms=replace(TERMS, may_retry=False))
    assert wanted(actions)[-1] == records.Report(0, 0)


def test_delivery_reports_the_acknowledged_when_a_meter_stays_silent():
    events = [
        *whole_delivery()[:5],
        heard(15_000, "seller", "final", 20_000, "exposure"),
        records.Tick(27_000),
        records.Tick(150_000),
    ]
    state, actions = run(events)
    assert state.phase == "reporting"
    assert records.ReleaseTurn() in wanted(actions)
    assert wanted(actions)[-1] == records.Report(20_000, 340)


def test_delivery_takes_a_late_final_when_the_silent_meter_comes_back():
    events = [
        *whole_delivery()[:5],
        heard(15_000, "seller", "final", 20_000, "exposure"),
        records.Tick(27_000),
        heard(60_000, "buyer", "final", 19_900, "rebooted"),
    ]
    _, actions = run(events, terms=replace(TERMS, may_retry=False))
    assert wanted(actions)[-1] == records.Report(20_000, 19_900)


def ended_early(seller_uwh, buyer_uwh):
    return [
        *whole_delivery()[:5],
        heard(9_000, "seller", "final", seller_uwh, "link_lost"),
        heard(9_100, "buyer", "final", buyer_uwh, "commanded"),
    ]


def test_delivery_goes_on_in_another_attempt_when_much_is_left():
    state, actions = run(ended_early(20_000, 19_900))
    assert wanted(actions)[-2:] == [records.ReleaseTurn(), records.Retry()]
    assert state.phase == "abandoned"


def test_delivery_is_reported_when_no_more_than_a_block_or_a_hundredth_is_left():
    left_uwh = max(TERMS.block_uwh, TERMS.energy_uwh // 100)
    _, actions = run(ended_early(TERMS.energy_uwh - left_uwh, 30_000))
    assert wanted(actions)[-1] == records.Report(TERMS.energy_uwh - left_uwh, 30_000)


def test_figures_of_earlier_attempts_are_summed_when_the_last_one_ends():
    terms = replace(TERMS, carried_seller_uwh=20_000, carried_buyer_uwh=19_900)
    assert (terms.left_uwh("seller"), terms.left_uwh("buyer")) == (14_723, 14_823)
    _, actions = run(ended_early(14_730, 14_700), terms=terms)
    assert wanted(actions)[-1] == records.Report(34_730, 34_600)


def test_carried_energy_is_reported_when_no_further_turn_comes():
    terms = replace(TERMS, carried_seller_uwh=20_000, carried_buyer_uwh=19_900)
    state, actions = run([records.Tick(TERMS.start_by_ms)], terms=terms)
    assert wanted(actions) == [records.Report(20_000, 19_900)]
    assert state.phase == "reporting"


def test_last_progress_counts_when_a_rebooted_board_had_saved_less():
    events = [
        *whole_delivery()[:3],
        heard(9_000, "seller", "progress", 9_000),
        heard(9_000, "buyer", "progress", 8_900),
        heard(9_300, "seller", "final", 9_400, "exposure"),
        heard(15_000, "buyer", "final", 0, "rebooted"),
    ]
    _, actions = run(events, terms=replace(TERMS, may_retry=False))
    assert wanted(actions)[-1] == records.Report(9_400, 8_900)


def test_delivery_is_left_to_the_refund_when_one_meter_was_never_heard():
    events = [
        records.Granted(0),
        heard(100, "buyer", "closed"),
        records.Tick(6_000),
        records.Tick(20_000),
        records.Tick(150_000),
    ]
    state, actions = run(events)
    assert wanted(actions)[-1] == records.LeaveToRefund()
    assert state.phase == "abandoned"


def test_delivery_opens_at_once_when_the_hub_restarts_in_the_middle():
    state, actions = run([*whole_delivery()[:4], records.Restarted(5_000)])
    assert state.phase == "opening"
    assert wanted(actions)[-2:] == [records.Open("seller"), records.Open("buyer")]


def test_delivery_ends_unarmed_when_no_turn_comes_before_the_window_ends():
    state, actions = run([records.Tick(89_999), records.Tick(90_000), records.Granted(90_001)])
    assert wanted(actions) == [records.LeaveToRefund()]
    assert state.reason == "no_turn"


def test_state_is_the_same_when_it_went_through_the_journal():
    state, _ = run(whole_delivery()[:6])
    assert records.State.from_json(state.to_json()) == state


# Properties -------------------------------------------------------------------------------------

MESSAGES = st.builds(
    lambda role, phase, energy, reason: ("heard", role, phase, energy, reason),
    st.sampled_from(records.ROLES),
    st.sampled_from(("closed", "progress", "final")),
    st.integers(0, 40_000),
    st.sampled_from((None, "energy_reached", "commanded", "link_lost", "over_current")),
)
HAPPENINGS = st.one_of(
    MESSAGES,
    MESSAGES,  # the most frequent
    st.just(("granted",)),
    st.just(("tick",)),
    st.just(("restarted",)),
    st.just(("taken",)),
    st.just(("settled",)),
    st.just(("refused",)),
)
KINDS = {
    "granted": records.Granted,
    "tick": records.Tick,
    "restarted": records.Restarted,
    "taken": records.ReportTaken,
    "settled": records.Settled,
    "refused": records.ReportRefused,
}


def as_events(happenings):
    """Give happenings their growing times."""
    at_ms, events = 0, []
    for wait_ms, what in happenings:
        at_ms += wait_ms
        events.append(
            records.Heard(at_ms, *what[1:]) if what[0] == "heard" else KINDS[what[0]](at_ms)
        )
    return events


STORIES = st.lists(st.tuples(st.integers(0, 20_000), HAPPENINGS), max_size=40).map(as_events)


@given(STORIES, st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_seller_is_never_told_to_close_when_the_buyer_has_not_closed(events, may_retry):
    has_closed = False
    state, terms = QUEUED, replace(TERMS, may_retry=may_retry)
    for event in events:
        if isinstance(event, records.Heard) and event.role == "buyer" and event.phase != "final":
            has_closed = True
        state, actions = delivery.step(terms, state, event)
        if records.Close("seller") in actions:
            assert has_closed and not state.buyer.is_final


@given(STORIES, st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_nothing_is_closed_or_leased_when_opening_has_begun(events, may_retry):
    _, actions = run(events, terms=replace(TERMS, may_retry=may_retry))
    has_opened = False
    for _, _, action in actions:
        has_opened = has_opened or isinstance(action, records.Open)
        if has_opened:
            assert not isinstance(action, (records.Close, records.Lease))


@given(STORIES, st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_one_report_at_most_and_always_the_same_when_events_repeat(events, may_retry):
    _, actions = run(events, terms=replace(TERMS, may_retry=may_retry))
    reports = [(event, one) for _, event, one in actions if isinstance(one, records.Report)]
    assert len({one for _, one in reports}) <= 1
    # Only a restarted hub says it again, and then sends the transaction that it kept.
    assert all(isinstance(event, records.Restarted) for event, _ in reports[1:])
    last_words = (records.Retry, records.LeaveToRefund)
    assert sum(isinstance(one, last_words) for one in wanted(actions)) <= 1


@given(STORIES, st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_turn_is_held_only_from_grant_to_release_when_anything_happens(events, may_retry):
    state, terms, holds = QUEUED, replace(TERMS, may_retry=may_retry), False
    for event in events:
        state, actions = delivery.step(terms, state, event)
        if isinstance(event, records.Granted) and state.phase == "closing_buyer":
            holds = True
        for action in actions:
            if isinstance(action, records.ReleaseTurn):
                assert holds
                holds = False
        assert state.has_turn == holds


@given(STORIES, st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_delivery_always_ends_when_nothing_but_time_goes_on(events, may_retry):
    state, _ = run(events, terms=replace(TERMS, may_retry=may_retry))
    terms = replace(TERMS, may_retry=may_retry)
    for _ in range(200):
        due_ms = delivery.next_tick_ms(terms, state)
        if due_ms is None:
            break
        state, _ = delivery.step(terms, state, records.Tick(max(due_ms, state.since_ms)))
    # What is left to wait for is the chain's word on a report, or nothing.
    assert state.phase in ("reporting", "reported", *records.FINISHED)
    assert not state.has_turn
