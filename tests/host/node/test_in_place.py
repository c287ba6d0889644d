"""Where the firmware's files lie in flash, and the bytecode of their functions in them."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.board.firmware_files import compile_module

HERE = Path(__file__).parent
FIRMWARE = Path(__file__).parents[3] / "firmware" / "pico"
SIZES = [100, 600, 4096, 4097, 9_000, 40_000]
MODULE = "node/delivery.py"


@pytest.fixture(scope="module")
def told():
    """What on_board_whereabouts.py printed: one value a line."""
    source = (FIRMWARE / MODULE).read_bytes()
    case = {"sizes": SIZES, "module": list(compile_module(source, MODULE))}
    environment = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:.frozen")
    argv = [sys.executable, "-m", "micropython_unix", str(HERE / "on_board_whereabouts.py")]
    done = subprocess.run(
        argv, input=json.dumps(case).encode(), capture_output=True, env=environment, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_byte_of_a_file_is_found_when_it_has_blocks_of_its_own(told):
    found = dict(zip(sorted(f"f{size}" for size in SIZES), told[0], strict=True))
    assert found == {f"f{size}": size for size in SIZES} | {"f100": 0}


def test_what_is_found_is_the_files_when_copies_of_it_are_nobodys(told):
    assert told[1] is True


def test_file_system_is_never_written_when_files_are_looked_for(told):
    assert told[2] is True


def test_functions_of_a_module_are_those_of_its_source(told):
    def count(function):
        return 1 + sum(count(each) for each in function[1])

    tree = ast.parse((FIRMWARE / MODULE).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp)
    assert count(told[3]) == 1 + sum(isinstance(node, kinds) for node in ast.walk(tree))
    assert all(size > 0 for size, _ in told[3][1])
