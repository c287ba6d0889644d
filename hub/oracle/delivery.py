"""One attempt at a delivery as a pure function: (terms, state, event) -> (state, actions).

No clock, no store, no network: runner.py beside it journals each new state before it acts.

    queued -> closing_buyer -> closing_seller -> delivering -> opening -> reporting -> reported
           buyer IN first,    only then seller OUT            |-> waiting for a silent meter -^

- The seller is never told to close before the buyer said that it has closed.
- From `opening` on no lease is sent, so every relay is open at the latest one nonce life later.
- A silent meter: the turn ends when its lease certainly has; its final may still come (boards keep
  finals over reboots) until `report_by_ms`, then the last authenticated progress of both counts as
  the floor. When either floor is zero, nothing is reported and the buyer is refunded.
- An attempt that ended early is followed by another for what is left, while the window and the
  number of attempts allow; what the meters counted is carried along and reported once, summed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hub.oracle.records import (
    BUYER,
    FINISHED,
    ROLES,
    SELLER,
    Action,
    Close,
    Event,
    Granted,
    Heard,
    Lease,
    LeaveToRefund,
    Open,
    ReleaseTurn,
    Report,
    ReportRefused,
    ReportTaken,
    Restarted,
    Result,
    Retry,
    Settled,
    State,
    Stopped,
    Terms,
)

RESEND_MS = 1_000
LEASE_PERIOD_MS = 1_000  # while no progress comes; each progress is forwarded at once


def step(terms: Terms, state: State, event: Event) -> Result:
    """Return the next state and what to do, in this order. Total: no event is ever an error."""
    if state.phase in FINISHED:
        return state, ()
    if isinstance(event, Settled):
        return _end(state, event.at_ms, "settled", _opens(state) if state.has_turn else ())
    if isinstance(event, ReportTaken):
        if state.phase != "reporting":
            return state, ()
        return replace(state, phase="reported", since_ms=event.at_ms), ()
    if isinstance(event, ReportRefused):
        return _end(state, event.at_ms, "abandoned", (LeaveToRefund(),))
    if isinstance(event, Granted):
        return _granted(terms, state, event)
    if isinstance(event, Heard):
        return _heard(terms, state, event)
    if isinstance(event, Restarted):
        return _restarted(terms, state, event)
    if isinstance(event, Stopped):
        if state.phase in ("closing_buyer", "closing_seller", "delivering"):
            return _open(state, event.at_ms, event.reason)
        return state, ()
    return _TICKS[state.phase](terms, state, event.at_ms)


def _granted(terms: Terms, state: State, event: Granted) -> Result:
    if state.phase != "queued":
        return state, ()
    if event.at_ms >= terms.start_by_ms:  # the hub slept: this turn's time is over
        return _tick_queued(terms, state, event.at_ms)
    armed = replace(
        state,
        phase="closing_buyer",
        since_ms=event.at_ms,
        has_turn=True,
        turn_ends_ms=min(event.at_ms + terms.turn_ms, terms.end_by_ms),
        spoke_at_ms=event.at_ms,
    ).with_side(BUYER, is_commanded=True)
    return armed, (Lease(BUYER, 0), Lease(SELLER, 0), Close(BUYER))


def _heard(terms: Terms, state: State, event: Heard) -> Result:
    side = state.side(event.role)
    if state.phase in ("queued", "reporting", "reported") or side.is_final:
        return state, ()  # a late or repeated message: nothing depends on it any more
    is_final = event.phase == "final"
    state = state.with_side(
        event.role,
        is_closed=not is_final,
        # What a node once signed is a floor: progress may be overtaken on its way, and a board
        # that lost power knows in its final only what it had saved.
        energy_uwh=max(side.floor_uwh, event.energy_uwh),
        is_final=is_final,
        reason=event.reason,
        heard_at_ms=event.at_ms,
    )
    if is_final:
        return _final(terms, state, event)
    if state.phase == "closing_buyer" and event.role == BUYER:
        closing = replace(
            state, phase="closing_seller", since_ms=event.at_ms, spoke_at_ms=event.at_ms
        ).with_side(SELLER, is_commanded=True)
        return closing, (Close(SELLER),)
    if state.phase == "closing_seller" and event.role == SELLER:
        state = replace(state, phase="delivering", since_ms=event.at_ms)
    if state.phase != "delivering":
        return state, ()
    other = BUYER if event.role == SELLER else SELLER
    return state, (Lease(other, event.energy_uwh),)


def _final(terms: Terms, state: State, event: Heard) -> Result:
    if event.reason not in ("energy_reached", "commanded") and state.reason is None:
        state = replace(state, reason=event.reason)
    if state.seller.is_done and state.buyer.is_done:
        return _finish(terms, state, event.at_ms)
    if state.phase in ("opening", "waiting"):
        return state, ()
    return _open(state, event.at_ms, state.reason)


def _open(state: State, at_ms: int, reason: str | None) -> Result:
    """Order open whatever may be closed; from here on nobody gets a lease."""
    opening = replace(
        state, phase="opening", since_ms=at_ms, spoke_at_ms=at_ms, reason=state.reason or reason
    )
    # The seller first: the buyer's contacts then part without current.
    return opening, _opens(state)


def _opens(state: State) -> tuple[Action, ...]:
    return tuple(Open(role) for role in ROLES if not state.side(role).is_done)


def _finish(terms: Terms, state: State, at_ms: int) -> Result:
    """Both figures are known: go on in another attempt when much is left, else report."""
    release: tuple[Action, ...] = (ReleaseTurn(),) if state.has_turn else ()
    state = replace(state, has_turn=False)
    if terms.may_retry and at_ms < terms.start_by_ms and _is_much_left(terms, state):
        return _end(state, at_ms, "abandoned", (*release, Retry()))
    return replace(state, phase="reporting", since_ms=at_ms), (*release, _figures(terms, state))


def _metered_uwh(terms: Terms, state: State, role: str) -> int:
    return terms.carried_uwh(role) + state.side(role).floor_uwh


def _figures(terms: Terms, state: State) -> Report:
    return Report(_metered_uwh(terms, state, SELLER), _metered_uwh(terms, state, BUYER))


def _is_much_left(terms: Terms, state: State) -> bool:
    """More than a node's own tolerance when it stops: one block or a hundredth of the trade."""
    left_uwh = terms.energy_uwh - max(_metered_uwh(terms, state, role) for role in ROLES)
    return left_uwh > max(terms.block_uwh, terms.energy_uwh // 100)


def _report_or_refund(terms: Terms, state: State, at_ms: int) -> Result:
    """There will be no other figures: report these, or leave a trade without any to the refund."""
    figures = _figures(terms, state)
    if min(figures.seller_uwh, figures.buyer_uwh) == 0:
        return _end(state, at_ms, "abandoned", (LeaveToRefund(),))
    return replace(state, phase="reporting", since_ms=at_ms), (figures,)


def _end(state: State, at_ms: int, phase: str, actions: tuple[Action, ...]) -> Result:
    if state.has_turn:
        actions = (ReleaseTurn(), *actions)
    return replace(state, phase=phase, since_ms=at_ms, has_turn=False), actions


def _restarted(terms: Terms, state: State, event: Restarted) -> Result:
    if state.phase in ("closing_buyer", "closing_seller", "delivering", "opening"):
        return _open(state, event.at_ms, "hub_restarted")
    if state.phase in ("reporting", "reported"):  # sent again, the same: harmless
        return state, (_figures(terms, state),)
    return state, ()


# Time passing in each phase ---------------------------------------------------------------------


def _tick_queued(terms: Terms, state: State, at_ms: int) -> Result:
    if at_ms < terms.start_by_ms:
        return state, ()
    return _report_or_refund(terms, replace(state, reason="no_turn"), at_ms)


def _tick_closing(terms: Terms, state: State, at_ms: int) -> Result:
    role = BUYER if state.phase == "closing_buyer" else SELLER
    if at_ms >= min(state.since_ms + terms.close_timeout_ms, _turn_ends_ms(terms, state)):
        return _open(state, at_ms, f"no_answer_{role}")
    if at_ms < state.spoke_at_ms + RESEND_MS:
        return state, ()
    # Doing one id twice does nothing, so a lost command is simply said again.
    return replace(state, spoke_at_ms=at_ms), (*_leases(state), Close(role))


def _leases(state: State) -> tuple[Action, ...]:
    return (Lease(BUYER, state.seller.floor_uwh), Lease(SELLER, state.buyer.floor_uwh))


def _turn_ends_ms(terms: Terms, state: State) -> int:
    """Return the turn's end, or that of the window where the chain's clock has moved it since."""
    return min(state.turn_ends_ms, terms.end_by_ms)


def _tick_delivering(terms: Terms, state: State, at_ms: int) -> Result:
    if at_ms >= _turn_ends_ms(terms, state):
        return _open(state, at_ms, "window_over")
    for role in ROLES:
        if at_ms >= max(state.side(role).heard_at_ms, state.since_ms) + terms.silence_ms:
            return _open(state, at_ms, f"silent_{role}")
    if at_ms < state.spoke_at_ms + LEASE_PERIOD_MS:
        return state, ()
    return replace(state, spoke_at_ms=at_ms), _leases(state)


def _tick_opening(terms: Terms, state: State, at_ms: int) -> Result:
    if at_ms < state.since_ms + terms.silence_ms:
        if at_ms < state.spoke_at_ms + RESEND_MS:
            return state, ()
        return replace(state, spoke_at_ms=at_ms), _opens(state)
    # Every lease has ended by now, so both relays are open.
    if state.seller.is_done and state.seller.floor_uwh == 0:
        return _finish(terms, state, at_ms)  # nothing can have moved, whatever the buyer says
    release: tuple[Action, ...] = (ReleaseTurn(),) if state.has_turn else ()
    return replace(state, phase="waiting", since_ms=at_ms, has_turn=False), release


def _tick_waiting(terms: Terms, state: State, at_ms: int) -> Result:
    if at_ms < terms.report_by_ms:
        return state, ()
    return _report_or_refund(terms, state, at_ms)


def _tick_nothing(terms: Terms, state: State, at_ms: int) -> Result:
    return state, ()


_TICKS: dict[str, Callable[[Terms, State, int], Result]] = {
    "queued": _tick_queued,
    "closing_buyer": _tick_closing,
    "closing_seller": _tick_closing,
    "delivering": _tick_delivering,
    "opening": _tick_opening,
    "waiting": _tick_waiting,
    "reporting": _tick_nothing,
    "reported": _tick_nothing,
}


def next_tick_ms(terms: Terms, state: State) -> int | None:
    """Return when the state next wants a Tick, None when only an event can change it."""
    if state.phase == "queued":
        return terms.start_by_ms
    if state.phase in ("closing_buyer", "closing_seller"):
        timeout_ms = state.since_ms + terms.close_timeout_ms
        ends_ms = _turn_ends_ms(terms, state)
        return min(state.spoke_at_ms + RESEND_MS, timeout_ms, ends_ms)
    if state.phase == "delivering":
        heard = [max(state.side(role).heard_at_ms, state.since_ms) for role in ROLES]
        silent_ms = min(heard) + terms.silence_ms
        ends_ms = _turn_ends_ms(terms, state)
        return min(ends_ms, silent_ms, state.spoke_at_ms + LEASE_PERIOD_MS)
    if state.phase == "opening":
        return min(state.spoke_at_ms + RESEND_MS, state.since_ms + terms.silence_ms)
    return terms.report_by_ms if state.phase == "waiting" else None
