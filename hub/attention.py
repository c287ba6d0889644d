"""What asks for a person's attention: alarms are watched for, letters are written and sent."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from hub.alarms.book import AlarmBook
from hub.alarms.watch import AlarmWatch, WatchParts
from hub.config import SiteConfig
from hub.keys import Keys
from hub.mqtt.ingest import Stored
from hub.notices.composer import Composer
from hub.notices.postman import Postman
from hub.site_clock import SiteClock
from hub.store import Store


@dataclass(frozen=True)
class AttentionParts:
    """What is watched, besides what boards say."""

    store: Store
    clock: SiteClock
    is_stopped: Callable[[], bool]
    is_clock_trusted: Callable[[], bool]
    broker_restarts: Callable[[], int]
    is_broker_there: Callable[[], bool]
    chain_restarts: Callable[[], int]
    is_chain_there: Callable[[], bool]


class Attention:
    """`book` is where any part of the hub raises and clears alarms."""

    def __init__(
        self, config: SiteConfig, keys: Keys, parts: AttentionParts, say: Callable[[str], None]
    ) -> None:
        self.book = AlarmBook(parts.store, say)
        watched = WatchParts(
            parts.store,
            config.data_dir,
            tuple(house.name for house in config.houses),
            parts.is_stopped,
            parts.is_clock_trusted,
            parts.broker_restarts,
            parts.is_broker_there,
            parts.chain_restarts,
            parts.is_chain_there,
        )
        self._watch = AlarmWatch(self.book, watched)
        composer = Composer(parts.store, config.notices.subscribers, parts.clock, keys.peer_name)
        self._postman = Postman(
            parts.store,
            config.notices,
            composer,
            config.site.name,
            (keys.master_key, keys.smtp_password),
            say,
        )

        def tell(alarm_id: int, kind: str, sentence: str, is_raised: bool) -> None:
            composer.tell_alarm(alarm_id, kind, sentence, is_raised)
            self._postman.wake()

        self.book.on_change = tell

    def hear(self, batch: Iterable[Stored]) -> None:
        """Take in what boards said."""
        self._watch.hear(batch)

    def wake(self) -> None:
        """The market moved: there may be something to tell, or a trade is disputed."""
        self._postman.wake()
        self._watch.wake()

    def look(self) -> None:
        """The panel or a quarantine has changed: look at once whether that is an alarm."""
        self._watch.wake()

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return what makes the tasks that the hub shall run, by their names."""
        return {"alarms": self._watch.run, "letters": self._postman.run}
