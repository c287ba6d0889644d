"""The task that takes queued letters out, again and again until they went or are too old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from hub.notices.composer import Composer
from hub.notices.config import Notices, Subscriber
from hub.notices.told import KEEP_MS
from hub.notices.ways import LetterRefused, post, send_mail, webhook_secret
from hub.site_clock import wall_ms
from hub.store import LetterRow, Store

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 30_000, 3_600_000
GIVE_UP_MS = 7 * 86_400_000
LONGEST_SLEEP_S = 60.0


class Postman:
    """`run` is a task of the hub; `wake` says that something happened, from any thread."""

    def __init__(
        self,
        store: Store,
        config: Notices,
        composer: Composer,
        site: str,
        secrets: tuple[bytes, str],
        say: Callable[[str], None] = lambda text: None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`secrets`: the site's master key and the mail server's password."""
        self._store = store
        self._smtp = config.smtp
        self._who: Mapping[str, Subscriber] = {one.name: one for one in config.subscribers}
        self._composer = composer
        self._site = site
        self._secret, self._password = webhook_secret(secrets[0]), secrets[1]
        self._say = say
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self._gone: set[tuple[str, str]] = set()  # letters that the store does not know to be out
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Look for news and take letters out."""
        self._loop.call_soon_threadsafe(self._wake.set)

    async def run(self) -> None:
        """Take letters out until cancelled."""
        while True:
            self._wake.clear()
            await asyncio.to_thread(self.go)
            try:
                await asyncio.wait_for(self._wake.wait(), self._sleep_s())
            except TimeoutError:
                continue

    def go(self) -> None:
        """Queue what is news, then try every letter that is due once."""
        self._composer.look()
        while letters := self._store.letters_due(self._now_ms()):
            for letter in letters:
                self._try(letter)
        self._store.forget_letters(self._now_ms() - KEEP_MS)

    def _sleep_s(self) -> float:
        next_ms = self._store.next_letter_ms()
        if next_ms is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, (next_ms - self._now_ms()) / 1000))

    def _try(self, letter: LetterRow) -> None:
        now_ms = self._now_ms()
        who = self._who.get(letter.target)
        if who is None:
            problem = "nobody of that name is in [[notify]] any more"
            self._store.mark_letter(letter, given_up_at_ms=now_ms, problem=problem)
            return
        name = (letter.target, letter.topic)
        if name not in self._gone:  # else a full disk would send it again and again
            try:
                self._take_out(who, letter)
            except LetterRefused as refused:
                self._put_off(letter, now_ms, str(refused))
                return
        self._gone.add(name)
        self._store.mark_letter(letter, sent_at_ms=now_ms)
        self._gone.discard(name)

    def _take_out(self, who: Subscriber, letter: LetterRow) -> None:
        if who.email:
            send_mail(self._smtp, self._password, self._site, who, letter)
        else:
            post(self._secret, self._site, who, letter)

    def _put_off(self, letter: LetterRow, now_ms: int, problem: str) -> None:
        if now_ms - letter.posted_at_ms > GIVE_UP_MS:
            self._store.mark_letter(letter, given_up_at_ms=now_ms, problem=problem)
            self._say(f"a letter to {letter.target} is given up: {problem}")
            return
        if not letter.attempts:
            self._say(f"a letter to {letter.target} waits: {problem}")
        pause_ms = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << min(letter.attempts, 16))
        self._store.mark_letter(letter, next_at_ms=now_ms + pause_ms, problem=problem)
