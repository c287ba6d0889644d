"""KiCad itself finds no fault and the same nets. Skipped where KiCad 9 is not installed."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hw.schematics.export import DIRECTORY
from hw.schematics.model import Unit

NAMES = ["peer-node", "hub", "bus-2", "bus-5"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the exports: KiCad writes beside what it reads."""
    program = shutil.which("kicad-cli")
    if program is None:
        pytest.skip("KiCad is not installed: ERC and its netlist are not compared")
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    if int(said.stdout.split(".")[0]) < 9:
        pytest.skip(f"KiCad {said.stdout.strip()} can't read files of KiCad 9")
    copy = tmp_path_factory.mktemp("kicad")
    shutil.copytree(DIRECTORY, copy, dirs_exist_ok=True)
    return copy


def kicad(project: Path, *words: str) -> None:
    done = subprocess.run(["kicad-cli", *words], cwd=project, capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_rule_check_finds_nothing_when_run(project: Path, name: str) -> None:
    kicad(project, "sch", "erc", "--severity-all", "--exit-code-violations", "-o", f"{name}.rpt",
          f"{name}.kicad_sch")  # fmt: skip
    assert "ERC messages: 0" in (project / f"{name}.rpt").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_kicads_nets_equal_the_models_when_compared(
    project: Path, kit: dict[str, Unit], name: str
) -> None:
    kicad(project, "sch", "export", "netlist", "--format", "kicadxml", "-o", f"{name}.xml",
          f"{name}.kicad_sch")  # fmt: skip
    drawn = {}
    for net in ElementTree.parse(project / f"{name}.xml").iter("net"):
        pins = frozenset((node.get("ref"), node.get("pin")) for node in net.iter("node"))
        if not str(net.get("name")).startswith("unconnected-"):
            drawn[pins] = str(net.get("name")).lstrip("/")
    wanted = {frozenset(pins): net for net, pins in kit[name].nets().items()}
    assert set(drawn) == set(wanted)
    for pins, net in drawn.items():
        assert net == wanted[pins] or net.startswith("Net-("), net


def test_board_check_finds_nothing_when_run(project: Path) -> None:
    kicad(project, "pcb", "drc", "--severity-all", "--all-track-errors", "--exit-code-violations",
          "-o", "carrier.rpt", "carrier.kicad_pcb")  # fmt: skip
    report = (project / "carrier.rpt").read_text()
    assert "Found 0 DRC violations" in report and "Found 0 unconnected pads" in report


def test_board_is_plotted_when_gerbers_are_asked_for(project: Path) -> None:
    kicad(project, "pcb", "export", "gerbers", "-o", "gerbers", "carrier.kicad_pcb")
    kicad(project, "pcb", "export", "drill", "-o", "gerbers/", "carrier.kicad_pcb")
    plots = {path.suffix for path in (project / "gerbers").iterdir()}
    assert plots >= {".gtl", ".gbl", ".gts", ".gbs", ".gto", ".gm1", ".drl"}
