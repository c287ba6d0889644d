"""Settlement: which refusals of a report are final, and which may pass."""

from __future__ import annotations

import asyncio

import pytest

from hub.chain.records import ContractRefused, SignedCall
from hub.oracle.batches import Wanted
from hub.oracle.report_desk import ReportDesk
from hub.oracle.settlement import LATE, TAKEN, Settlement
from hub.store import DeliveryRow


class RefusingClient:
    def __init__(self, error_name):
        self.refusal = ContractRefused(error_name, {}, "The contract refused the call.")

    def reserve(self, account, function, args, before_send):
        call = SignedCall(b"raw", "0x")
        before_send(call)
        return call

    def send_first(self, account, call):
        raise self.refusal


def report(store, error_name):
    settlement = Settlement(store, RefusingClient(error_name), None, None)
    return asyncio.run(settlement.report("ab" * 16, 1, 1_000, 990))


@pytest.mark.parametrize(("error_name", "word"), [("TradeClosed", TAKEN), ("ReportTooLate", LATE)])
def test_report_ends_when_the_contract_takes_none_any_more(store, error_name, word):
    assert report(store, error_name) == word


@pytest.mark.parametrize("error_name", ["", "AccessControlUnauthorizedAccount"])
def test_report_is_to_be_sent_again_when_the_refusal_may_pass(store, error_name):
    with pytest.raises(ContractRefused):
        report(store, error_name)


class TakingClient:
    """A chain that notes what it is given; `is_mined` of what it had before a kill."""

    def __init__(self):
        self.calls, self.again, self.again_by = [], [], []

    def reserve(self, account, function, args, before_send):
        call = SignedCall(f"{function} {len(self.calls)}".encode(), "0x")
        before_send(call)
        self.calls.append(function)
        return call

    def send_first(self, account, call):
        return None

    def send(self, call, account=None):
        self.again.append(call.raw)
        self.again_by.append(account)


def open_deliveries(store, names):
    for number, name in enumerate(names, 1):
        blanks = dict.fromkeys(
            ("reason", "commanded_at_ms", "relay_closed_at_ms", "finished_at_ms", "reported_at_ms",
             "settled_at_ms", "raw_report", "report_hash")
        )  # fmt: skip
        fixed = {"attempt": 1, "epoch": 1, "state": "reporting", "step": "{}", "queued_at_ms": 1}
        store.open_delivery(DeliveryRow(delivery_id=name, trade_id=number, **fixed, **blanks))


def test_kept_report_waits_for_no_call_that_nobody_sends_when_the_hub_was_killed(store):
    open_deliveries(store, ["aa" * 16])
    account, client = object(), TakingClient()
    desk = ReportDesk(store, client, account)
    wanted = Wanted("aa" * 16, 1, 9, 9)
    desk.sign([desk.prepare(wanted)])  # and here the hub is killed
    assert desk.has_sent(wanted)
    assert client.again_by == [account]  # with it, gaps before the call are filled


def test_kept_transaction_is_sent_again_for_each_report_in_it_when_the_hub_was_killed(store):
    names = ["aa" * 16, "bb" * 16]
    open_deliveries(store, names)
    before, after = TakingClient(), TakingClient()
    desk = ReportDesk(store, before, None)
    desk.sign([desk.prepare(Wanted(name, n, 9, 9)) for n, name in enumerate(names, 1)])
    assert before.calls == ["report_batch"]  # and here the hub is killed

    settlement = Settlement(store, after, None, None)
    words = [asyncio.run(settlement.report(name, n, 9, 9)) for n, name in enumerate(names, 1)]
    assert words == [TAKEN, TAKEN]
    assert (after.calls, after.again) == ([], [b"report_batch 0"] * 2)


def test_report_is_signed_anew_when_the_kept_one_was_refused_with_others(store):
    open_deliveries(store, ["aa" * 16])
    store.keep_report(["aa" * 16], b"kept", "0x", 1)
    client = TakingClient()

    def refuse(call, account):
        raise ContractRefused("TradeClosed", {"trade_id": 7}, "another trade's")

    client.send = refuse
    assert asyncio.run(Settlement(store, client, None, None).report("aa" * 16, 1, 9, 9)) == TAKEN
    assert client.calls == ["report"]
