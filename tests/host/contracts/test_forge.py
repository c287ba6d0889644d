"""Runs the contract's own tests (contracts/test) with forge, offline."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from hub.chain.process import CHECKOUT, find_node
from hub.errors import PartMissing

FORGE_PACKAGES = {
    ("Linux", "x86_64"): "forge-linux-amd64",
    ("Darwin", "arm64"): "forge-darwin-arm64",
}


def find_forge() -> Path | None:
    """Return forge from node_modules, or from PATH, or None."""
    package = FORGE_PACKAGES.get((platform.system(), platform.machine()))
    if package is not None:
        installed = CHECKOUT / "node_modules" / "@foundry-rs" / package / "bin" / "forge"
        if installed.is_file():
            return installed
    on_path = shutil.which("forge")
    return None if on_path is None else Path(on_path)


@pytest.fixture(scope="module")
def forge():
    binary = find_forge()
    if binary is None:
        pytest.skip(
            f"no forge for {platform.system()} {platform.machine()}: contract tests not run"
        )
    try:
        node = find_node()
    except PartMissing as missing:
        pytest.skip(str(missing))
    environment = {
        **os.environ,
        "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}",  # for the compiler's shim
        "NO_COLOR": "1",
        "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary, *arguments],
            cwd=CHECKOUT / "contracts",
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )

    return run


def _failures(suites: dict[str, dict]) -> list[str]:
    return [
        f"{suite.split(':')[-1]}.{test}: {outcome['reason']}"
        for suite, results in suites.items()
        for test, outcome in results["test_results"].items()
        if outcome["status"] != "Success"
    ]


def test_contract_tests_all_pass(forge):
    ran = forge("test", "--json")
    try:
        suites = json.loads(ran.stdout)
    except ValueError:
        pytest.fail(f"forge did not run:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    assert _failures(suites) == []
    names = {suite.split(":")[-1] for suite in suites}
    assert {"TakeTest", "SettlementTest", "Invariants"} <= names


def test_contract_sources_are_formatted(forge):
    checked = forge("fmt", "--check")
    assert checked.returncode == 0, checked.stdout
