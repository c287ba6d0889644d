"""A trade's attempts and the boards' signatures enter, the report the contract takes leaves.

Pure. A side whose board has no approved key is taken at the oracle's word: what its authenticated
messages said. A side with a key counts by what it signed, and nothing of it is reported without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wire.digests import report_digest

from hub.chain.board_signature import signer_address
from hub.chain.records import Attempted, DeliveryReport, Meter
from hub.errors import TruequeError
from hub.oracle.records import BUYER, ROLES, SELLER, State
from hub.store import DeliveryRow, SignatureRow

NOTHING = Meter(0, 0)


class SignatureMissing(TruequeError):
    """A board has an approved key, and its signature is not there (yet)."""


@dataclass(frozen=True)
class Sides:
    """Who stands on both sides of a trade: node names, and addresses of their boards' own keys."""

    nodes: Mapping[str, str]
    keys: Mapping[str, str | None]

    @property
    def has_keys(self) -> bool:
        return any(self.keys.values())


def report_of(
    trade_id: int,
    rows: Sequence[DeliveryRow],
    signatures: Iterable[SignatureRow],
    sides: Sides,
) -> DeliveryReport:
    """Return the report of both meters over all attempts. Raises SignatureMissing."""
    meters = _meters(rows, signatures, sides)
    attempts = []
    for row in _to_report(rows):
        both = {role: meters.get((row.delivery_id, role)) for role in ROLES}
        for role, meter in both.items():
            if meter is None:
                raise SignatureMissing(
                    f"the board of {sides.nodes[role]} has not signed attempt {row.attempt}"
                )
        attempts.append(_attempted(row, both))
    return DeliveryReport(trade_id, tuple(attempts))


def report_of_one(
    trade_id: int,
    rows: Sequence[DeliveryRow],
    signatures: Iterable[SignatureRow],
    sides: Sides,
) -> tuple[DeliveryReport, str] | None:
    """Return the report of one meter and its role: of the two the one that would settle more.

    None when neither has anything that the other had acknowledged.
    """
    meters = _meters(rows, signatures, sides)
    found: dict[str, list[Attempted]] = {role: [] for role in ROLES}
    worth_uwh = dict.fromkeys(ROLES, 0)
    for row in _to_report(rows):
        for role in ROLES:
            meter = meters.get((row.delivery_id, role))
            if meter is not None:
                found[role].append(_attempted(row, {role: meter}))
                worth_uwh[role] += min(meter.energy_uwh, meter.acknowledged_uwh)
    best = max(ROLES, key=lambda role: worth_uwh[role])
    if worth_uwh[best] == 0:
        return None
    return DeliveryReport(trade_id, tuple(found[best])), best


def is_by(key: str, row: SignatureRow) -> bool:
    """Tell whether the board with that key signed these figures."""
    digest = report_digest(row.delivery_id, row.role, row.energy_uwh, row.counterparty_uwh)
    return signer_address(digest, row.signature) == key


def _to_report(rows: Sequence[DeliveryRow]) -> list[DeliveryRow]:
    """Return the attempts that moved energy between the two; if none did, the last."""
    moved = [row for row in rows if _least_uwh(row) > 0]
    return moved or list(rows[-1:])


def _least_uwh(row: DeliveryRow) -> int:
    state = State.from_json(row.step)
    return min(state.seller.floor_uwh, state.buyer.floor_uwh)


def _meters(
    rows: Sequence[DeliveryRow], signatures: Iterable[SignatureRow], sides: Sides
) -> dict[tuple[str, str], Meter]:
    """Return what may be reported of each side of each attempt."""
    found: dict[tuple[str, str], Meter] = {}
    for row in signatures:
        key = sides.keys.get(row.role)
        # A node speaks for its own role only, and by the key that was approved with it.
        if key is not None and row.node == sides.nodes[row.role] and is_by(key, row):
            figures = (row.energy_uwh, row.counterparty_uwh)
            found[row.delivery_id, row.role] = Meter(*figures, bytes.fromhex(row.signature))
    for attempt in rows:
        state = State.from_json(attempt.step)
        for role, other in ((SELLER, BUYER), (BUYER, SELLER)):
            if sides.keys.get(role) is None:
                said = Meter(state.side(role).floor_uwh, state.side(other).floor_uwh)
                found[attempt.delivery_id, role] = said
    return found


def _attempted(row: DeliveryRow, meters: Mapping[str, Meter | None]) -> Attempted:
    return Attempted(
        row.attempt,
        row.epoch,
        seller=meters.get(SELLER) or NOTHING,
        buyer=meters.get(BUYER) or NOTHING,
    )
