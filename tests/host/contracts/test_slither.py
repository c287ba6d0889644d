"""A static analyser looks at the contract: whatever it finds is mended, or explained here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.chain.process import CHECKOUT, find_node
from hub.errors import PartMissing

SLITHER = Path(sys.executable).parent / "slither"
EXPLAINED = {
    "timestamp": "Deadlines are what windows are made of; a validator's few seconds move none of "
    "them by more than that.",
    "immutable-states": "_domain stands in storage, so that the code at an address can be compared "
    "byte for byte with the committed artefact.",
    "unused-return": "approved, hold and checkPart revert or change the state; what they return, "
    "only some callers need.",
    "assembly": "Slots writes whole slots at once: member by member a cleared trade is dearer.",
}


@pytest.fixture
def project(tmp_path):
    """The sources as solc's standard input, away from foundry.toml."""
    if not SLITHER.is_file():
        pytest.skip("slither-analyzer is not installed: the contract was not analysed")
    try:
        node = find_node()
    except PartMissing as missing:
        pytest.skip(str(missing))
    root = CHECKOUT / "contracts"
    if not (CHECKOUT / "node_modules" / "solc").is_dir():
        pytest.skip("solc is not in node_modules; run: npm ci")
    os.symlink(root / "src", tmp_path / "src")
    os.symlink(CHECKOUT / "node_modules" / "@openzeppelin", tmp_path / "@openzeppelin")
    sources = {
        str(path.relative_to(root)): {"content": path.read_text(encoding="utf-8")}
        for path in sorted((root / "src").rglob("*.sol"))
    }
    code = ["abi", "metadata", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode"]
    compiler = {
        "evmVersion": "shanghai",
        "optimizer": {"enabled": True, "runs": 200},
        "outputSelection": {"*": {"": ["ast"], "*": code}},
    }
    whole = {"language": "Solidity", "sources": sources, "settings": compiler}
    (tmp_path / "input.json").write_text(json.dumps(whole), encoding="utf-8")
    path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"  # for the compiler's shim
    return tmp_path, {**os.environ, "PATH": path}


def test_analyser_finds_nothing_but_what_is_explained(project):
    directory, environment = project
    shim = CHECKOUT / "tools" / "contracts" / "solc-shim.mjs"
    ran = subprocess.run(
        [
            *(SLITHER, "input.json", "--compile-force-framework", "Solc-json"),
            *("--solc", shim, "--filter-paths", "@openzeppelin", "--json", "found.json"),
        ],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    report = directory / "found.json"
    assert report.is_file(), ran.stdout[-2000:] + ran.stderr[-2000:]
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["success"], found["error"]
    kinds = {one["check"] for one in found["results"]["detectors"]}
    unexplained = [
        one["description"] for one in found["results"]["detectors"] if one["check"] not in EXPLAINED
    ]
    assert unexplained == []
    assert kinds == set(EXPLAINED), "an explanation that nothing needs any more"
