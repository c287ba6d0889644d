"""What a board's own work costs it: told in rows, and nothing of the board's is changed."""

import json
import re

import pytest
from click.testing import CliRunner
from node.registers import NAMES, Registers
from node.slots import Slots

from tools.board.bench_cli import ON_BOARD, bench_command, rows_of
from tools.board.errors import BoardError
from tools.board.linker import elsewhere


def kept(directory):
    """Return the registers in a board's flash, None when none were saved."""
    content = Slots(str(directory / "registers")).load()
    if content is None:
        return None
    registers = Registers()
    registers.restore(content)
    return {name: registers[name] for name in NAMES}


def run(*arguments):
    return CliRunner().invoke(bench_command, list(arguments), catch_exceptions=False)


def test_bench_times_a_boards_work_and_leaves_its_counts(provisioned):
    counted = Registers()
    counted.add("bus_import", 10**9, 10**6)
    Slots(str(provisioned / "registers")).save(counted.to_bytes())
    before = kept(provisioned)
    done = run("--virtual", str(provisioned), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["command"] == "board bench" and told["machine"].startswith("virtual")
    rows = {row["name"]: row for row in told["rows"]}
    assert rows["sampler_block"]["value"] > 0 and rows["save_registers"]["value"] > 0
    assert rows["samples_lost"]["value"] == 0
    assert rows["metering_share"]["baseline"] == 15
    assert kept(provisioned) == before
    assert not (provisioned / "maintenance").exists()


def test_bench_says_what_to_do_when_the_board_has_no_settings(flash_dir):
    with pytest.raises(BoardError, match="trueque board provision"):
        run("--virtual", str(flash_dir))


def test_linker_keeps_what_the_bench_names():
    imported = re.findall(r"^from ((?:node|wire)\S*) import (\w+)", ON_BOARD.read_text(), re.M)
    assert len(imported) >= 5
    for module, name in imported:
        assert module in elsewhere.modules() and f"{module}.{name}" in elsewhere.modules()
        assert name in elsewhere.names()


def test_share_is_of_a_block_of_fifty_milliseconds():
    rows = {row.name: row for row in rows_of({"sampler_block_us": 7_500, "is_compiled": True})}
    assert (rows["metering_share"].value, rows["metering_share"].ratio) == (15.0, 1.0)
    assert (rows["sampler_block"].value, rows["sampler_block"].unit) == (7_500, "us")
