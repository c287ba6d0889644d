"""ngspice gives the expected voltages and currents; the error budget's formulas agree with it."""

from __future__ import annotations

import shutil

import pytest

from hw.schematics import tolerance
from hw.schematics.peer_node import peer_node
from hw.schematics.spice import Deck, decks, run

DECKS = {deck.name: deck for deck in decks(peer_node())}
needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="ngspice is not installed (Debian: ngspice)"
)
NOTHING = {part.name: 0.0 for chain in tolerance.CHAINS for part in chain.tolerances}


@needs_ngspice
@pytest.mark.parametrize("name", sorted(DECKS))
def test_vectors_are_within_one_percent_when_simulated(name: str) -> None:
    deck: Deck = DECKS[name]
    found = run(deck)
    wrong = [f"{vector.meaning}: {found[vector.name]:.5g} {vector.unit}, not {vector.expected:g}"
             for vector in deck.vectors if not vector.accepts(found[vector.name])]  # fmt: skip
    assert wrong == []


@needs_ngspice
def test_failure_shows_ngspices_words_when_a_deck_is_wrong() -> None:
    broken = Deck("broken", "broken", "r1 a", "op", DECKS["cells"].vectors)
    with pytest.raises(RuntimeError, match="ngspice gave no parallel"):
        run(broken)


def test_vector_refuses_when_more_than_one_percent_off() -> None:
    vector = DECKS["fz0430"].vectors[0]
    assert vector.accepts(2.925 * 1.009)
    assert not vector.accepts(2.925 * 1.011)


def test_formulas_give_the_quantity_when_nothing_deviates() -> None:
    for chain in tolerance.CHAINS:
        for value in (chain.high, chain.low):
            assert chain.reading(value, NOTHING) == pytest.approx(value)


@needs_ngspice
@pytest.mark.parametrize("deviation", [-0.05, 0.05])
def test_divider_formula_equals_ngspice_when_a_resistor_deviates(deviation: float) -> None:
    deck = DECKS["fz0430"]
    body = deck.body.replace("ru in s 30000", f"ru in s {30000 * (1 + deviation)}")
    assert body != deck.body
    changed = Deck("changed", "changed", body, deck.control, deck.vectors)
    by_formula = tolerance.divider_v(20, NOTHING | {"30k": deviation}) / 8
    assert run(changed)["pin_20"] == pytest.approx(by_formula, rel=1e-3)


def test_budget_has_the_worst_cause_within_its_limits_when_drawn() -> None:
    chain = tolerance.CHAINS[0]
    # 5 % of the upper resistor move 1:8 by 7/8 of that.
    alone = tolerance.spread(chain, 20.0, ("30k",), calibrated=False)
    assert 0.035 < alone < 0.05 * 7 / 8 * 1.06
    everything = tuple(part.name for part in chain.tolerances)
    assert tolerance.spread(chain, 20.0, everything, calibrated=True) < 0.01
