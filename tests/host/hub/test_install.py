"""The hub as a service: its files as systemd reads them, its signs of life, its refusals."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub import config, install_cli, keys
from hub.cli import hub as command
from hub.errors import BadInput
from hub.install import notice
from hub.install.backup_units import BACKUP_SERVICE, BACKUP_TIMER
from hub.install.units import SERVICE, Place, hub_unit

WORST_EXPOSURE = 2.0
"""Of systemd-analyze security: 10 is a program without any limit, an unlimited service has 9.6."""


def site(data_dir, **tables):
    houses = config.bench_houses(2)
    keys.create(data_dir / "keys.json", [house.name for house in houses])
    config.write(data_dir, houses, **tables)
    return config.load(data_dir)


def installed(tmp_path, **tables):
    site(tmp_path / "site", **tables)
    root = tmp_path / "root"
    arguments = ["install", "--data", str(tmp_path / "site"), "--root", str(root)]
    answer = CliRunner().invoke(command, arguments)
    assert answer.exit_code == 0, answer.output
    return root


def analyze(*arguments):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("panel", ["page", "gpio"])
def test_unit_is_accepted_and_shut_in_when_systemd_reads_it(tmp_path, panel):
    unit = installed(tmp_path, panel={"kind": panel}) / "etc/systemd/system" / SERVICE
    code, said = analyze("verify", str(unit))
    assert (code, said) == (0, "")
    limit = str(int(WORST_EXPOSURE * 10))
    code, said = analyze("security", "--offline=yes", f"--threshold={limit}", str(unit))
    assert code == 0, said


def test_unit_is_started_again_however_often_it_failed(tmp_path):
    place = Place(Path("/var/lib/trueque"), Path("/opt/trueque/.venv/bin/trueque"), "trueque")
    unit = hub_unit(site(tmp_path), place).splitlines()
    before_service = unit[: unit.index("[Service]")]
    assert "StartLimitIntervalSec=0" in before_service  # systemd.unit(5): no limit
    assert {"Restart=always", "RestartSec=10"} < set(unit)
    assert "RestartPreventExitStatus=2" in unit  # a wrong configuration stays wrong


def test_unit_has_an_hour_to_start_when_its_store_is_large(tmp_path):
    place = Place(Path("/var/lib/trueque"), Path("/opt/trueque/.venv/bin/trueque"), "trueque")
    assert "TimeoutStartSec=3600" in hub_unit(site(tmp_path), place).splitlines()


def test_unit_gets_pins_only_when_the_panel_has_them(tmp_path):
    place = Place(Path("/var/lib/trueque"), Path("/opt/trueque/.venv/bin/trueque"), "trueque")
    plain = hub_unit(site(tmp_path / "a"), place)
    pins = hub_unit(site(tmp_path / "b", panel={"kind": "gpio"}), place)
    assert "PrivateDevices=yes" in plain and "gpiochip" not in plain
    assert "DeviceAllow=char-gpiochip rw" in pins and "PrivateDevices" not in pins


def test_unit_may_bind_low_ports_only_when_the_site_has_one(tmp_path):
    place = Place(Path("/var/lib/trueque"), Path("/opt/trueque/.venv/bin/trueque"), "trueque")
    assert "CapabilityBoundingSet=\n" in hub_unit(site(tmp_path / "a"), place)
    low = hub_unit(site(tmp_path / "b", ntp={"port": 123}), place)
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in low


def test_install_leaves_nothing_when_it_is_removed_again(tmp_path):
    root = installed(tmp_path)
    assert (root / "etc/logrotate.d/trueque").exists()
    arguments = ["install", "--data", str(tmp_path / "site"), "--root", str(root), "--remove"]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_install_writes_nothing_when_it_is_only_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    site(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    answer = CliRunner().invoke(command, ["install", "--data", str(tmp_path), "--dry-run"])
    assert answer.exit_code == 0 and "WatchdogSec=" in answer.output
    assert sorted(tmp_path.rglob("*")) == before


def test_install_asks_for_root_when_it_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    site(tmp_path)
    answer = CliRunner().invoke(command, ["install", "--data", str(tmp_path)])
    assert answer.exit_code != 0 and "sudo" in str(answer.exception)


def test_install_writes_nothing_when_the_machine_has_no_systemd(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install_cli, "BOOTED", tmp_path / "none")
    written = []
    monkeypatch.setattr(install_cli, "_write", lambda *what: written.append(what))
    site(tmp_path)
    answer = CliRunner().invoke(command, ["install", "--data", str(tmp_path)])
    assert "does not run systemd" in str(answer.exception) and not written


def test_install_writes_nothing_when_the_account_could_not_enter_the_checkout(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install_cli, "BOOTED", tmp_path)
    monkeypatch.setattr(install_cli, "_is_open", lambda path, account: path != Path("/"))
    written = []
    monkeypatch.setattr(install_cli, "_write", lambda *what: written.append(what))
    site(tmp_path)
    answer = CliRunner().invoke(command, ["install", "--data", str(tmp_path)])
    assert "can't enter /" in str(answer.exception) and not written


def test_service_manager_hears_signs_of_life_when_it_asked_for_them(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))

        async def live():
            service = notice.ServiceManager()
            task = asyncio.create_task(service.stay_alive())
            heard = [await asyncio.to_thread(manager.recv, 100) for _ in range(3)]
            task.cancel()
            return heard

        assert asyncio.run(live()) == [b"WATCHDOG=1"] * 3


def test_children_cannot_tell_in_the_hubs_name_when_a_service_manager_listens(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    notice.ServiceManager().tell("READY=1")
    assert "NOTIFY_SOCKET" not in os.environ and "WATCHDOG_USEC" not in os.environ


def test_nightly_backup_is_accepted_and_shut_in_when_systemd_reads_it(tmp_path):
    units = installed(tmp_path) / "etc/systemd/system"
    code, said = analyze("verify", str(units / BACKUP_TIMER), str(units / BACKUP_SERVICE))
    assert (code, said) == (0, "")
    limit = str(int(WORST_EXPOSURE * 10))
    code, said = analyze(
        "security", "--offline=yes", f"--threshold={limit}", str(units / BACKUP_SERVICE)
    )
    assert code == 0, said


def test_backups_stay_for_as_many_nights_as_are_kept(tmp_path):
    site(tmp_path / "site")
    folder = tmp_path / "backups"
    folder.mkdir()
    others = [folder / "notes.txt", folder / "trueque-20990101.tar.gz"]
    nights = [folder / f"trueque-2020010{day}T000000Z.tar.gz" for day in range(1, 5)]
    for path in [*others, *nights]:
        path.write_text("kept")
    arguments = ["backup", str(folder), "--keep", "3", "--data", str(tmp_path / "site")]
    answer = CliRunner().invoke(command, arguments)
    assert answer.exit_code == 0, answer.output
    ours = sorted(path.name for path in folder.iterdir() if path not in others)
    assert ours[:2] == ["trueque-20200103T000000Z.tar.gz", "trueque-20200104T000000Z.tar.gz"]
    assert len(ours) == 3 and all(path.exists() for path in others)


def test_backup_is_refused_when_a_directory_is_named_without_a_number(tmp_path):
    site(tmp_path / "site")
    arguments = ["backup", str(tmp_path), "--data", str(tmp_path / "site")]
    answer = CliRunner().invoke(command, arguments)
    assert isinstance(answer.exception, BadInput)
    assert "--keep" in str(answer.exception)
