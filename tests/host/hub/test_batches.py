"""Reports that wait go together; none waits for a block, or for another's refusal."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hub.chain.records import (
    ChainUnavailable,
    ContractRefused,
    DeliveryReport,
    SignedCall,
    StaleCall,
)
from hub.oracle.batches import LATE, TAKEN, Ready, ReportBatches, Wanted
from hub.oracle.signed import SignatureMissing

LIMIT_S = 60.0


class Desk:
    """Notes what is signed; signing waits for `gate`, sending for `block`."""

    def __init__(self, refused=(), word="TradeClosed"):
        self.refused, self.word = set(refused), word
        self.gate, self.block = threading.Event(), threading.Event()
        self.is_busy, self.is_warm = threading.Event(), threading.Event()
        self.sent: list[list[int]] = []
        self.unsigned: set[int] = set()

    def has_sent(self, wanted):
        return False

    def prepare(self, wanted):
        if wanted.trade_id in self.unsigned:
            raise SignatureMissing("not yet")
        return Ready(wanted.delivery_id, DeliveryReport(wanted.trade_id, ()))

    def warm_up(self):
        self.is_warm.set()

    def sign(self, ready):
        self.is_busy.set()
        assert self.gate.wait(LIMIT_S)
        numbers = [one.report.trade_id for one in ready]
        self.sent.append(numbers)
        return SignedCall(",".join(map(str, numbers)).encode(), "0x")

    def send(self, call):
        assert self.block.wait(LIMIT_S)
        if self.refused & {int(one) for one in call.raw.split(b",")}:
            raise ContractRefused(self.word, {}, "refused")


def wanted(number):
    return Wanted(f"{number:032x}", number, 1_000, 990)


async def first_then_others(desk, batches, count):
    """Let the first be under way when the others come; return all answers' tasks."""
    first = asyncio.ensure_future(batches.report(wanted(1)))
    await asyncio.to_thread(desk.is_busy.wait, LIMIT_S)
    others = [asyncio.ensure_future(batches.report(wanted(n))) for n in range(2, count + 1)]
    while len(batches._waiting) < count - 1:
        await asyncio.sleep(0.01)
    return [first, *others]


def run(story):
    return asyncio.run(asyncio.wait_for(story, LIMIT_S))


def test_reports_go_together_when_they_come_while_one_is_signed():
    desk = Desk()
    desk.block.set()

    async def story():
        batches = ReportBatches(desk)
        tasks = await first_then_others(desk, batches, 4)
        desk.gate.set()
        return await asyncio.gather(*tasks)

    assert run(story()) == [TAKEN] * 4
    assert desk.sent == [[1], [2, 3, 4]]


def test_reports_are_sent_when_those_before_are_not_mined_yet():
    desk = Desk()
    desk.gate.set()

    async def story():
        batches = ReportBatches(desk)
        first = asyncio.ensure_future(batches.report(wanted(1)))
        while not desk.sent:
            await asyncio.sleep(0.01)
        second = asyncio.ensure_future(batches.report(wanted(2)))
        while len(desk.sent) < 2:
            await asyncio.sleep(0.01)
        were_done = first.done() or second.done()
        desk.block.set()
        return were_done, await first, await second

    assert run(story()) == (False, TAKEN, TAKEN)


@pytest.mark.parametrize(("error", "word"), [("TradeClosed", TAKEN), ("ReportTooLate", LATE)])
def test_each_report_is_sent_alone_when_the_contract_refuses_them_together(error, word):
    desk = Desk(refused={3}, word=error)
    desk.block.set()

    async def story():
        batches = ReportBatches(desk)
        tasks = await first_then_others(desk, batches, 4)
        desk.gate.set()
        return await asyncio.gather(*tasks)

    assert run(story()) == [TAKEN, TAKEN, word, TAKEN]
    assert desk.sent == [[1], [2, 3, 4], [2], [3], [4]]


def test_others_are_reported_when_a_signature_is_missing():
    desk = Desk()
    desk.block.set()
    desk.unsigned = {2}

    async def story():
        batches = ReportBatches(desk)
        tasks = await first_then_others(desk, batches, 3)
        desk.gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        return *answers, await asyncio.to_thread(desk.is_warm.wait, LIMIT_S)

    first, second, third, is_warm = run(story())
    assert (first, third) == (TAKEN, TAKEN)
    assert isinstance(second, SignatureMissing)
    assert is_warm


def test_all_are_to_be_sent_again_when_the_chain_is_away():
    desk = Desk()
    desk.gate.set()
    desk.sign = lambda ready: (_ for _ in ()).throw(ChainUnavailable("away"))

    async def story():
        batches = ReportBatches(desk)
        asked = [batches.report(wanted(number)) for number in (1, 2)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [str(one) for one in run(story())] == ["away", "away"]


def test_nobody_waits_for_ever_when_the_desk_breaks():
    desk = Desk()
    desk.gate.set()
    desk.send = lambda call: 1 // 0

    async def story():
        with pytest.raises(ZeroDivisionError):
            await ReportBatches(desk).report(wanted(1))

    run(story())


def test_report_is_signed_anew_when_another_call_took_its_nonce():
    desk, stale = Desk(), []
    desk.gate.set()

    def send(call):
        if not stale:
            stale.append(call)
            raise StaleCall("overtaken")

    desk.send = send
    assert run(ReportBatches(desk).report(wanted(1))) == TAKEN
    assert desk.sent == [[1], [1]]
