"""Choosing boards: options before the environment, reasons as sentences, no rig for two."""

import os
import subprocess
import sys

import pytest

from tools.rig import Choice, NoRig, choose, emulated_image, locked, real_boards

NODES = ("house-1", "house-2")
RIG = """
host = "192.168.4.1"
wifi_ssid = "lab"
wifi_password = "not-a-secret"
[ports]
house-1 = "socket://127.0.0.1:1"
house-2 = "socket://127.0.0.1:2"
"""


def test_choice_is_virtual_when_nothing_is_said():
    assert choose(environment={}) == Choice("virtual")


def test_option_wins_when_the_environment_says_something_else(tmp_path):
    environment = {"TRUEQUE_BOARD": "real", "TRUEQUE_IMAGE": "other.uf2", "TRUEQUE_RIG": "r.toml"}
    chosen = choose("emulated", tmp_path / "a.uf2", environment=environment)
    assert (chosen.kind, chosen.image) == ("emulated", tmp_path / "a.uf2")
    assert str(chosen.rig_file) == "r.toml"


def test_choice_is_refused_when_the_kind_is_not_known():
    with pytest.raises(NoRig, match="TRUEQUE_BOARD: 'fpga' is not one of virtual, emulated, real"):
        choose(environment={"TRUEQUE_BOARD": "fpga"})


def test_image_is_asked_for_when_none_is_named():
    pytest.importorskip("rp2040py")
    pytest.importorskip("littlefs")
    with pytest.raises(NoRig, match="neither --image nor TRUEQUE_IMAGE"):
        emulated_image(Choice("emulated"))


def test_ports_are_those_of_the_rig_file_when_it_is_whole(tmp_path):
    file = tmp_path / "rig.toml"
    file.write_text(RIG)
    boards = real_boards(Choice("real", rig_file=file), NODES)
    assert boards.ports == {"house-1": "socket://127.0.0.1:1", "house-2": "socket://127.0.0.1:2"}
    assert boards.host == "192.168.4.1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "host must be a text"),
        (RIG.replace("[ports]", "[boards]"), r"\[ports\] is missing"),
        (RIG.replace("house-2", "house-3"), r"ports\.house-2 must name a serial port"),
        (RIG.replace("socket://127.0.0.1:2", "/dev/no-such"), "nothing is at /dev/no-such"),
        ("host = ", "rig.toml: "),
    ],
)
def test_rig_file_is_refused_with_the_reason_when_it_is_wrong(tmp_path, text, said):
    file = tmp_path / "rig.toml"
    file.write_text(text)
    with pytest.raises(NoRig, match=said):
        real_boards(Choice("real", rig_file=file), NODES)


HOLD = "import sys; from tools.rig import locked\nwith locked(sys.argv[1:]): print('held')"


def hold_elsewhere(*names):
    return subprocess.run(
        [sys.executable, "-c", HOLD, *names], capture_output=True, text=True, timeout=60
    )


def test_rig_is_refused_when_another_process_has_a_part_of_it():
    mine, free = f"test-{os.getpid()}-a", f"test-{os.getpid()}-b"
    with locked([mine]):
        refused = hold_elsewhere(free, mine)
        assert refused.stdout == ""
        assert f"{mine} is held by process {os.getpid()}" in refused.stderr
        assert hold_elsewhere(free).stdout == "held\n"
    assert hold_elsewhere(mine).stdout == "held\n"
