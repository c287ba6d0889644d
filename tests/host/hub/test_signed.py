"""Which figures of which attempts go to the contract, and on whose word."""

from __future__ import annotations

import asyncio

import pytest
from eth_account import Account

from hub.chain.board_signature import BUYER, SELLER, address_of, sign_report, signer_address
from hub.chain.records import ContractRefused, Meter
from hub.config_tables import Bus
from hub.oracle import records, terms
from hub.oracle.attempts import Attempt
from hub.oracle.reporting import Reporting
from hub.oracle.settlement import LATE, TAKEN
from hub.oracle.signed import Sides, SignatureMissing, is_by, report_of, report_of_one
from hub.oracle.turns import Ticket
from hub.store import DeliveryRow, SignatureRow
from tests.host.hub.doubles import Clock

BOARDS = {"seller": Account.create(), "buyer": Account.create()}
NODES = {"seller": "house-1", "buyer": "house-2"}
ADDRESSES = {role: board.address for role, board in BOARDS.items()}
DOMAIN = bytes(range(32))


def name_of(attempt):
    return terms.delivery_id(DOMAIN, 7, attempt, 1)


def row(attempt, seller_uwh, buyer_uwh):
    """An attempt as the journal has it after both boards' messages."""
    state = records.State(
        "reporting",
        0,
        seller=records.Side(energy_uwh=seller_uwh),
        buyer=records.Side(energy_uwh=buyer_uwh),
    )
    return DeliveryRow(
        *(name_of(attempt), 7, attempt, 1, "reported", state.to_json(), None, 0),
        *(None, None, None, None, None, None, None),
    )


def signature(attempt, role, energy_uwh, acknowledged_uwh, *, board=None, node=None):
    number = SELLER if role == "seller" else BUYER
    made = sign_report(
        board or BOARDS[role], name_of(attempt), number, energy_uwh, acknowledged_uwh
    )
    return SignatureRow(
        *(name_of(attempt), node or NODES[role], role, 0),
        *(energy_uwh, acknowledged_uwh, made.signature.hex()),
    )


def both(attempt, seller_uwh, buyer_uwh):
    return [
        signature(attempt, "seller", seller_uwh, buyer_uwh),
        signature(attempt, "buyer", buyer_uwh, seller_uwh),
    ]


def sides(seller=True, buyer=True):
    keys = {"seller": seller and ADDRESSES["seller"], "buyer": buyer and ADDRESSES["buyer"]}
    return Sides(NODES, {role: key or None for role, key in keys.items()})


def test_each_attempt_is_reported_with_its_own_signatures_when_there_were_several():
    signatures = both(1, 10_000, 9_900) + both(3, 30_000, 29_800)
    rows = [row(1, 10_000, 9_900), row(2, 0, 0), row(3, 30_000, 29_800)]
    report = report_of(7, rows, signatures, sides())
    assert [one.number for one in report.attempts] == [1, 3]
    assert [one.seller.energy_uwh for one in report.attempts] == [10_000, 30_000]
    assert report.attempts[0].buyer.signature.hex() == signatures[1].signature


def test_signed_figure_counts_when_progress_had_told_more():
    """A board that lost power signs what it had saved; the contract then holds the gap."""
    report = report_of(7, [row(1, 30_000, 29_800)], both(1, 30_000, 5_000), sides())
    assert report.attempts[0].buyer.energy_uwh == 5_000


def test_attempt_of_nothing_is_reported_when_there_is_no_other():
    report = report_of(7, [row(1, 0, 0), row(2, 0, 0)], both(2, 0, 0), sides())
    assert [(one.number, one.seller.energy_uwh) for one in report.attempts] == [(2, 0)]


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        both(1, 10, 9)[:1],
        [both(1, 10, 9)[0], signature(1, "buyer", 9, 10, board=BOARDS["seller"])],
        [both(1, 10, 9)[0], signature(1, "buyer", 9, 10, node="house-3")],
        [both(1, 10, 9)[0], signature(2, "buyer", 9, 10)],
    ],
    ids=["none", "one", "by another board", "from another node", "of another attempt"],
)
def test_report_waits_when_a_board_with_a_key_has_not_signed(signatures):
    with pytest.raises(SignatureMissing, match="has not signed attempt 1"):
        report_of(7, [row(1, 10, 9)], signatures, sides())


def test_oracles_word_counts_for_the_board_without_a_key_only():
    report = report_of(7, [row(1, 10, 9)], both(1, 10, 9)[:1], sides(buyer=False))
    (attempt,) = report.attempts
    assert attempt.seller.signature != bytes(64)
    assert attempt.buyer == Meter(9, 10)


