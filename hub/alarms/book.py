"""The book of alarms: causes enter by kind and subject; what was raised or cleared is passed on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from hub.site_clock import wall_ms
from hub.store import AlarmRow

NOTICE, WARNING, FAULT = "notice", "warning", "fault"
SEVERITIES = (NOTICE, WARNING, FAULT)


class Keeper(Protocol):
    """Where alarms are kept: hub.store.Store."""

    def raise_alarm(
        self, kind: str, subject: str, severity: str, sentence: str, at_ms: int, /
    ) -> int: ...
    def clear_alarm(self, kind: str, subject: str, at_ms: int, /) -> AlarmRow | None: ...
    def raised_alarms(self) -> list[AlarmRow]: ...


class AlarmBook:
    """Safe to tell again and again: an alarm that stands is not raised twice.

    `on_change(alarm_id, kind, sentence, is_raised)` is called from the teller's thread.
    """

    def __init__(
        self,
        keeper: Keeper,
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._keeper = keeper
        self._say = say
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._standing = {(one.kind, one.subject) for one in keeper.raised_alarms()}
        self.on_change: Callable[[int, str, str, bool], None] = lambda *told: None

    def raise_alarm(self, kind: str, subject: str, sentence: str, severity: str = WARNING) -> None:
        """Raise an alarm, unless it stands already."""
        with self._lock:
            if (kind, subject) in self._standing:
                return
            at_ms = self._now_ms()
            number = self._keeper.raise_alarm(kind, subject, severity, sentence, at_ms)
            self._standing.add((kind, subject))
        if number:
            self._say(f"alarm: {sentence}")
            self.on_change(number, kind, sentence, True)

    def clear(self, kind: str, subject: str) -> None:
        """End an alarm when it stands."""
        with self._lock:
            if (kind, subject) not in self._standing:
                return
            ended = self._keeper.clear_alarm(kind, subject, self._now_ms())
            self._standing.discard((kind, subject))
        if ended is not None:
            self._say(f"over: {ended.sentence}")
            self.on_change(ended.alarm_id, kind, ended.sentence, False)

    def standing(self, kind: str) -> frozenset[str]:
        """Return the subjects of the alarms of a kind that hold."""
        with self._lock:
            return frozenset(subject for one, subject in self._standing if one == kind)

    def keep(self, kind: str, subject: str, sentence: str, is_so: bool) -> None:
        """Raise or clear, as it is."""
        if is_so:
            self.raise_alarm(kind, subject, sentence)
        else:
            self.clear(kind, subject)
