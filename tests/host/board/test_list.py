"""Listing boards: what is plugged in, what it runs, and what is wrong with the rest."""

import json

import pytest
from click.testing import CliRunner
from serial.tools.list_ports_common import ListPortInfo

from tools.board import ports
from tools.board.errors import NoBoard
from tools.board.list_cli import list_command
from tools.board.ports import boot_drive, boot_drives, serial_boards, the_port


def usb(device, vid=0x2E8A, pid=0x0005, serial_number="e66164"):
    found = ListPortInfo(device)
    found.vid, found.pid, found.serial_number = vid, pid, serial_number
    return found


@pytest.fixture
def plugged(monkeypatch):
    """Set what is on USB."""
    monkeypatch.setattr(ports, "boot_drives", lambda: [])

    def plug(*found):
        monkeypatch.setattr(ports.list_ports, "comports", lambda: list(found))

    plug()
    return plug


def run(*words, exit_code=0):
    result = CliRunner().invoke(list_command, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == exit_code
    return json.loads(result.stdout)["boards"]


def test_board_tells_what_it_is_when_asked(bench, provisioned, plugged):
    (found,) = run("--port", bench.path)
    assert (found["kind"], found["node"], found["micropython"]) == ("virtual", "house-1", "1.29.0")
    assert found["firmware"] and found["problem"] is None


def test_board_is_not_interrupted_when_not_asked(plugged):
    plugged(usb("/dev/ttyACM7"))
    (found,) = run("--no-ask")
    assert (found["port"], found["unique_id"], found["kind"]) == ("/dev/ttyACM7", "e66164", None)


def test_problem_is_told_when_a_board_does_not_answer(plugged):
    plugged(usb("/dev/ttyNONE"))
    assert "no such port" in run()[0]["problem"]


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("/dev/ttyNONE", "there is no such port"),
        ("socket://foo", "an address is socket://HOST:PORT"),
        ("socket://127.0.0.1:70000", "an address is socket://HOST:PORT"),
        ("127.0.0.1:2000", "a board at an address is socket://127.0.0.1:2000"),
    ],
)
@pytest.mark.parametrize("manner", [[], ["--no-ask"]])
def test_command_fails_when_a_port_that_was_named_is_wrong(plugged, port, words, manner):
    (found,) = run("--port", port, *manner, exit_code=1)
    assert found["problem"].startswith(f"{port}: {words}")


def test_other_devices_are_left_out(plugged):
    plugged(usb("/dev/ttyACM1", vid=0x1A86), usb("/dev/ttyACM2", pid=0x000A), usb("/dev/ttyACM0"))
    assert [each.port for each in serial_boards()] == ["/dev/ttyACM0"]


def test_only_board_is_taken_when_no_port_is_given(plugged):
    plugged(usb("/dev/ttyACM3"))
    assert the_port(None) == "/dev/ttyACM3"
    assert the_port("socket://127.0.0.1:1") == "socket://127.0.0.1:1"


def test_choice_is_asked_for_when_there_are_several(plugged):
    plugged(usb("/dev/ttyACM3"), usb("/dev/ttyACM4"))
    with pytest.raises(NoBoard, match=r"2 boards .*/dev/ttyACM3, /dev/ttyACM4.*--port"):
        the_port(None)


def test_cable_and_button_are_named_when_there_is_no_board(plugged):
    with pytest.raises(NoBoard, match="BOOTSEL button"):
        the_port(None)


@pytest.mark.parametrize(("label", "chip"), [("RPI-RP2", "rp2040"), ("RP2350", "rp2350")])
def test_boot_drive_tells_its_chip_when_mounted(tmp_path, label, chip):
    drive = tmp_path / "media" / label
    drive.mkdir(parents=True)
    (drive / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nModel: x\nBoard-ID: {label}\n")
    (found,) = boot_drives((f"{tmp_path}/media/*",), tmp_path)
    assert (found.path, found.chip) == (drive, chip)


def test_boot_drive_is_named_when_it_is_not_mounted(tmp_path):
    (tmp_path / "RPI-RP2").touch()
    (found,) = boot_drives((), tmp_path)
    assert (found.path, found.chip) == (None, "rp2040")


def test_other_drives_are_left_alone(tmp_path):
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader\nBoard-ID: SAMD21\n")
    assert boot_drive(tmp_path) is None and boot_drive(tmp_path / "none") is None
