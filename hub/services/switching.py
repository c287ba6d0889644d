"""Plugs for agents away from the hub: a signed wish in, a switched plug out (docs/agents.md).

In the same way they answer whether they keep them off in a demand-response event.

Who may switch is proven by the house's key, as for orders; freshness by a word of the hub's own
that counts once and for half a minute: a message held back or sent again does nothing.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from typing import Any, Protocol

from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct

from hub.services.market import MarketService
from hub.services.order_rules import Refused

WORD_AGE_S = 30.0
WORD_BYTES = 16
MOST_WORDS = 4  # of a house: whoever asks more often makes older ones worthless, nothing else
Record = dict[str, Any]


class AgentEvents(Protocol):
    """What it needs of hub.services.events.EventDesk."""

    def question(self, house: str, /) -> Record | None: ...
    def answer(self, house: str, event_id: int, is_willing: bool, /) -> Record: ...


class AgentPlugs(Protocol):
    """What it needs of hub.bridges.part.BridgesPart."""

    def flexible_plugs(self, peer: str, /) -> list[Record]: ...
    def switch_for_agent(self, name: str, is_on: bool, peer: str, /) -> Record: ...


def switch_message(peer: str, plug: str, is_on: bool, word: str) -> SignableMessage:
    """Return what a house's key signs to switch a plug; it can't be taken for a transaction."""
    return encode_defunct(text=json.dumps(["trueque: switch a plug", peer, plug, is_on, word]))


def answer_message(peer: str, event_id: int, is_willing: bool, word: str) -> SignableMessage:
    """Return what a house's key signs to take part in an event as it was asked to, or not to."""
    said = ["trueque: answer an event", peer, event_id, is_willing, word]
    return encode_defunct(text=json.dumps(said))


class SwitchDesk:
    """Shows each agent its house's plugs and switches them on its signed word; from any thread."""

    def __init__(
        self, market: MarketService, plugs: AgentPlugs, events: AgentEvents | None = None
    ) -> None:
        self._market, self._plugs, self._events = market, plugs, events
        self._lock = threading.Lock()
        self._words: dict[str, dict[str, float]] = {}  # house -> word -> when it was given

    def record(self, peer: str) -> Record:
        """Return a house's flexible plugs, the event that asks for them, and a word to answer with.

        Raises Refused.
        """
        self._market.address_of(peer)
        plugs = self._plugs.flexible_plugs(peer)
        if not plugs:
            return {"plugs": [], "event": None, "switch_word": None}
        event = None if self._events is None else self._events.question(peer)
        return {"plugs": plugs, "event": event, "switch_word": self._give_word(peer)}

    def switch(self, peer: str, plug: str, body: Record) -> Record:
        """Switch a plug as its house's agent signed. Raises Refused, PlugRefused or BridgeDown."""
        is_on, word, signature = (body.get(name) for name in ("is_on", "word", "signature"))
        if not (isinstance(is_on, bool) and isinstance(word, str) and isinstance(signature, str)):
            raise Refused("Say whether on (is_on), with the hub's switch_word and a signature.")
        self._check(peer, switch_message(peer, plug, is_on, word), word, signature)
        return self._plugs.switch_for_agent(plug, is_on, peer)

    def answer(self, peer: str, event_id: int, body: Record) -> Record:
        """Take part in an event, or not, as the house's agent signed. Raises Refused, BadInput."""
        is_willing, word, signature = (body.get(one) for one in ("is_willing", "word", "signature"))
        if not (
            self._events is not None
            and isinstance(is_willing, bool)
            and isinstance(word, str)
            and isinstance(signature, str)
        ):
            raise Refused("Say is_willing, with the hub's switch_word and a signature.")
        self._check(peer, answer_message(peer, event_id, is_willing, word), word, signature)
        return self._events.answer(peer, event_id, is_willing)

    def _check(self, peer: str, message: SignableMessage, word: str, signature: str) -> None:
        address = self._market.address_of(peer)
        if _signer(message, signature) != address:
            raise Refused(f"That is not signed by the key of {peer}.", "signature")
        if not self._take_word(peer, word):
            raise Refused("That switch_word is used or too old: ask again.", "word")

    def _give_word(self, peer: str) -> str:
        word = secrets.token_hex(WORD_BYTES)
        with self._lock:
            words = self._words.setdefault(peer, {})
            words[word] = time.monotonic()
            while len(words) > MOST_WORDS:
                del words[next(iter(words))]
        return word

    def _take_word(self, peer: str, word: str) -> bool:
        """Use up a word; tell whether it was one and still counted."""
        with self._lock:
            words = self._words.get(peer, {})
            known = next(
                (one for one in words if hmac.compare_digest(one.encode(), word.encode())), None
            )
            return known is not None and time.monotonic() - words.pop(known) <= WORD_AGE_S


def _signer(message: SignableMessage, signature: str) -> str | None:
    """Return whose signature it is, None for what is none."""
    try:
        return str(Account.recover_message(message, signature=signature))
    except Exception:  # eth_keys and eth_utils raise many kinds for damaged input
        return None
