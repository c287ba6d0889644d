"""The records of a delivery: terms, state, what can happen to it, and what it wants done."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, replace
from typing import Any

SELLER, BUYER = "seller", "buyer"
ROLES = (SELLER, BUYER)

# The trade's word for each phase (DESIGN.md section 9); "abandoned" shows as matched.
WORDS = {
    "queued": "queued",
    "closing_buyer": "armed",
    "closing_seller": "armed",
    "delivering": "delivering",
    "opening": "delivering",
    "waiting": "delivering",
    "reporting": "reported",
    "reported": "reported",
    "settled": "settled",
    "abandoned": "abandoned",
}
FINISHED = ("settled", "abandoned")


@dataclass(frozen=True)
class Terms:
    """What is fixed for an attempt. `start_by_ms` and `report_by_ms` are Unix ms."""

    energy_uwh: int  # agreed in the trade
    block_uwh: int  # energy of one metering block at the rated power
    turn_ms: int  # longest time with closed relays
    end_by_ms: int  # the delivery window ends
    start_by_ms: int  # not armed from here on
    report_by_ms: int  # last moment to report what is acknowledged
    close_timeout_ms: int
    silence_ms: int  # longer than the life of a lease
    may_retry: bool
    carried_seller_uwh: int = 0  # final figures of the attempts before this one
    carried_buyer_uwh: int = 0

    def carried_uwh(self, role: str) -> int:
        return self.carried_seller_uwh if role == SELLER else self.carried_buyer_uwh

    def earlier(self, by_ms: int) -> Terms:
        """Return these terms with every moment of the window that much earlier."""
        return replace(
            self,
            end_by_ms=self.end_by_ms - by_ms,
            start_by_ms=self.start_by_ms - by_ms,
            report_by_ms=self.report_by_ms - by_ms,
        )

    def left_uwh(self, role: str) -> int:
        """What this attempt is to deliver by the meter of `role`."""
        return max(self.energy_uwh - self.carried_uwh(role), 0)


@dataclass(frozen=True)
class Side:
    """What is known of one node. `energy_uwh`: its last authenticated figure; None: never heard."""

    is_commanded: bool = False
    is_closed: bool = False
    energy_uwh: int | None = None
    is_final: bool = False
    reason: str | None = None
    heard_at_ms: int = 0

    @property
    def floor_uwh(self) -> int:
        return self.energy_uwh or 0

    @property
    def is_done(self) -> bool:
        """It has told its final, or was never asked to close."""
        return self.is_final or not self.is_commanded


@dataclass(frozen=True)
class State:
    phase: str
    since_ms: int
    seller: Side = Side()
    buyer: Side = Side()
    has_turn: bool = False
    turn_ends_ms: int = 0
    spoke_at_ms: int = 0  # of the last command or lease to both
    reason: str | None = None  # why it ended, when not by its energy

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> State:
        table = json.loads(text)
        table["seller"], table["buyer"] = Side(**table["seller"]), Side(**table["buyer"])
        return cls(**table)

    def later(self, by_ms: int) -> State:
        """Return this state on a wall clock that was set forward by so much."""
        if by_ms == 0 or self.phase in FINISHED:
            return self
        return replace(
            self,
            seller=replace(self.seller, heard_at_ms=self.seller.heard_at_ms + by_ms),
            buyer=replace(self.buyer, heard_at_ms=self.buyer.heard_at_ms + by_ms),
            since_ms=self.since_ms + by_ms,
            spoke_at_ms=self.spoke_at_ms + by_ms,
            turn_ends_ms=self.turn_ends_ms + by_ms,
        )

    def side(self, role: str) -> Side:
        return self.seller if role == SELLER else self.buyer

    def with_side(self, role: str, **changes: Any) -> State:
        side = replace(self.side(role), **changes)
        return replace(self, seller=side) if role == SELLER else replace(self, buyer=side)


# Events ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Granted:
    """The bus segment and both nodes are this delivery's until it releases them."""

    at_ms: int


@dataclass(frozen=True)
class Heard:
    """An authenticated delivery record of one node for this delivery id."""

    at_ms: int
    role: str
    phase: str  # closed, progress, final
    energy_uwh: int
    reason: str | None = None


@dataclass(frozen=True)
class Tick:
    at_ms: int


@dataclass(frozen=True)
class Restarted:
    """The hub was started anew: it does not know what was sent or heard meanwhile."""

    at_ms: int


@dataclass(frozen=True)
class Stopped:
    """Whatever may be closed opens at once."""

    at_ms: int
    reason: str = "emergency_stop"


@dataclass(frozen=True)
class ReportTaken:
    at_ms: int


@dataclass(frozen=True)
class Settled:
    at_ms: int


@dataclass(frozen=True)
class ReportRefused:
    """The contract takes no report any more."""

    at_ms: int


Event = Granted | Heard | Tick | Restarted | Stopped | ReportTaken | Settled | ReportRefused

# Actions --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lease:
    role: str
    counterparty_uwh: int


@dataclass(frozen=True)
class Close:
    role: str


@dataclass(frozen=True)
class Open:
    role: str


@dataclass(frozen=True)
class ReleaseTurn:
    pass


@dataclass(frozen=True)
class Report:
    seller_uwh: int
    buyer_uwh: int


@dataclass(frozen=True)
class Retry:
    pass


@dataclass(frozen=True)
class LeaveToRefund:
    pass


Action = Lease | Close | Open | ReleaseTurn | Report | Retry | LeaveToRefund
Result = tuple[State, tuple[Action, ...]]
