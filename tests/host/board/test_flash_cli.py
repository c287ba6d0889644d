"""The flash command: what it asks, what it refuses, and what it tells."""

import json

import pytest
from click.testing import CliRunner

from hub.errors import BadInput, TruequeError
from tests.host.board.test_micropython import image
from tools.board import flash_cli
from tools.board.flash_cli import flash_command


def run(*words, **options):
    return CliRunner().invoke(flash_command, list(words), catch_exceptions=False, **options)


@pytest.fixture
def drive(tmp_path):
    """The drive of a board in BOOTSEL mode."""
    directory = tmp_path / "RPI-RP2"
    directory.mkdir()
    (directory / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
    return directory


@pytest.fixture
def uf2(tmp_path):
    path = tmp_path / "micropython.uf2"
    path.write_bytes(image())
    return path


def test_virtual_board_has_the_checkouts_firmware_when_flashed(flash_dir):
    first = json.loads(run("--virtual", str(flash_dir), "--json").stdout)
    assert "node/app.mpy" in first["written"] and (flash_dir / "node" / "app.mpy").exists()
    second = run("--virtual", str(flash_dir))
    assert "the firmware was there already" in second.stdout
    assert "trueque board provision" in second.stdout


def test_nothing_is_copied_when_the_technician_declines(drive, uf2):
    with pytest.raises(TruequeError, match="nothing was changed"):
        run("--drive", str(drive), "--uf2", str(uf2), input="n\n")
    assert [path.name for path in drive.iterdir()] == ["INFO_UF2.TXT"]


def test_micropython_is_copied_and_the_board_flashed_when_agreed(
    drive, uf2, bench, monkeypatch, flash_dir
):
    monkeypatch.setattr(flash_cli.micropython, "wait_for_port", lambda before: bench.path)
    done = run("--drive", str(drive), "--uf2", str(uf2), input="y\n")
    assert (drive / "micropython.uf2").read_bytes() == image()
    assert "SHA-256" in done.stderr and "files written" in done.stdout
    assert (flash_dir / "main.py").exists()


def test_kind_is_asked_for_when_the_drive_does_not_tell(drive):
    with pytest.raises(BadInput, match="--board: say which board"):
        run("--drive", str(drive))


def test_drive_is_refused_when_it_is_another(tmp_path):
    with pytest.raises(BadInput, match="not the drive of a board"):
        run("--drive", str(tmp_path))


def test_image_of_another_chip_is_refused_before_anything_is_asked(drive, tmp_path):
    (tmp_path / "pico2.uf2").write_bytes(image("rp2350"))
    with pytest.raises(BadInput, match="not for an RP2040"):
        run("--drive", str(drive), "--uf2", str(tmp_path / "pico2.uf2"))
