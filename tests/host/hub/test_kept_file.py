"""Secrets and settings are whole after a power cut: file and name are synced, in that order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub import board_keys, certificates, config, credentials, keys
from hub.kept_file import write_whole
from tests.host.hub.test_board_keys import KEY


@pytest.fixture
def history(monkeypatch):
    """What was synced, with its size, and what was renamed, in order."""
    seen = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        seen.append(("synced", path.name, None if path.is_dir() else path.stat().st_size))
        fsync(descriptor)

    def renamed(source, target):
        seen.append(("renamed", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return seen


def make_keys(directory):
    keys.create(directory / "keys.json", ["house-1"])


def change_keys(directory):
    make_keys(directory)
    credentials.rotate(directory / "keys.json", "house-1")


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (make_keys, "keys.json"),
        (change_keys, "keys.json"),
        (lambda directory: board_keys.remember(directory, {"house-1": KEY}), "board_keys.json"),
        (lambda directory: config.write(directory, config.bench_houses(1)), "site.toml"),
        (lambda directory: certificates.ensure(directory, ["127.0.0.1"]), "authority.key"),
    ],
)
def test_file_is_whole_on_the_disk_before_it_has_its_name(tmp_path, history, write, name):
    write(tmp_path)
    renames = [number for number, one in enumerate(history) if one == ("renamed", name)]
    assert renames
    for number in renames:
        before, after = history[number - 1], history[number + 1]
        assert before[:2] == ("synced", f"{name}.new") and before[2] > 0
        assert after == ("synced", tmp_path.name, None)


def test_file_stays_as_it_was_when_it_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    write_whole(path, "before")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "after")
    assert path.read_text() == "before" and path.stat().st_mode & 0o777 == 0o600
