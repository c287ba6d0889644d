"""Lines make nets by KiCad's rule, and a picture that lies is refused."""

from __future__ import annotations

import pytest

from hw.schematics.kit import Kit
from hw.schematics.model import Unit
from hw.schematics.sheet import DrawingError, drawn_nets, resolve


@pytest.fixture
def unit() -> Unit:
    unit = Unit("test", "Test", "A4")
    kit = Kit(unit)
    kit.two("R1", "r-1k", "1k", "10 10 right", "A", "B")
    kit.two("R2", "r-1k", "1k", "20 10 right", "B", "C")
    return unit


def test_nets_are_those_declared_when_lines_join_them(unit: Unit) -> None:
    unit.wire("R1.2", "R2.1")
    nets = drawn_nets(unit, resolve(unit))
    assert sorted(map(sorted, nets)) == [[("R1", "1")], [("R1", "2"), ("R2", "1")], [("R2", "2")]]


def test_labels_join_pins_when_no_line_does(unit: Unit) -> None:
    sheet = resolve(unit)
    assert [label.net for label in sheet.labels] == ["A", "B", "B", "C"]


def test_line_is_refused_when_it_passes_a_foreign_pin(unit: Unit) -> None:
    unit.wire("R1.1", "R2.2")
    with pytest.raises(DrawingError, match=r"the lines join R1\.1, R1\.2, R2\.1, R2\.2"):
        resolve(unit)


def test_line_is_split_when_a_pin_lies_on_it(unit: Unit) -> None:
    Kit(unit).two("R3", "r-1k", "1k", "15 12 down", "B", "D")
    unit.wire("R1.2", "R2.1")
    sheet = resolve(unit)
    assert ((12, 10), (15, 10)) in sheet.segments and ((15, 10), (18, 10)) in sheet.segments
    assert sheet.dots == ((15, 10),)


def test_crossing_lines_stay_apart_when_neither_ends_there(unit: Unit) -> None:
    kit = Kit(unit)
    kit.two("R3", "r-1k", "1k", "15 5 down", "E", "F")
    kit.two("R4", "r-1k", "1k", "15 15 down", "F", "G")
    unit.wire("R1.2", "R2.1")
    unit.wire("R3.2", "R4.1")
    assert resolve(unit).dots == ()


def test_reference_is_refused_when_used_twice(unit: Unit) -> None:
    with pytest.raises(ValueError, match="R1 is used twice"):
        Kit(unit).two("R1", "r-1k", "1k", "30 10 right", "A", "B")
