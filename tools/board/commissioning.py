"""Commissioning of the relays: a board and somebody at the bench in, polarity and contacts out.

Each relay is closed alone for 0.4 s, never both, and only once the technician has said that
nobody else is on the bus. What flows then tells a contact that sticks, is welded, or is driven the
wrong way round. A live bus is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tools.board.checks import FAIL, PASS, SKIP, Check

PRESENT_SHARE = 0.8
"""Of the nominal voltage: with less, nothing of use is on the bus."""
IN = "relay IN"
OUT = "relay OUT"
RELEASED = "relays at rest"


class Assistant(Protocol):
    """Who stands at the bench: a technician, or the virtual bench itself."""

    def may_close(self) -> bool:
        """Tell whether the bus is this house's alone and its relays may be closed."""

    def join_supply(self, is_joined: bool) -> bool:
        """Join a supply of 12 to 13 V, at most 0.5 A, to the bus, or take it off; False if none."""

    def heard(self, relay: str) -> bool:
        """Tell whether the relay was heard and its LED seen while it was closed."""


class RelayBoard(Protocol):
    """A board's self-test of its relays: node.selftest_relays.RelayTest."""

    settings: dict[str, Any]

    def ask_relays(self, method: str, *arguments: object) -> Any:
        """Call one of its steps."""


def commission(board: RelayBoard, assistant: Assistant) -> list[Check]:
    """Try both relays. Their state is open before, between and after."""
    if not board.settings.get("ina226", {}).get("bus"):
        advice = "fit the INA226 of the bus: without it nothing can be delivered"
        return [Check(RELEASED, FAIL, "no bus meter in the settings", advice)]
    if not assistant.may_close():
        return [Check(name, SKIP, "not closed: not allowed") for name in (OUT, IN)]
    limits = _Limits(board.settings)
    resting = _rest(board, limits)
    if resting.status != PASS:
        return [resting, *(Check(name, SKIP, "not closed") for name in (OUT, IN))]
    found = [resting, _out(board, assistant, limits)]
    if found[1].status == FAIL and "welded" in found[1].found:
        return [*found, Check(IN, SKIP, "not closed: OUT does not open")]
    return [*found, _in(board, assistant, limits)]


class _Limits:
    """What counts as dead, live and flowing, from the board's settings and their defaults."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        from node.settings import LIMITS

        given = settings.get("limits", {})
        limits = {name: given.get(name, LIMITS[name][2]) for name in LIMITS}
        self.dead_uv = limits["dead_voltage_uv"]
        self.present_uv = PRESENT_SHARE * limits["bus_voltage_uv"]
        self.flowing_ua = limits["no_current_ua"]
        self.welded_ua = limits["welded_current_ua"]
        self.is_low = bool(settings["relay_active_low"])


def _shown(look: Mapping[str, int]) -> str:
    return f"{look['voltage_uv'] / 1e6:.2f} V, {look['current_ua'] / 1e6:.3f} A"


def _rest(board: RelayBoard, limits: _Limits) -> Check:
    """With both relays open the bus is dead and nothing flows."""
    rest = board.ask_relays("rest")
    if rest is None:
        return Check(RELEASED, FAIL, "the bus meter does not answer", "see its line above")
    flows = abs(rest["current_ua"]) > limits.welded_ua
    if rest["voltage_uv"] < limits.dead_uv and not flows:
        return Check(RELEASED, PASS, f"bus dead ({_shown(rest)})")
    released = board.ask_relays("released")
    if released is None:
        return Check(RELEASED, FAIL, "the bus meter stopped answering", "see its line above")
    if released["voltage_uv"] < limits.dead_uv and abs(released["current_ua"]) <= limits.welded_ua:
        level = "false" if limits.is_low else "true"
        return Check(
            RELEASED, FAIL, f"{_shown(rest)} until the pins are let go: driven the wrong way round",
            f"relay_active_low must be {level}: [boards] in site.toml, then provision again",
        )  # fmt: skip
    if flows:
        return Check(RELEASED, FAIL, f"{_shown(rest)}: a contact is welded", "change K1 or K2")
    return Check(
        RELEASED, FAIL, f"the bus is live ({_shown(rest)}): left alone",
        "take other houses and supplies off; if it stays live, OUT's contact is welded",
    )  # fmt: skip


def _out(board: RelayBoard, assistant: Assistant, limits: _Limits) -> Check:
    """OUT puts the house's own source on the dead bus."""
    pulse = board.ask_relays("pulse", "out")
    if pulse["refused"]:
        return Check(OUT, SKIP, f"not closed: {pulse['refused']}")
    closed, after = pulse.get("closed"), pulse.get("after")
    if closed is None or after is None:
        return Check(OUT, FAIL, "the bus meter stopped answering", "its leads beside the relay's")
    if after["voltage_uv"] >= limits.dead_uv:
        return Check(OUT, FAIL, f"{_shown(after)} after opening: welded", "STOP; change K2")
    if closed["voltage_uv"] >= limits.present_uv:
        return Check(OUT, PASS, f"{_shown(closed)} while closed, dead after")
    if assistant.heard("OUT"):
        return Check(
            OUT, FAIL, f"moves, but {_shown(closed)} on the bus",
            "source A7 (13.3 V?), fuse F3, STOP pressed, or the contact",
        )  # fmt: skip
    return Check(OUT, FAIL, "does not move", "JD-VCC jumper, Q2, wire from GP15, 5 V of the module")


def _in(board: RelayBoard, assistant: Assistant, limits: _Limits) -> Check:
    """IN takes current from a supply on the bus."""
    if not assistant.join_supply(True):
        return Check(IN, SKIP, "not closed: no supply on the bus")
    try:
        return _in_on_supply(board, assistant, limits)
    finally:
        assistant.join_supply(False)


def _in_on_supply(board: RelayBoard, assistant: Assistant, limits: _Limits) -> Check:
    pulse = board.ask_relays("pulse", "in")
    before = pulse["before"]
    if pulse["refused"] == "welded_contact":
        return Check(IN, FAIL, f"{_shown(before)} with both open: welded", "change K1")
    if pulse["refused"]:
        shown = _shown(before) if before else "no bus meter"
        return Check(IN, SKIP, f"not closed: {pulse['refused']} ({shown})", "12 to 13 V needed")
    if before["voltage_uv"] < limits.present_uv:
        return Check(IN, SKIP, f"not closed usefully: no supply on the bus ({_shown(before)})")
    closed, after = pulse.get("closed"), pulse.get("after")
    if closed is None or after is None:
        return Check(IN, FAIL, "the bus meter stopped answering", "its leads beside the relay's")
    if abs(after["current_ua"]) > limits.welded_ua:
        return Check(IN, FAIL, f"{_shown(after)} after opening: welded", "STOP; change K1")
    if closed["current_ua"] > limits.flowing_ua:
        return Check(IN, PASS, f"{_shown(closed)} while closed, none after")
    if closed["current_ua"] < -limits.flowing_ua:
        return Check(IN, FAIL, f"{_shown(closed)}: the sign is wrong", "IN+ and IN- of A3 swapped")
    if assistant.heard("IN"):
        return Check(
            IN, FAIL, f"moves, but {_shown(closed)}",
            "battery full, lamp E1, diode D9, charger A8, NC contact of K2",
        )  # fmt: skip
    return Check(IN, FAIL, "does not move", "JD-VCC jumper, Q1, wire from GP14, 5 V of the module")
