"""Terms and id of one delivery attempt, from the site's bus settings, the trade and its window."""

from __future__ import annotations

import hashlib

from wire import units

from hub.config_tables import Bus
from hub.oracle.records import Terms
from hub.store import TradeRow, WindowRow

MS_PER_HOUR = 3_600_000
REPORT_MARGIN_MS = 5_000  # a block and two clocks that differ a little


def delivery_id(domain: bytes, trade_id: int, attempt: int, epoch: int) -> str:
    """Return the 32 hex digits that name one attempt at one trade of one contract in one epoch.

    `domain`: the contract's own 32 bytes; it derives the same (contracts/src/DeliveryReports.sol).
    """
    numbers = trade_id.to_bytes(8, "big") + attempt.to_bytes(4, "big") + epoch.to_bytes(4, "big")
    return hashlib.sha256(b"trueque-delivery" + domain + numbers).hexdigest()[:32]


def block_uwh(bus: Bus) -> int:
    """Return the energy of one metering block at the rated power."""
    return bus.rated_power_uw * units.METERING_BLOCK_MS // MS_PER_HOUR


def exposure_uwh(bus: Bus, energy_uwh: int) -> int:
    """Return by how much the seller may run ahead of what the buyer has acknowledged."""
    return max(energy_uwh * bus.exposure_permille // 1000, block_uwh(bus))


def terms(bus: Bus, window: WindowRow, trade: TradeRow, attempt: int) -> Terms:
    """Return the terms of an attempt.

    It ends so early that a silent node's leases end, and a report is taken, before report-by.
    """
    report_by_ms = window.report_by_s * 1000 - REPORT_MARGIN_MS
    end_by_ms = min(window.delivery_end_s * 1000, report_by_ms - bus.silence_ms)
    nominal_ms = trade.energy_uwh * MS_PER_HOUR // bus.rated_power_uw
    return Terms(
        energy_uwh=trade.energy_uwh,
        block_uwh=block_uwh(bus),
        turn_ms=nominal_ms * bus.turn_slack_permille // 1000 + bus.turn_overhead_ms,
        end_by_ms=end_by_ms,
        start_by_ms=end_by_ms - bus.turn_overhead_ms,
        report_by_ms=report_by_ms,
        close_timeout_ms=bus.close_timeout_ms,
        silence_ms=bus.silence_ms,
        may_retry=attempt < bus.max_attempts,
    )
