"""Houses without a board that a virtual bench simulates: where their files are, and their switches.

`<boards>/simulated/<house>.toml` are a house's assets; the bench takes them while it runs and
writes every second what each device does (`.json`); what the page switches waits in
`.switches.json` for the bench to read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hub.bridges.errors import PlugRefused
from hub.site_clock import wall_ms

DIRECTORY = "simulated"
ONLINE_MS = 5_000
Record = dict[str, Any]


def assets_path(boards_dir: Path, house: str) -> Path:
    """Return where the bench looks for a house's assets."""
    return boards_dir / DIRECTORY / f"{house}.toml"


def state_path(boards_dir: Path, house: str) -> Path:
    """Return where the bench says what a house's devices do."""
    return boards_dir / DIRECTORY / f"{house}.json"


def switches_path(boards_dir: Path, house: str) -> Path:
    """Return where a house's switches are kept: device to on or off."""
    return boards_dir / DIRECTORY / f"{house}.switches.json"


def write_whole(path: Path, record: Any) -> None:
    """Write a JSON file in one piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(record), encoding="utf-8")
    os.replace(fresh, path)


def read_or(path: Path, otherwise: Record) -> Record:
    """Return a JSON object from a file, or the other where there is none yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
    return found if isinstance(found, dict) else otherwise


class SimulatedDevices:
    """What the page sees and switches: each device as a plug of its house."""

    def __init__(self, boards_dir: Path) -> None:
        self._boards_dir = boards_dir

    def records(self) -> list[Record]:
        """Return every device of every simulated house, as the page shows plugs."""
        found: list[Record] = []
        for path in sorted((self._boards_dir / DIRECTORY).glob("*.json")):
            if path.name.endswith(".switches.json"):
                continue
            state = read_or(path, {})
            if not assets_path(self._boards_dir, path.stem).exists():
                continue  # it has left
            age_ms = max(0, wall_ms() - int(state.get("at_ms", 0)))
            for device in state.get("devices", []):
                found.append(
                    {
                        **device,
                        "house": path.stem,
                        "kind": "simulated",
                        "is_house_meter": False,
                        "can_switch": True,
                        "is_online": age_ms <= ONLINE_MS,
                        "age_ms": age_ms,
                        "problem": None,
                    }
                )
        return found

    def has(self, name: str) -> bool:
        """Tell whether a device of that name is simulated."""
        return any(one["name"] == name for one in self.records())

    def switch(self, name: str, is_on: bool, peer: str) -> Record:
        """Turn a device of a house on or off for that house. Raises PlugRefused."""
        record = next((one for one in self.records() if one["name"] == name), None)
        if record is None:
            raise PlugRefused("There is no such plug on this site.")
        if record["house"] != peer:
            raise PlugRefused(f"Only {record['house']} can switch {name}.")
        path = switches_path(self._boards_dir, peer)
        write_whole(path, {**read_or(path, {}), name: is_on})
        return {**record, "is_on": is_on}
