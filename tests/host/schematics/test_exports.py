"""What is committed is what the model makes."""

from __future__ import annotations

import csv
import re

import pytest

from hw.schematics import __main__ as command
from hw.schematics import export, wiring
from hw.schematics.items import ITEMS
from hw.schematics.model import Unit


def test_exports_are_fresh_when_built_again() -> None:
    assert export.stale() == [], "run python -m hw.schematics"


def test_exports_repeat_when_built_twice() -> None:
    assert export.files() == export.files()


def test_stale_export_is_named_when_a_file_differs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(export, "DIRECTORY", tmp_path)
    export.write()
    (tmp_path / "bom.csv").write_text("old")
    (tmp_path / "spice" / "cells.cir").unlink()
    (tmp_path / "leftover.svg").write_text("")
    assert export.stale() == ["bom.csv", "leftover.svg", "spice/cells.cir"]
    assert command.main(["--check"]) == 1
    assert "bom.csv differs from the model" in capsys.readouterr().err


def test_command_says_how_it_is_used_when_its_argument_is_wrong(capsys) -> None:
    assert command.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err


def test_ids_are_unique_when_written_to_kicad(kit: dict[str, Unit]) -> None:
    for name in kit:
        text = export.files()[f"{name}.kicad_sch"].decode()
        ids = re.findall(r'\(uuid "([^"]+)"\)', text)
        assert len(ids) == len(set(ids)) > 50


def test_every_part_is_listed_once_when_parts_are_bought(kit: dict[str, Unit]) -> None:
    rows = list(csv.DictReader(export.bom(kit.values()).splitlines()))
    for name, unit in kit.items():
        listed = [ref for row in rows if row["unit"] == name
                  and not row["references"].startswith("for ")
                  for ref in row["references"].split()]  # fmt: skip
        assert sorted(listed) == sorted(part.reference for part in unit.parts)
        for row in rows:
            if not row["references"].startswith("for "):
                assert int(row["quantity"]) == len(row["references"].split())
            assert row["price"] == "" and row["substitutes"]


@pytest.mark.parametrize("name", ["peer-node", "hub", "bus-2", "bus-5"])
def test_every_terminal_is_reached_when_all_is_wired(kit: dict[str, Unit], name: str) -> None:
    """Wires, solder bridges and what a board or a device joins inside make the model's nets."""
    unit = kit[name]
    places = {(part.reference, text): (part.reference, pin.number) for part in unit.parts
              for pin in part.symbol.pins
              for text in (pin.name, f"{pin.number} {pin.name}")}  # fmt: skip
    joints = list(unit.bridges)
    for wire in wiring.wires(unit):
        # A board without plugs is one terminal a net.
        joints.append((places.get(wire.start, wire.start), places.get(wire.end, wire.end)))
    for part in unit.parts:
        whole = part.assembly or (part.reference if part.item in ("pi", "smart-plug") else "")
        if whole:
            joints += [((part.reference, pin), (whole, net)) for pin, net in part.nets.items()]
    for net, pins in unit.nets().items():
        reached = {pins[0]}
        both = joints + [(b, a) for a, b in joints]
        while more := {b for a, b in both if a in reached} - reached:
            reached |= more
        assert [pin for pin in pins if pin not in reached] == [], net


def test_every_item_is_used_and_has_a_number_or_is_generic_when_listed(
    kit: dict[str, Unit],
) -> None:
    used = {part.item for unit in kit.values() for part in unit.parts}
    assert used == set(ITEMS)
    for item in ITEMS.values():
        assert item.number or item.maker in ("generic", "-")


@pytest.mark.parametrize("name", ["peer-node", "hub", "bus-2", "bus-5"])
def test_wires_join_the_nets_of_the_model_when_followed(kit: dict[str, Unit], name: str) -> None:
    unit = kit[name]
    rows = list(csv.DictReader(export.wire_list(unit).splitlines()))
    for row in rows:
        for end in ("from", "to"):
            block, terminal = row[end], row[f"{end}_terminal"]
            if any(part.assembly == block for part in unit.parts):  # a board without plugs
                assert terminal == row["net"]
            else:
                part = unit.part(block)
                number = next(pin.number for pin in part.symbol.pins
                              if terminal in (pin.name, f"{pin.number} {pin.name}"))  # fmt: skip
                assert unit.net_of(block, number) == row["net"]
