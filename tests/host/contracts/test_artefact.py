"""The committed artefact is that of the sources, and the lock file names no registry."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hub.chain.process import CHECKOUT, find_node
from hub.errors import PartMissing

COMPILE = CHECKOUT / "tools" / "contracts" / "compile.mjs"


def compile_check(checkout: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    script = checkout / COMPILE.relative_to(CHECKOUT)
    return subprocess.run(
        [find_node(), script, "--check"], capture_output=True, text=True, timeout=900
    )


@pytest.fixture(autouse=True)
def compiler():
    try:
        find_node()
    except PartMissing as missing:
        pytest.skip(str(missing))
    if not (CHECKOUT / "node_modules" / "solc").is_dir():
        pytest.skip("solc is not in node_modules; run: npm ci")


def test_abi_and_bytecode_are_those_of_the_sources():
    checked = compile_check()
    assert checked.returncode == 0, checked.stderr


def test_check_says_so_when_a_source_was_changed(tmp_path):
    for part in ("contracts/src", "contracts/abi", "tools/contracts"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", CHECKOUT / part, tmp_path / part], check=True)
    os.symlink(CHECKOUT / "node_modules", tmp_path / "node_modules")
    (tmp_path / "package.json").write_text((CHECKOUT / "package.json").read_text())
    source = tmp_path / "contracts" / "src" / "TradingWindow.sol"
    source.write_text(source.read_text().replace("MAX_PRICE = 1e12", "MAX_PRICE = 1e11"))
    checked = compile_check(tmp_path)
    assert checked.returncode == 1
    assert "is of other sources than contracts/src" in checked.stderr


def test_check_names_the_members_that_differ():
    compiler = (COMPILE.parent / "compiler.mjs").as_uri()
    parts = ['{abi: [1], bytecode: "0x1"}', '{abi: [1], bytecode: "0x2", links: {}}']
    script = (
        f"const {{ differences }} = await import({json.dumps(compiler)});"
        f"console.log(differences({', '.join(parts)}))"
    )
    found = subprocess.run(
        [find_node(), "--input-type=module", "-e", script], capture_output=True, text=True
    )
    assert found.stdout.strip() == "[ 'bytecode', 'links' ]"


def test_lock_file_names_no_host():
    lock = json.loads((CHECKOUT / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all("resolved" not in one for one in packages.values())
    bundled = {name for name, one in packages.items() if one.get("inBundle")}
    assert all("integrity" in one for name, one in packages.items() if name not in bundled)


def test_lock_file_pins_what_the_contract_and_the_chain_were_tested_with():
    packages = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    versions = {name: packages[f"node_modules/{name}"]["version"] for name in PINNED}
    assert versions == PINNED


# Newer OpenZeppelin needs a newer EVM than Ganache has; see contracts/foundry.toml.
PINNED = {"@openzeppelin/contracts": "5.4.0", "ganache": "7.9.2", "solc": "0.8.37"}
