"""Reports of deliveries enter one by one, transactions leave: what waits goes together in the next.

While one transaction is signed and kept, others wait here; nobody waits for the chain. A batch that
the contract refuses is sent again one by one: a report that is not taken holds up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.chain.records import ContractRefused, DeliveryReport, SignedCall, StaleCall
from hub.errors import TruequeError
from hub.oracle.signed import SignatureMissing

MOST_TOGETHER = 20  # a few million gas, of the 30 that a block holds
TAKEN, LATE = "taken", "late"
FINAL_WORDS = {"TradeClosed": TAKEN, "ReportTooLate": LATE}


@dataclass(frozen=True)
class Wanted:
    """A delivery whose trade is to be reported; the figures are for boards without keys."""

    delivery_id: str
    trade_id: int
    seller_uwh: int
    buyer_uwh: int


@dataclass(frozen=True)
class Ready:
    """A report that can be sent."""

    delivery_id: str
    report: DeliveryReport


class Desk(Protocol):
    """What sends; its methods block."""

    def has_sent(self, wanted: Wanted) -> bool:
        """Send what was kept of it again; True when the chain has it. Raises TruequeError."""

    def prepare(self, wanted: Wanted) -> Ready:
        """Return the report. Raises TruequeError: not now."""

    def warm_up(self) -> None:
        """Ask the chain now what signing will need within seconds; what fails is asked again."""

    def sign(self, ready: Sequence[Ready]) -> SignedCall:
        """Sign one transaction for all and keep it. Raises TruequeError."""

    def send(self, call: SignedCall) -> None:
        """Send it and wait until it is mined. Raises ContractRefused, other TruequeErrors."""


Outcome = str | TruequeError  # a word, or what may pass


class ReportBatches:
    """Belongs to the event loop; its desk works in threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._waiting: list[tuple[Wanted, asyncio.Future[str]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sender: asyncio.Task[None] | None = None

    async def report(self, wanted: Wanted) -> str:
        """Return "taken" or "late". Raises TruequeErrors for all that may pass: call again."""
        if await asyncio.to_thread(self._desk.has_sent, wanted):
            return TAKEN
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send(), name="reports to the chain")
        return await answer

    async def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
            answers = {wanted.delivery_id: answer for wanted, answer in batch}
            found: dict[str, Ready | Outcome] = {}
            try:
                found = await asyncio.to_thread(self._prepare_all, [one for one, _ in batch])
                ready = [one for one in found.values() if isinstance(one, Ready)]
                if ready:
                    call = await asyncio.to_thread(self._desk.sign, ready)
                    self._spawn(ready, call, answers)
            except TruequeError as problem:
                found |= {one.delivery_id: problem for one in ready}
            except BaseException as problem:
                _fail(answers, problem)
                raise
            for name, outcome in found.items():
                if not isinstance(outcome, Ready):
                    _say(answers[name], outcome)
            if any(isinstance(outcome, SignatureMissing) for outcome in found.values()):
                self._keep(asyncio.create_task(asyncio.to_thread(self._desk.warm_up)))

    def _prepare_all(self, batch: Sequence[Wanted]) -> dict[str, Ready | Outcome]:
        found: dict[str, Ready | Outcome] = {}
        for wanted in batch:
            try:
                found[wanted.delivery_id] = self._desk.prepare(wanted)
            except TruequeError as problem:
                found[wanted.delivery_id] = problem
        return found

    def _spawn(
        self, ready: list[Ready], call: SignedCall, answers: dict[str, asyncio.Future[str]]
    ) -> None:
        self._keep(asyncio.create_task(self._finish(ready, call, answers), name="reports sent"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(
        self, ready: list[Ready], call: SignedCall, answers: dict[str, asyncio.Future[str]]
    ) -> None:
        try:
            outcomes = await asyncio.to_thread(self._outcomes, ready, call)
        except BaseException as problem:
            _fail({one.delivery_id: answers[one.delivery_id] for one in ready}, problem)
            raise
        for name, outcome in outcomes.items():
            _say(answers[name], outcome)

    def _outcomes(self, ready: list[Ready], call: SignedCall) -> dict[str, Outcome]:
        names = [one.delivery_id for one in ready]
        try:
            self._send_or_again(ready, call)
        except ContractRefused as refusal:
            if len(ready) == 1:
                return {names[0]: FINAL_WORDS.get(refusal.error_name, refusal)}
            return {one.delivery_id: self._alone(one) for one in ready}
        except TruequeError as problem:
            return dict.fromkeys(names, problem)
        return dict.fromkeys(names, TAKEN)

    def _send_or_again(self, ready: list[Ready], call: SignedCall) -> None:
        """Send it; where another call took its nonce it never took effect: sign it anew, once."""
        try:
            self._desk.send(call)
        except StaleCall:
            self._desk.send(self._desk.sign(ready))

    def _alone(self, one: Ready) -> Outcome:
        try:
            self._send_or_again([one], self._desk.sign([one]))
        except ContractRefused as refusal:
            # Closed: an earlier sending was taken, and the chain's event tells the outcome.
            return FINAL_WORDS.get(refusal.error_name, refusal)
        except TruequeError as problem:
            return problem
        return TAKEN


def _say(answer: asyncio.Future[str], outcome: Outcome) -> None:
    if answer.done():  # whoever asked has been cancelled
        return
    if isinstance(outcome, str):
        answer.set_result(outcome)
    else:
        answer.set_exception(outcome)


def _fail(answers: dict[str, asyncio.Future[str]], problem: BaseException) -> None:
    """Nobody may wait for an answer that never comes."""
    for answer in answers.values():
        if not answer.done():
            answer.set_exception(problem)
