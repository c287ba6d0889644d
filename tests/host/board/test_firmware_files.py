"""What a board gets: everything the firmware has, compiled where MicroPython allows it."""

import pytest

from tools.board.firmware_files import (
    FIRMWARE_DIR,
    CompileError,
    compile_module,
    compiled_files,
    source_files,
)

MPY_VERSION = 6  # of MicroPython 1.19 to today
ARMV6M = 4  # in the second byte of a header that says machine code is inside


def test_compiled_files_are_fewer_than_the_sources_when_they_are_linked():
    compiled = compiled_files()
    assert {name.replace(".mpy", ".py") for name in compiled} < set(source_files())
    for asked in ("launcher", "node/program", "node/app", "node/selftest", "node/version"):
        assert f"{asked}.mpy" in compiled
    assert [name for name in compiled if name.endswith(".py")] == ["boot.py", "main.py"]
    for name, content in compiled.items():
        if name.endswith(".mpy"):
            assert content[:2] == bytes([ord("M"), MPY_VERSION])


def test_main_is_left_as_source_when_the_rest_is_compiled():
    assert compiled_files()["main.py"] == (FIRMWARE_DIR / "main.py").read_bytes()


def test_compiled_module_holds_machine_code_when_it_has_viper_functions():
    architecture = compiled_files()["node/blocks_viper.mpy"][2] >> 2
    assert architecture == ARMV6M


def test_compilation_gives_the_same_bytes_when_repeated():
    assert compiled_files() == compiled_files()


def test_compilation_names_file_and_line_when_a_module_is_not_python():
    with pytest.raises(CompileError, match=r"node/wrong\.py(?s:.*)line 2"):
        compile_module(b"x = 1\ndef (:\n", "node/wrong.py")