def test_meter_that_settles_more_is_reported_alone_when_one_is_silent():
    signatures = [signature(1, "seller", 50, 40), signature(2, "buyer", 20, 20)]
    report, role = report_of_one(7, [row(1, 50, 40), row(2, 20, 20)], signatures, sides())
    assert role == "seller"
    assert [one.number for one in report.attempts] == [1]
    assert report.attempts[0].buyer == Meter(0, 0)


def test_nothing_is_reported_alone_when_the_other_had_acknowledged_nothing():
    assert report_of_one(7, [row(1, 50, 1)], [signature(1, "seller", 50, 0)], sides()) is None


def test_changed_figure_is_not_the_boards_when_its_signature_is_looked_at():
    good = signature(1, "seller", 50, 40)
    assert is_by(ADDRESSES["seller"], good)
    changed = SignatureRow(**{**vars(good), "energy_uwh": 51})
    assert not is_by(ADDRESSES["seller"], changed)


@pytest.mark.parametrize("text", ["00" * 64, "ff" * 64, "11" * 32 + "7f" + "ff" * 31])
def test_nobody_signed_when_the_bytes_are_no_signature(text):
    assert signer_address(bytes(32), text) is None


def test_address_is_eth_accounts_when_made_from_a_public_key():
    board = BOARDS["seller"]
    public_key = board._key_obj.public_key.to_bytes()
    assert address_of(public_key) == board.address


# Waiting ------------------------------------------------------------------------------------------


class LateSignature:
    """A settlement whose second signature comes after some tries, or never."""

    def __init__(self, misses, alone=None):
        self.misses, self.alone = misses, alone or []
        self.calls = []

    async def report(self, *args):
        self.calls.append("report")
        if self.calls.count("report") <= self.misses:
            raise SignatureMissing("the board of house-2 has not signed attempt 1")
        return TAKEN

    async def report_alone(self, trade_id):
        self.calls.append("alone")
        outcome = self.alone.pop(0) if self.alone else "house-1"
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def attempt(clock):
    ticket = Ticket("ab" * 16, 7, "bus-1", "house-1", "house-2", 0)
    fixed = records.Terms(
        *(50_000, 100, 60_000, clock() + 60_000, clock() + 50_000, clock() + 100_000),
        *(5_000, 12_000, False),
    )
    return Attempt(ticket, 1, fixed, records.State("reporting", clock()))


def report(settlement, advances_ms):
    """Run a report; each piece of news comes so much later than the one before."""
    clock, said = Clock(), []
    live = attempt(clock)
    reporting = Reporting(settlement, Bus(signature_wait_ms=30_000), said.append, clock)

    async def story():
        task = asyncio.create_task(reporting.report(live, records.Report(50, 49)))
        for advance_ms in advances_ms:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            clock.at_ms += advance_ms
            live.news.set()
        async with asyncio.timeout(60):
            return await task

    return asyncio.run(story()), said


def test_report_follows_at_once_when_the_signature_comes():
    settlement = LateSignature(misses=1)
    assert report(settlement, [1_500]) == (TAKEN, [])
    assert settlement.calls == ["report", "report"]


def test_one_meter_is_reported_alone_once_when_the_other_does_not_sign_in_time():
    settlement = LateSignature(misses=4)
    word, said = report(settlement, [10_000, 20_000, 1_000, 1_000])
    assert word == TAKEN
    assert settlement.calls == ["report", "report", "report", "alone", "report", "report"]
    assert said == [
        "trade 7: the board of house-2 has not signed attempt 1;"
        " the meter of house-1 is reported alone"
    ]


def test_one_meter_is_reported_again_when_the_chain_was_away():
    settlement = LateSignature(misses=3, alone=[ContractRefused("", {}, "No gas.")])
    word, said = report(settlement, [31_000, 1_000, 1_000])
    assert (word, settlement.calls.count("alone")) == (TAKEN, 2)
    assert said[0] == "report of trade 7 will be sent again: No gas."


def test_report_is_late_when_no_signature_came_until_report_by():
    word, _ = report(LateSignature(misses=99), [31_000, 80_000])
    assert word == LATE


def test_waiting_ends_when_the_trade_was_settled_otherwise():
    clock = Clock()
    live = attempt(clock)
    reporting = Reporting(LateSignature(misses=99), Bus(), lambda text: None, clock)

    async def story():
        task = asyncio.create_task(reporting.report(live, records.Report(50, 49)))
        await asyncio.sleep(0)
        live.state = records.State("settled", clock())
        live.news.set()
        async with asyncio.timeout(60):
            return await task

    assert asyncio.run(story()) is None
