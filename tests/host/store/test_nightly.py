"""Nightly backups: somebody learns that they fail, and what was cut off does not pile up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from hub import config as configuration
from hub import install_cli, keys
from hub.alarms.book import AlarmBook
from hub.alarms.watch import AlarmWatch, WatchParts
from hub.backup import archive, record, site
from hub.backup.leftovers import sweep
from hub.backup.nightly import back_up_into
from hub.doctor import examine
from hub.doctor.findings import GOOD, WARNING
from hub.errors import BadInput, TruequeError
from hub.install import backups_dir
from hub.install.place import Place

NOW_S = 1_800_000_000


@pytest.fixture
def data(tmp_path):
    directory = tmp_path / "site"
    houses = configuration.bench_houses(1)
    configuration.write(directory, houses)
    keys.create(directory / "keys.json", [house.name for house in houses])
    return directory


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "stick"
    made.mkdir()
    return made


def told(data):
    return [(one.level, one.sentence) for one in examine(data) if one.part == "backups"]


def test_doctor_says_nothing_of_backups_when_none_is_expected(data):
    assert told(data) == []


def test_doctor_says_how_old_the_newest_is_when_backups_are_made(data, folder):
    back_up_into(data, folder, 3)
    assert told(data) == [(GOOD, f"the newest is 0 hours old, in {folder}")]


def test_doctor_says_why_when_the_last_backup_failed(data, folder, monkeypatch):
    back_up_into(data, folder, 3)
    for one in folder.iterdir():  # tonight's would have the same name, of the second
        one.unlink()
    pack = archive._write

    def full(*what):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_write", full)
    with pytest.raises(TruequeError):
        back_up_into(data, folder, 3)
    ((level, sentence),) = told(data)
    assert level == WARNING and "failed" in sentence and "No space left" in sentence
    monkeypatch.setattr(archive, "_write", pack)
    back_up_into(data, folder, 3)
    assert told(data)[0][0] == GOOD


def test_failure_is_written_down_when_the_configuration_is_wrong(data, folder):
    back_up_into(data, folder, 3)
    (data / "site.toml").write_text("[site]\nname = 7\n")
    with pytest.raises(TruequeError):
        back_up_into(data, folder, 3)
    assert "site.name" in record.trouble(data, time.time())


def test_trouble_is_told_when_the_newest_is_older_than_two_nights(data, folder):
    record.begin(data, folder, NOW_S)
    assert record.trouble(data, NOW_S + record.TOO_OLD_S) is None
    assert "no nightly backup for 49 hours" in record.trouble(data, NOW_S + 49 * 3600)
    record.note_good(data, folder, NOW_S + 49 * 3600)
    assert record.trouble(data, NOW_S + 90 * 3600) is None
    assert "for 51 hours" in record.trouble(data, NOW_S + 100 * 3600)
    record.begin(data, folder, NOW_S + 200 * 3600)  # installed again
    assert record.trouble(data, NOW_S + 100 * 3600) is not None
    record.end(data)
    assert record.trouble(data, NOW_S + 100 * 3600) is None


def test_trial_by_hand_is_no_matter_of_the_nightly_ones_when_it_fails(data, folder, tmp_path):
    back_up_into(data, folder, 3)
    with pytest.raises(BadInput, match="is the disk or stick mounted"):
        back_up_into(data, tmp_path / "none", 3)
    assert record.trouble(data, time.time()) is None


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_alarm_stands_until_a_backup_is_made_when_one_failed(store, data, folder):
    parts = WatchParts(
        *(store, data, (), lambda: False, lambda: True),
        *(lambda: 0, lambda: True, lambda: 0, lambda: True),
    )
    watch = AlarmWatch(AlarmBook(store, lambda text: None), parts)
    record.note_failed(data, folder, int(time.time()), "the stick is full")
    watch.look()
    (alarm,) = [one for one in store.raised_alarms() if one.kind == "backup"]
    assert "the stick is full" in alarm.sentence
    record.note_good(data, folder, int(time.time()))
    watch.look()
    assert [one for one in store.raised_alarms() if one.kind == "backup"] == []


def test_record_is_no_part_of_a_backup(data, folder, tmp_path):
    back_up_into(data, folder, 3)
    manifest = site.back_up(configuration.load(data), tmp_path / "a.tar.gz")
    assert record.FILE_NAME not in {entry["path"] for entry in manifest["files"]}


def test_own_disk_is_not_filled_when_the_stick_is_away(data, folder, monkeypatch):
    disk = record._disk
    monkeypatch.setattr(record, "_disk", lambda *where: {"is_own_disk": False})
    back_up_into(data, folder, 3)
    monkeypatch.setattr(record, "_disk", disk)
    for one in folder.iterdir():  # the empty directory that it was mounted on
        one.unlink()
    with pytest.raises(BadInput, match="is the disk or stick mounted"):
        back_up_into(data, folder, 3)
    assert list(folder.iterdir()) == [] and "mounted" in told(data)[0][1]


def test_leftovers_go_when_nobody_writes_them_any_more(data, folder):
    killed = (
        "import sys, time; from pathlib import Path; from hub import config;"
        "from hub.backup import archive, nightly;"
        "archive._write = lambda *what: (print('writes', flush=True), time.sleep(60));"
        "nightly.back_up_into(Path(sys.argv[1]), Path(sys.argv[2]), 3)"
    )
    command = [sys.executable, "-c", killed, str(data), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        left = sorted(path.name for path in folder.iterdir())
        assert len(left) == 2  # the staging directory, and the archive that is not whole
        assert sweep(folder) == []  # it lives
        process.kill()
    mine = [folder / "notes.new", folder / "photo.tar.gz.new", folder / "trueque.tar.gz"]
    for path in mine:
        path.write_text("mine")
    (folder / "trueque-20200101T000000Z.tar.gz").touch()  # a name taken on FAT, and the power cut
    file, _ = back_up_into(data, folder, 3)
    assert sorted(folder.iterdir()) == sorted([file, *mine])


# Installing ----------------------------------------------------------------------------------


def test_install_refuses_a_stick_that_is_not_there(data, tmp_path, monkeypatch):
    absent = Place(data, tmp_path / "trueque", "trueque", tmp_path / "absent")
    with pytest.raises(BadInput, match="is the disk or stick mounted"):
        backups_dir.refuse_absent(absent)
    monkeypatch.setattr(backups_dir, "MOUNTED_AT", (tmp_path / "media",))
    (tmp_path / "media/stick/backups").mkdir(parents=True)
    there = Place(data, tmp_path / "trueque", "trueque", tmp_path / "media/stick/backups")
    with pytest.raises(BadInput, match="no disk or stick is mounted"):
        backups_dir.refuse_absent(there)
    stick = str(tmp_path / "media/stick")
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == stick)
    backups_dir.refuse_absent(there)


@pytest.mark.parametrize(("owner", "is_taken"), [(os.getuid(), True), (os.getuid() + 1, False)])
def test_install_says_how_to_mount_when_the_disk_keeps_no_owners(
    data, folder, monkeypatch, owner, is_taken
):
    def refuse(*what, **how):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    account = SimpleNamespace(pw_uid=owner, pw_gid=0)
    place = Place(data, folder / "trueque", "trueque", folder)
    if is_taken:
        backups_dir.hand_over(place, account)
        assert json.loads((data / record.FILE_NAME).read_text())["folder"] == str(folder)
        return
    with pytest.raises(TruequeError, match="uid=trueque,gid=trueque,umask=077"):
        backups_dir.hand_over(place, account)


def test_no_backup_is_expected_any_more_when_the_service_is_removed(data, folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install_cli, "_remove", lambda *what: None)
    record.begin(data, folder, NOW_S)
    answer = CliRunner().invoke(install_cli.install, ["--data", str(data), "--remove"])
    assert answer.exit_code == 0, answer.output
    assert record.read(data) == {}
