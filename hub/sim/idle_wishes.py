"""Preferences that nobody heeds: a scenario enters, a sentence for each field that has no effect in
its design or mechanism leaves, with whose it is and what would honour it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hub.sim.assets import Preferences
from hub.sim.scenario import BOOK_MECHANISMS, COMMUNITY_MECHANISMS, Market, Peer, Scenario

MOST_NAMES = 3
PREFERRED = "preferred"
BOOKS = "[market] mechanism = " + ", ".join(f'"{one}"' for one in BOOK_MECHANISMS)
ONLY_PREFERRED = f'[market] mechanism = "{PREFERRED}"'
TRADING = "a [market] in which peers trade"


@dataclass(frozen=True)
class _Rule:
    """A field, who sets it, where it counts, and what would honour it."""

    field: str
    is_set: Callable[[Peer], bool]
    counts: Callable[[Market], bool]
    honoured_by: str


def idle_wishes(scenario: Scenario) -> list[str]:
    """Return the sentences, fields in the order of the documentation."""
    market = scenario.market
    found = [
        f"{subject}: has no effect {_here(market)}; {rule.honoured_by} would honour it"
        for subject, rule in _idle(scenario)
    ]
    found += _without_battery(scenario)
    if market.mechanism == "mcafee" or market.unit_wh == Market.unit_wh:
        return found
    where = f"{scenario.path}, [market], unit_wh"
    return [*found, f'{where}: has no effect {_here(market)}; mechanism = "mcafee" would honour it']


def idle_among(compared: Iterable[tuple[str, Scenario]]) -> list[str]:
    """Return one sentence for each field that has no effect in some of the compared scenarios,
    given with their names. That nothing counts where nobody trades goes without saying."""
    cases: dict[str, list[str]] = {}
    for name, scenario in compared:
        if scenario.market.design != "none":
            for subject, _ in _idle(scenario):
                cases.setdefault(subject, []).append(name)
    return [f"{subject}: has no effect in {', '.join(names)}" for subject, names in cases.items()]


def _idle(scenario: Scenario) -> Iterator[tuple[str, _Rule]]:
    """Return whose field it is that has no effect, and its rule."""
    for rule in _rules():
        names = [name for name, peer in _members(scenario) if rule.is_set(peer)]
        if names and not rule.counts(scenario.market):
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            whose = f"{scenario.path}, {', '.join(names[:MOST_NAMES])}{more}"
            yield f"{whose}, preferences, {rule.field}", rule


def _here(market: Market) -> str:
    if market.design == "none":
        return "where nobody trades"
    if market.pooling:
        return "where the peers share as one (pooling)"
    if market.mechanism in COMMUNITY_MECHANISMS:
        return f"at a community price ({market.design}, {market.mechanism})"
    return f'in a book cleared by "{market.mechanism}"'


def _members(scenario: Scenario) -> Iterator[tuple[str, Peer]]:
    for peer in scenario.peers:
        yield f"[[peer]] {peer.name}", peer
    for group in scenario.groups:
        yield f"[[group]] {group.template.name}", group.template


def _rules() -> list[_Rule]:
    def wish(name: str) -> Callable[[Peer], bool]:
        usual = getattr(Preferences(), name)
        return lambda peer: getattr(peer.preferences, name) != usual

    def has_share(peer: Peer) -> bool:
        return any(one.share for one in peer.preferences.producers)

    who = f"a community price, or {ONLY_PREFERRED},"
    return [
        _Rule("order", wish("order"), _is_trading, TRADING),
        _Rule("highest_buying_eur_per_kwh", wish("highest_buying_eur_per_kwh"), _is_book, BOOKS),
        _Rule("lowest_selling_eur_per_kwh", wish("lowest_selling_eur_per_kwh"), _is_book, BOOKS),
        _Rule("producers", wish("producers"), _pairs_by_wish, who),
        _Rule("producers, share", has_share, _is_preferred, ONLY_PREFERRED),
        _Rule("producers_only", wish("producers_only"), _is_preferred, ONLY_PREFERRED),
        _Rule("buyers", wish("buyers"), _is_preferred, ONLY_PREFERRED),
        _Rule("origins", wish("origins"), _is_preferred, ONLY_PREFERRED),
        _Rule("origin", wish("origin"), _is_trading, TRADING),
        _Rule("priority", wish("priority"), _is_preferred, ONLY_PREFERRED),
        _Rule("bidding", wish("bidding"), _is_book, BOOKS),
    ]


def _is_trading(market: Market) -> bool:
    return market.design != "none"


def _is_book(market: Market) -> bool:
    return market.design in ("centralised", "decentralised")


def _is_preferred(market: Market) -> bool:
    return _is_book(market) and market.mechanism == PREFERRED


def _pairs_by_wish(market: Market) -> bool:
    return _is_trading(market) and (not _is_book(market) or market.mechanism == PREFERRED)


def _without_battery(scenario: Scenario) -> list[str]:
    """Return who wants something of a battery that it does not have, or does not use greedily."""
    found = []
    for name, peer in _members(scenario):
        where, wishes = f"{scenario.path}, {name}, preferences", peer.preferences
        if wishes.reserve_soc > 0 and peer.battery.capacity_wh <= 0:
            found.append(f"{where}, reserve_soc: has no effect without a battery (battery_wh)")
        is_greedy = peer.battery.capacity_wh > 0 and peer.strategy == "greedy"
        if wishes.order != Preferences.order and not is_greedy and _is_trading(scenario.market):
            found.append(f'{where}, order: has no effect without a battery and strategy = "greedy"')
    return found
