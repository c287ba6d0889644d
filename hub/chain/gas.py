"""A call of the contract enters, the gas that it may use leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Fixed limits instead of an estimate: an estimate runs at the time of the newest block, and would
# refuse an order at the start of a window. A quarter to a half above the most each call was
# measured to use.
GAS_LIMITS = {
    "deploy": 8_000_000,
    "approve": 250_000,
    "open_window": 250_000,
    "take": 200_000,
    "counter": 250_000,
    "counter_again": 200_000,
    "accept": 250_000,
    "report": 300_000,
    "report_alone": 250_000,
}
# Of calls with a list, for each of its members.
EACH_GAS = {"report_batch": 120_000, "review": 40_000, "clear": 120_000, "close_book": 50_000}
EACH_ATTEMPT_GAS = 25_000  # of a report in a batch, beyond its first attempt
LARGEST_GAS = 25_000_000  # a block holds 30 million
GAS_LIMIT = 150_000
TRANSFER_GAS = 21_000


def gas_limit(function: str, args: Sequence[Any]) -> int:
    """Return the gas that a call may use."""
    if function in EACH_GAS:
        listed = args[0][-1] if function == "clear" else args[0]
        count = args[1] if function == "close_book" else len(listed)
        gas = 2 * GAS_LIMIT + EACH_GAS[function] * int(count)
        if function == "report_batch":
            gas += EACH_ATTEMPT_GAS * sum(max(len(attempts) - 1, 0) for _, attempts in listed)
        return min(gas, LARGEST_GAS)
    return GAS_LIMITS.get(function, GAS_LIMIT)
