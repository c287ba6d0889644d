"""The guide points at files that exist and quotes numbers that the model gives."""

from __future__ import annotations

import re

import pytest

from hw.schematics import tolerance
from hw.schematics.export import DIRECTORY, readings

PAGES = sorted(DIRECTORY.parent.glob("guide/*.md")) + [DIRECTORY.parent / "README.md"]
GUIDE = {page.name: page.read_text(encoding="utf-8") for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_when_followed(page) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE[page.name]):
        assert (page.parent / target).is_file(), target


@pytest.mark.parametrize(
    "number", ["2.925", "2.5 V", "1.575", "1.125", "0.525", "11.67", "1.576", "256.5", "0.571"]
)
def test_quoted_readings_are_expected_of_the_decks_when_looked_up(number: str) -> None:
    assert number in readings()


def test_quoted_error_budget_is_the_computed_one_when_compared() -> None:
    voltage, current, _ = tolerance.CHAINS
    figures = []
    for chain, calibrated in ((voltage, False), (current, False), (voltage, True), (current, True)):
        names = tuple(part.name for part in chain.tolerances)
        figures.append(tolerance.spread(chain, chain.high, names, calibrated=calibrated))
    page = GUIDE["4-commissioning.md"]
    as_built = re.search(r"within ([\d.]+) % \(PV at 20 V\) and ([\d.]+) % \(10 A\)", page)
    left = re.search(r"([\d.]+) % and ([\d.]+) % are left", page)
    assert as_built and left
    quoted = [float(text) / 100 for match in (as_built, left) for text in match.groups()]
    assert quoted == pytest.approx(figures, abs=0.0006)
