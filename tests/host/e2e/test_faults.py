"""A short fault campaign over the whole loop; the long one is `trueque bench faults`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.e2e


def test_trades_settle_or_are_refunded_when_parts_are_killed_and_frozen(tmp_path):
    argv = [sys.executable, "-m", "tools.bench.faults", "--rounds", "2", "--houses", "2"]
    argv += ["--segments", "1", "--data", str(tmp_path / "site"), "--json"]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=420)
    assert run.returncode == 0, run.stderr[-4000:]
    found = json.loads(run.stdout)
    assert found["is_good"] and found["rounds"] == 2
    assert found["counts"]["trades"] > 0
