"""What is wrong with a site, and what to do about it: `examine` asks every part."""

from __future__ import annotations

from pathlib import Path

from hub.doctor import files, machine, parts, people
from hub.doctor.backups import backups
from hub.doctor.findings import GOOD, Finding

__all__ = ["Finding", "examine"]


def examine(data_dir: Path) -> list[Finding]:
    """Look at everything without changing anything; a check that can't be made is left out.

    What stands in the way of later checks comes first, and ends the list.
    """
    found = machine.programs()
    config, problems = files.configuration(data_dir)
    found += problems
    if config is None:
        return found
    found += files.secrets(config)
    found += files.certificates(config)
    found += files.disk(config)
    found += backups(config)
    found += machine.clock(config)
    found += parts.running_parts(config)
    stored = files.store(config)
    found += stored
    if config.store_path.exists() and all(one.level == GOOD for one in stored):
        found += people.nodes(config)
        found += people.trades(config)
        found += people.letters(config)
    return found
