"""A hub somewhere else as an agent sees it: read over HTTP; what it does is signed here, by its own
key: orders for the chain, switched plugs for the hub.

The hub never has the key. It passes signed calls on to the chain (`/rpc`), and nothing else.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eth_account.messages import SignableMessage
from eth_account.signers.local import LocalAccount

from hub.agent.preferences import Preferences
from hub.chain.client import MarketClient
from hub.errors import BadInput, TruequeError
from hub.services.switching import answer_message, switch_message
from hub.store import CounterRow, OrderRow, TradeRow, WindowRow

TIMEOUT_S = 10.0


class HubAway(TruequeError):
    """The hub did not answer, or not as a hub does."""


class RemoteMarket:
    """`refresh` asks the hub once; everything else is read from that answer."""

    def __init__(self, url: str, peer: str, account: LocalAccount, span_s: int) -> None:
        """Raises BadInput for an address that is none."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"--hub {url}: not an address such as http://127.0.0.1:8080")
        self.url = url.rstrip("/")
        self._peer, self._account, self._span_s = peer, account, span_s
        self._seen: dict[str, Any] = {}
        self._asked_at_s = 0.0
        self._client: MarketClient | None = None

    def refresh(self) -> None:
        """Ask the hub. Raises HubAway, or BadInput when it has no such peer or another key."""
        seen = self._call(f"{self._path}?{urllib.parse.urlencode({'span_s': self._span_s})}")
        try:
            address, contract = str(seen["address"]), str(seen["contract"])
        except (KeyError, TypeError):
            raise HubAway(f"{self.url} does not answer as a hub does") from None
        if address.lower() != self._account.address.lower():
            raise BadInput(
                f"the key is of {self._account.address}, but {self._peer} is {address} there"
            )
        if self._client is None or self._client.address.lower() != contract.lower():
            self._client = MarketClient(f"{self.url}/rpc", contract)
        self._seen, self._asked_at_s = seen, time.monotonic()

    def default_preferences(self) -> Preferences:
        """Return what the hub's own agent of this house would wish."""
        wishes = self._seen["preferences"]
        partners = wishes.get("partners")
        return Preferences(**{**wishes, "partners": None if partners is None else tuple(partners)})

    # What an agent asks -------------------------------------------------------------------------

    def now_s(self) -> float:
        return float(self._seen["now_ms"]) / 1000 + time.monotonic() - self._asked_at_s

    def window_now(self, peer_name: str) -> WindowRow | None:
        window = self._seen["window"]
        return None if window is None else WindowRow(**window)

    def counters_to(self, peer_name: str) -> list[tuple[bool, str, CounterRow]]:
        rows = self._seen["counters"]
        return [(row["is_selling"], row["peer"], CounterRow(**row["counter"])) for row in rows]

    def open_orders(self, window_id: int, peer_name: str) -> list[tuple[str, OrderRow]]:
        return [(row["name"], OrderRow(**row["order"])) for row in self._seen["orders"]]

    def trades_in(self, peer_name: str, window_id: int) -> Sequence[TradeRow]:
        return [TradeRow(**row) for row in self._seen["trades"]]

    def available_wei(self, peer_name: str) -> int:
        return int(self._seen["available_wei"])

    def recent_readings(self, node: str, span_s: int) -> list[dict[str, Any]]:
        readings: list[dict[str, Any]] = self._seen["readings"]
        since_ms = (self.now_s() - span_s) * 1000
        return [one for one in readings if one["received_at_ms"] >= since_ms]

    def has_order(self, order_id: int) -> bool:
        return bool(order_id <= self._seen["newest_order_id"])

    def has_trade(self, trade_id: int) -> bool:
        return bool(trade_id <= self._seen["newest_trade_id"])

    def on_change(self, listener: Callable[[], None]) -> None:
        """Nobody tells from afar: the agent looks once a second."""

    def plugs(self) -> Sequence[Mapping[str, Any]]:
        """Return the house's plugs that its agent may switch; none of a hub that shows none."""
        found: list[dict[str, Any]] = self._seen.get("plugs", [])
        return found

    def event(self) -> Mapping[str, Any] | None:
        """Return the demand-response event that asks this house and has no answer yet."""
        found: dict[str, Any] | None = self._seen.get("event")
        return found

    # What it does -------------------------------------------------------------------------------

    def post_offer(self, peer_name: str, energy_uwh: int, price: int) -> int:
        return self._chain.offer(self._account, self._window_id, energy_uwh, price)

    def post_bid(self, peer_name: str, energy_uwh: int, price: int) -> int:
        return self._chain.bid(self._account, self._window_id, energy_uwh, price)

    def accept_only(self, peer_name: str, sellers: Sequence[str]) -> None:
        """Let the house's bids name these sellers and no other. Raises BadInput for a stranger."""
        addresses: dict[str, str] = self._seen["peers"]
        strangers = [name for name in sellers if name not in addresses]
        if strangers:
            raise BadInput(f"partners: {strangers[0]} is none of {', '.join(addresses)}")
        wanted, known = {addresses[name] for name in sellers}, set(self._seen["accepted_sellers"])
        for address in sorted(wanted ^ known):
            self._chain.accept_seller(self._account, address, address in wanted)

    def post_bid_from_accepted(self, peer_name: str, energy_uwh: int, price: int) -> int:
        return self._chain.bid_from_accepted(self._account, self._window_id, energy_uwh, price)

    def take(self, peer_name: str, order_id: int, energy_uwh: int, limit: int) -> int:
        return self._chain.take(self._account, order_id, energy_uwh, limit)

    def cancel(self, peer_name: str, order_id: int) -> None:
        self._chain.cancel(self._account, order_id)

    def accept(self, peer_name: str, counter_id: int) -> int:
        for _, _, one in self.counters_to(peer_name):
            if one.counter_id == counter_id:
                price = one.price_gwei_per_kwh
                return self._chain.accept(self._account, counter_id, one.energy_uwh, price)
        raise HubAway(f"counter-offer {counter_id} does not stand any more")

    def switch_plug(self, name: str, is_on: bool) -> None:
        """Turn an appliance of the house on or off. Raises HubAway, also where it is refused."""
        self.refresh()  # a word of the hub's counts once
        word = str(self._seen["switch_word"])
        message = switch_message(self._peer, name, is_on, word)
        body = {"is_on": is_on, "word": word, "signature": self._sign(message)}
        self._call(f"{self._path}/plugs/{urllib.parse.quote(name, safe='')}", body)

    def answer_event(self, event_id: int, is_willing: bool) -> int:
        """Promise what an event asks of the house, or decline; return what was accepted.

        Raises HubAway.
        """
        self.refresh()
        word = str(self._seen["switch_word"])
        signature = self._sign(answer_message(self._peer, event_id, is_willing, word))
        body = {"is_willing": is_willing, "word": word, "signature": signature}
        return int(self._call(f"{self._path}/events/{event_id}", body)["accepted_uwh"])

    def _sign(self, message: SignableMessage) -> str:
        return "0x" + bytes(self._account.sign_message(message).signature).hex()

    @property
    def _path(self) -> str:
        return f"/api/agents/{urllib.parse.quote(self._peer, safe='')}"

    @property
    def _chain(self) -> MarketClient:
        assert self._client is not None  # an agent acts on what it has seen
        return self._client

    @property
    def _window_id(self) -> int:
        return int(self._seen["window"]["window_id"])

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(self.url + path)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                found: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            raise self._refused(refusal) from None
        except (OSError, ValueError) as problem:
            raise HubAway(f"{self.url}: {problem}") from None
        return found

    def _refused(self, refusal: urllib.error.HTTPError) -> TruequeError:
        try:
            sentence = json.loads(refusal.read())["error"]
        except (OSError, ValueError, KeyError, TypeError):
            return HubAway(f"{self.url}: {refusal}")
        if refusal.code == 404:
            return BadInput(f"{self.url}: {sentence}")
        return HubAway(f"{self.url}: {sentence}")
