"""Alarms as the page shows them, and a person's word that an alarm was seen."""

from __future__ import annotations

from typing import Any

from hub.errors import BadInput
from hub.honesty import quarantine
from hub.site_clock import wall_ms
from hub.store import AlarmRow, Store

SHOWN = 20
LONGEST_NAME = 40


class AlarmDesk:
    """Safe from any thread. `may_release`: nodes may be let out of quarantine here."""

    def __init__(self, store: Store, may_release: bool = False) -> None:
        self._store = store
        self._may_release = may_release

    def standing(self) -> list[dict[str, Any]]:
        """Return the alarms that hold or that nobody has seen yet, newest first."""
        return [
            {
                "alarm_id": one.alarm_id,
                "severity": one.severity,
                "sentence": one.sentence,
                "raised_at_ms": one.raised_at_ms,
                "is_over": one.cleared_at_ms is not None,
                "seen_by": one.acknowledged_by,
                "release": one.subject if self._is_releasable(one) else None,
            }
            for one in self._store.alarms(only_standing=True, limit=SHOWN)
        ]

    def _is_releasable(self, alarm: AlarmRow) -> bool:
        return self._may_release and alarm.kind == "quarantine" and alarm.cleared_at_ms is None

    def release(self, node: str) -> None:
        """Let a node out of quarantine: a person has looked at its meters. Raises BadInput."""
        if not self._may_release:
            raise BadInput(f"On this hub: trueque hub node release {node}")
        quarantine.release(self._store, node, wall_ms())

    def acknowledge(self, alarm_id: int, who: object) -> None:
        """Write down who has seen it. Raises BadInput."""
        if not isinstance(who, str) or not 0 < len(who.strip()) <= LONGEST_NAME:
            raise BadInput(f"Give your name, up to {LONGEST_NAME} characters.")
        if not self._store.acknowledge_alarm(alarm_id, who.strip(), wall_ms()):
            raise BadInput("There is no such alarm, or somebody has seen it before.")
