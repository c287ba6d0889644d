"""Settlement: which refusals of a report are final, and which may pass."""

from __future__ import annotations

import asyncio

import pytest

from hub.chain.records import ContractRefused
from hub.oracle.settlement import LATE, TAKEN, Settlement


class RefusingClient:
    def __init__(self, error_name):
        self.refusal = ContractRefused(error_name, {}, "The contract refused the call.")

    def execute(self, *args, **options):
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
