"""An erased emulated Pico W on its serial port gets the firmware by the technician's commands."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from node.version import FIRMWARE

from tools.board.firmware_files import compiled_files
from tools.board.flash_cli import flash_command
from tools.board.list_cli import list_command
from tools.board.prompt import Prompt


@pytest.fixture
def port(image):
    """The address of a board with MicroPython and nothing else."""
    words = ["-m", "tools.emulation.port", "--image", str(image)]
    with subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def answer(command, port, exit_code=0):
    result = CliRunner().invoke(command, ["--port", port, "--json"], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_board_has_the_firmware_when_flashed_over_its_serial_port(port):
    files = compiled_files()
    (erased,) = answer(list_command, port)["boards"]
    assert (erased["kind"], erased["firmware"], erased["node"]) == ("Pico W", None, None)
    flashed = answer(flash_command, port)
    assert set(flashed["written"]) == set(files)
    with Prompt(port) as prompt:
        (busy,) = answer(list_command, port, exit_code=1)["boards"]
        assert "another program holds this port" in busy["problem"]
        assert {name: prompt.read(name) for name in ("main.py", "boot.py")} == {
            name: files[name] for name in ("main.py", "boot.py")
        }
    assert answer(flash_command, port)["written"] == []
    (ready,) = answer(list_command, port)["boards"]
    assert ready["firmware"] == FIRMWARE
