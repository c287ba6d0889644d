"""The simulator for the page: a scenario's text enters, indicators, slots and dashboards leave.

The same functions as `trueque sim run`, within bounds that keep the hub's own work going: one run
at a time, no files of the hub's machine, so many cells at most.
"""

from __future__ import annotations

import threading
import tomllib
from pathlib import Path
from typing import Any

from hub.errors import BadInput, TruequeError

MAX_CELLS = 60_000  # peers x slots: a few seconds at most
MAX_BOOK_CELLS = 20_000  # where every slot has a book, or a schedule is optimised
SCENARIOS = Path(__file__).parents[1] / "sim" / "scenarios"
SOURCE = Path("scenario.toml")  # how messages name what the page sent


class Busy(TruequeError):
    """Another run is under way."""


class SimulatorDesk:
    """Runs scenarios for whoever asks, one after the other."""

    def __init__(self) -> None:
        self._one = threading.Lock()

    def scenarios(self) -> list[dict[str, str]]:
        """Return the bundled scenarios: name and text."""
        return [
            {"name": path.stem, "text": path.read_text(encoding="utf-8")}
            for path in sorted(SCENARIOS.glob("*.toml"))
        ]

    def run(self, text: str) -> dict[str, Any]:
        """Run a scenario; return summary, slots by column and each peer's dashboard.

        Raises BadInput for a scenario that is wrong or too large, and Busy.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise BadInput(f"{SOURCE}: is not TOML: {problem}") from None
        _refuse_files(raw, [])
        if not self._one.acquire(blocking=False):
            raise Busy("The simulator is at work for somebody else; try again in a moment.")
        try:
            return _run(raw)
        finally:
            self._one.release()


def _run(raw: dict[str, Any]) -> dict[str, Any]:
    from hub.sim.dashboard import dashboards
    from hub.sim.outputs import slot_columns
    from hub.sim.reading import scenario_of
    from hub.sim.responding import simulate
    from hub.sim.scenario import BOOK_MECHANISMS
    from hub.sim.summary import summarise

    scenario = scenario_of(raw, SOURCE)
    members = [*scenario.peers, *(group.template for group in scenario.groups)]
    size = len(scenario.peers) + sum(group.count for group in scenario.groups)
    is_hard = (
        scenario.market.mechanism in BOOK_MECHANISMS
        or scenario.network is not None
        or any(one.strategy == "optimal" for one in members)
    )
    most = MAX_BOOK_CELLS if is_hard else MAX_CELLS
    if size * scenario.clock.slots > most:
        raise BadInput(
            f"{SOURCE}: {size} peers x {scenario.clock.slots} slots are more than the page runs "
            f"({most:,} together); run it by: trueque sim run"
        )
    outcome = simulate(scenario, has_details=True)
    columns = {name: _plain(values) for name, values in slot_columns(outcome).items()}
    return {
        "summary": {"scenario": scenario.name, **summarise(outcome)},
        "slots": columns,
        "dashboards": dashboards(outcome),
    }


def _plain(values: Any) -> list[Any]:
    """Return a column for JSON, which knows no NaN: null where there is no price."""
    return [None if one != one else one for one in values.tolist()]


def _refuse_files(value: Any, where: list[str]) -> None:
    """Refuse what would read the hub's files."""
    if isinstance(value, dict):
        if "csv" in value:
            place = ", ".join(where)
            raise BadInput(f"{SOURCE}, {place}: the page reads no files; give values or a home")
        for name, one in value.items():
            _refuse_files(one, [*where, str(name)])
    elif isinstance(value, list):
        for one in value:
            _refuse_files(one, where)
