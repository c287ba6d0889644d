"""Bills and the snapshots that boards signed enter; sentences on what does not agree leave. Pure.

Anyone can do this: a snapshot is signed by a board's own key, whose address the contract has. Of a
billed period the signed registers give two bounds. What rose between the first and the last
snapshot within it was certainly used in it; what rose from the last one before it to the first one
after it is the most that can have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wire.digests import REGISTERS, snapshot_digest

from hub.chain.board_signature import signer_address

# Figures of a bill and the registers they come from.
BILLED = {
    "pv_produced_uwh": "pv_export_uwh",
    "battery_charged_uwh": "battery_import_uwh",
    "battery_discharged_uwh": "battery_export_uwh",
    "bus_import_uwh": "bus_import_uwh",
    "bus_export_uwh": "bus_export_uwh",
    "load_uwh": "load_import_uwh",
    "load_apparent_uvah": "load_apparent_uvah",
}
# The hub's clock and the board's differ a little: so near to a period's edge a snapshot bounds
# neither side.
MARGIN_MS = 5_000


@dataclass(frozen=True)
class Check:
    """What was looked at, and what was found wrong, one sentence each."""

    snapshots: int
    figures: int
    problems: tuple[str, ...]


def check(
    snapshots: Sequence[Mapping[str, Any]],
    bills: Iterable[Mapping[str, Any]],
    keys: Mapping[str, str],
    model_scale: int,
) -> Check:
    """Check signatures, that registers only grow, and that each bill lies within its bounds.

    `snapshots`, `bills`: rows as exported, numbers as integers or None. `keys`: node -> address of
    its board's key. `model_scale`: of the bills' loads.
    """
    by_node: dict[str, list[Mapping[str, Any]]] = {}
    problems: list[str] = []
    for row in sorted(snapshots, key=lambda row: (row["node"], row["seq"])):
        problem = _signature_problem(row, keys)
        if problem:
            problems.append(problem)
        else:
            by_node.setdefault(row["node"], []).append(row)
    for rows in by_node.values():
        problems += _falls(rows)
    figures = 0
    for bill in bills:
        counted, found = _check_bill(bill, by_node.get(bill["peer"], []), model_scale)
        figures += counted
        problems += found
    return Check(len(snapshots), figures, tuple(problems))


def _signature_problem(row: Mapping[str, Any], keys: Mapping[str, str]) -> str | None:
    name = f"snapshot {row['seq']} of {row['node']}"
    key = keys.get(row["node"])
    if key is None:
        return f"{name}: the key of this board is not known"
    if signer_address(snapshot_digest(row["node"], row), row["signature"]) != key:
        return f"{name} is not what its board signed"
    return None


def _falls(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Registers may fall by what a power cut lost, so only over a boot."""
    return [
        f"snapshot {after['seq']} of {after['node']}: {name} fell from {before[name]} to"
        f" {after[name]} without a restart"
        for before, after in zip(rows, rows[1:], strict=False)
        if before["boot_id"] == after["boot_id"]
        for name in REGISTERS
        if _is_less(after[name], before[name])
    ]


def _is_less(number: int | None, than: int | None) -> bool:
    return number is not None and than is not None and number < than


def _check_bill(
    bill: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], model_scale: int
) -> tuple[int, list[str]]:
    figures, problems = 0, []
    for name, register in BILLED.items():
        billed = bill[name]
        if billed is None:
            continue
        scale = model_scale if name == "load_uwh" else 1
        least, most = _bounds(rows, register, (bill["start_ms"], bill["end_ms"]))
        if least is None:
            continue
        figures += 1
        highest = None if most is None else -(-most // scale)  # both ends are rounded, not the rise
        if billed < least // scale or (highest is not None and billed > highest):
            upper = "" if highest is None else f" and at most {highest}"
            problems.append(
                f"bill of {bill['peer']} from {bill['start_ms']}: {name} is {billed}, but signed"
                f" registers say at least {least // scale}{upper}"
            )
    return figures, problems


def _bounds(
    rows: Sequence[Mapping[str, Any]], register: str, span_ms: tuple[int, int]
) -> tuple[int | None, int | None]:
    """Return the least and the most that a register rose in [start, end), None where not known."""
    start_ms, end_ms = span_ms
    before = after = None
    within: list[int] = []
    highest = 0  # what a power cut took back is not counted twice
    for row in rows:
        if row[register] is None:
            continue
        highest = max(highest, row[register])
        at_ms = row["received_at_ms"] if row["t_ms"] is None else row["t_ms"]
        if at_ms < start_ms - MARGIN_MS:
            before = highest
        elif start_ms + MARGIN_MS <= at_ms < end_ms - MARGIN_MS:
            within.append(highest)
        elif at_ms >= end_ms + MARGIN_MS and after is None:
            after = highest
    least = within[-1] - within[0] if within else None
    if least is None and before is not None and after is not None:
        least = 0
    return least, None if before is None or after is None else after - before
