"""Backup and restore: all of a site in one private file, and nothing taken that was altered."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import shutil
import sqlite3
import tarfile
import threading
import tomllib
from pathlib import Path

import pytest
import tomli_w
from click.testing import CliRunner

from hub import config as configuration
from hub import keys
from hub.backup import archive
from hub.backup.command import backup, restore
from hub.backup.site import back_up, restored_epoch
from hub.backup.site import restore as restore_site
from hub.backup.steady import NeverSteady, copy_steady
from hub.errors import BadInput, NewerStore, TruequeError
from hub.store import IdentityRow, Store, TransactionRow
from tests.host.hub.conftest import Events
from tests.host.hub.samples import reading
from tests.host.store.test_migrations import old_store


@pytest.fixture
def site(tmp_path):
    """A site with a store, a chain's directory, and files that are none of a backup's."""
    data = tmp_path / "site"
    houses = configuration.bench_houses(2)
    configuration.write(data, houses, site={"name": "orchard"})
    keys.create(data / "keys.json", [house.name for house in houses])
    for name, text in (
        ("tls/authority.key", "secret"),
        ("boards/house-1/settings.json", '{"calibration": {"a": 1}}'),
        ("chain/000003.log", "blocks"),
        ("chain/LOCK", ""),
        ("hub.json", "{}"),
        ("log/hub.log", "said"),
        ("broker/mosquitto.db", "queue"),
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(text)
    store = Store.open(data / "store.db")
    store.bind_identity(IdentityRow(1337, "0xgenesis", "0xcontract", "0xblock"))
    store.store_record("house-1", "reading", reading(7), (5, 5))
    assert store.next_epoch() == 1
    yield configuration.load(data)
    store.close()  # it was open, as a hub's is, all the while


def test_site_is_whole_when_it_was_restored(site, tmp_path):
    manifest = back_up(site, tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []
    new = tmp_path / "new" / "site"
    restore_site(tmp_path / "a.tar.gz", new)
    files = {str(path.relative_to(new)) for path in new.rglob("*") if path.is_file()}
    assert files == {
        *("site.toml", "keys.json", "store.db", "tls/authority.key", "chain/000003.log"),
        "boards/house-1/settings.json",
    }
    assert {entry["path"] for entry in manifest["files"]} == files
    houses = [house.name for house in configuration.load(new).houses]
    assert keys.load(new / "keys.json", houses).accounts.keys() >= {"house-1", "oracle"}
    store = Store.open(new / "store.db")
    assert [row["seq"] for row in store.readings_between(0, 10)] == [7]
    assert store.identity() == IdentityRow(1337, "0xgenesis", "0xcontract", "0xblock")
    store.close()


def test_restored_hub_begins_above_every_epoch_that_the_old_one_reached(site, tmp_path):
    back_up(site, tmp_path / "a.tar.gz")
    epochs = []
    for minutes in (1, 2):  # the same backup taken twice, a minute apart
        new = tmp_path / f"new-{minutes}"
        moment = datetime.datetime(2026, 11, 27, 0, minutes, tzinfo=datetime.UTC)
        restore_site(tmp_path / "a.tar.gz", new, moment.timestamp())
        store = Store.open(new / "store.db")
        epochs.append(store.next_epoch())
        assert store.state("restored")["at_s"] == moment.timestamp()
        store.close()
    assert epochs[0] > 1_000_000 and epochs[1] > epochs[0]
    assert restored_epoch(2**31, 0) == 2**31  # a clock that was never set takes nothing back


def test_backup_is_of_one_moment_when_readings_are_stored_all_the_while(site, tmp_path):
    store = Store.open(site.store_path)
    is_over = threading.Event()

    def write():
        seq = 7
        while not is_over.is_set():
            seq += 1
            store.store_record("house-1", "reading", reading(seq), (seq, seq))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(site, tmp_path / "a.tar.gz")
    finally:
        is_over.set()
        writer.join()
        store.close()
    restore_site(tmp_path / "a.tar.gz", tmp_path / "new")
    copy = Store.open(tmp_path / "new" / "store.db")
    seqs = [row["seq"] for row in copy.readings_between(0, 10**9)]
    assert seqs == list(range(7, 7 + len(seqs)))
    assert copy.store_record("house-1", "reading", reading(seqs[-1]), (9, 9)) == "duplicate"
    copy.close()


def test_restore_refuses_a_directory_that_has_something_in_it(site, tmp_path):
    back_up(site, tmp_path / "a.tar.gz")
    new = tmp_path / "new"
    new.mkdir()
    (new / "mine").write_text("mine")
    with pytest.raises(BadInput, match="not empty.*overwrites nothing"):
        restore_site(tmp_path / "a.tar.gz", new)
    assert [path.name for path in new.iterdir()] == ["mine"]


def test_backup_refuses_a_file_that_is_there(site, tmp_path):
    (tmp_path / "a.tar.gz").write_text("an older backup")
    with pytest.raises(BadInput, match="exists already"):
        back_up(site, tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_text() == "an older backup"


@pytest.fixture(params=["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"])
def fat(request, monkeypatch):
    """A stick without hard links, and without rights of its own."""

    def refuse(*what, **how):
        number = getattr(errno, request.param)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    if request.param == "EPERM":
        monkeypatch.setattr(os, "chmod", refuse)


def test_backup_is_whole_when_the_stick_knows_no_links(fat, site, tmp_path, monkeypatch):
    back_up(site, tmp_path / "a.tar.gz")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir() if "tar" in path.name] == ["a.tar.gz"]
    restore_site(tmp_path / "a.tar.gz", tmp_path / "new")


def test_backup_replaces_nothing_when_the_stick_knows_no_links(fat, site, tmp_path, monkeypatch):
    target, replace = tmp_path / "a.tar.gz", os.replace
    pack = archive._write

    def meanwhile(*what):
        pack(*what)
        target.write_text("of somebody else")

    monkeypatch.setattr(archive, "_write", meanwhile)
    with pytest.raises(BadInput, match="exists already"):
        back_up(site, target)
    assert target.read_text() == "of somebody else"
    target.unlink()

    def fails(source, where):
        if where == target:
            raise OSError(errno.EIO, "Input/output error")
        replace(source, where)

    monkeypatch.setattr(archive, "_write", pack)
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(TruequeError, match="nothing is left of it"):
        back_up(site, target)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def repacked(source: Path, target: Path, change) -> Path:
    """Write an archive anew with `change(name, content) -> (name, content) or None`."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            changed = change(member.name, content.read())
            if changed is not None:
                _put(new, *changed)
    return target


def _put(target: tarfile.TarFile, name: str, content: bytes) -> None:
    import io

    member = tarfile.TarInfo(name)
    member.size = len(content)
    target.addfile(member, io.BytesIO(content))


def _altered(name, content):
    return name, content.replace(b"secret", b"public") if name == "tls/authority.key" else content


def _shortened(name, content):
    return None if name == "keys.json" else (name, content)


def _escaping(name, content):
    if name == "manifest.json":
        return name, content.replace(b"tls/authority.key", b"../../outside.key")
    return name.replace("tls/authority.key", "../../outside.key"), content


def _of_the_future(name, content):
    if name == "manifest.json":
        return name, json.dumps({**json.loads(content), "format": 99}).encode()
    return name, content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_altered, "tls/authority.key.*hash differs"),
        (_shortened, "keys.json.*missing"),
        (_escaping, "damaged"),
        (_of_the_future, "newer Trueque"),
    ],
)
def test_restore_refuses_and_leaves_nothing_when_the_archive_was_changed(
    site, tmp_path, change, said
):
    back_up(site, tmp_path / "a.tar.gz")
    bad = repacked(tmp_path / "a.tar.gz", tmp_path / "bad.tar.gz", change)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(BadInput, match=said):
        restore_site(bad, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("length", [0, 10, 900])
def test_restore_says_so_when_the_archive_is_cut_short(site, tmp_path, length):
    back_up(site, tmp_path / "a.tar.gz")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes((tmp_path / "a.tar.gz").read_bytes()[:length])
    with pytest.raises(BadInput, match="cut.tar.gz"):
        restore_site(cut, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_restore_says_so_when_the_store_is_of_a_newer_program(site, tmp_path):
    facts = json.loads(json.dumps(back_up(site, tmp_path / "a.tar.gz")))
    unpacked = tmp_path / "unpacked"
    archive.unpack(tmp_path / "a.tar.gz", unpacked)
    with sqlite3.connect(unpacked / "store.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    del facts["files"], facts["format"]
    archive.pack(unpacked, tmp_path / "b.tar.gz", facts)
    with pytest.raises(NewerStore, match="update the program"):
        restore_site(tmp_path / "b.tar.gz", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_backup_leaves_the_store_to_its_hub_when_the_program_is_newer_already(tmp_path):
    data = tmp_path / "site"
    houses = configuration.bench_houses(1)
    configuration.write(data, houses)
    keys.create(data / "keys.json", [house.name for house in houses])
    old_store(data / "store.db", 7)
    with contextlib.closing(sqlite3.connect(data / "store.db")) as hub:  # has it open
        before = list(hub.iterdump())
        manifest = back_up(configuration.load(data), tmp_path / "a.tar.gz")
        assert manifest["store"] == {"version": 7, "epoch": 41, "identity": None, "block": 3}
        assert hub.execute("PRAGMA user_version").fetchone() == (7,)
        assert list(hub.iterdump()) == before
    archive.unpack(tmp_path / "a.tar.gz", tmp_path / "unpacked")
    with contextlib.closing(sqlite3.connect(tmp_path / "unpacked" / "store.db")) as copy:
        assert list(copy.iterdump()) == before
    restore_site(tmp_path / "a.tar.gz", tmp_path / "new")
    store = Store.open(tmp_path / "new" / "store.db")
    assert store.version > 7 and [row["seq"] for row in store.readings_between(0, 10)] == [7]
    store.close()


def test_backup_says_so_and_leaves_nothing_when_it_cannot_be_written(site, tmp_path):
    place = tmp_path / "file"
    place.write_text("not a directory")
    with pytest.raises(TruequeError, match="file"):
        back_up(site, place / "a.tar.gz")


def test_backup_makes_no_directory_when_its_disk_is_not_there(site, tmp_path):
    with pytest.raises(BadInput, match="is the disk or stick mounted"):
        back_up(site, tmp_path / "stick" / "a.tar.gz")
    assert not (tmp_path / "stick").exists()


def test_commands_print_what_was_kept(site, tmp_path):
    runner = CliRunner()
    made = runner.invoke(backup, [str(tmp_path / "a.tar.gz"), "--data", str(site.data_dir)])
    assert made.exit_code == 0 and "site orchard" in made.output
    taken = runner.invoke(
        restore, [str(tmp_path / "a.tar.gz"), "--data", str(tmp_path / "new"), "--json"]
    )
    assert taken.exit_code == 0 and json.loads(taken.output)["site"] == "orchard"


# A server's store ---------------------------------------------------------------------------


@pytest.fixture
def served(site, postgres):
    """The same site with its store on a server."""
    path = site.data_dir / "site.toml"
    table = tomllib.loads(path.read_text())
    table["store"]["url"] = postgres.new_url()
    path.write_text(tomli_w.dumps(table))
    for leftover in site.data_dir.glob("store.db*"):
        leftover.unlink()
    config = configuration.load(site.data_dir)
    store = Store.open(config.store_path)
    events = Events(store)
    events.open_market()
    events.offer()
    store.store_record("house-1", "reading", reading(7, quality_flags=3), (5, 5))
    store.keep_transaction(TransactionRow("refund:7", b"\x00\xff", "0xhash", 1, False))
    store.next_epoch()
    yield config
    store.close()


def contents(store):
    return (
        *(store.peers(), store.orders(), store.readings_between(0, 10), store.chain_cursor()),
        *(store.kept_transaction("refund:7"), store.message_counts()),
    )


@pytest.mark.parametrize("goes_to", ["server", "file"])
def test_store_on_a_server_is_whole_when_it_was_restored(served, tmp_path, postgres, goes_to):
    back_up(served, tmp_path / "a.tar.gz")
    url = postgres.new_url() if goes_to == "server" else ""
    restore_site(tmp_path / "a.tar.gz", tmp_path / "new", store_url=url)
    new = configuration.load(tmp_path / "new")
    assert (tmp_path / "new" / "store.db").exists() == (goes_to == "file")
    old, restored = Store.open(served.store_path), Store.open(new.store_path)
    assert contents(restored) == contents(old)
    assert restored.state("epoch") > 1_000_000
    restored.close()
    old.close()


def test_restore_leaves_a_database_that_holds_a_store(served, tmp_path):
    back_up(served, tmp_path / "a.tar.gz")
    with pytest.raises(BadInput, match="holds a store already.*--store"):
        restore_site(tmp_path / "a.tar.gz", tmp_path / "new")
    store = Store.open(served.store_path)
    assert store.state("epoch") == 1
    store.close()
    assert not (tmp_path / "new").exists()


# The chain's directory ------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path):
    directory = tmp_path / "chain"
    directory.mkdir()
    for name in ("CURRENT", "MANIFEST-000001", "000002.ldb", "000003.log"):
        (directory / name).write_text(name)
    return directory


def test_copy_is_taken_again_when_a_table_came_meanwhile(chain, tmp_path, monkeypatch):
    real, copied = shutil.copyfile, []

    def copy(source, target):
        if not copied:  # a compaction during the first try
            (chain / "000004.ldb").write_text("new table")
            (chain / "MANIFEST-000001").write_text("names the new table")
        copied.append(Path(source).name)
        return real(source, target)

    monkeypatch.setattr("hub.backup.steady.shutil.copyfile", copy)
    copy_steady(chain, tmp_path / "copy", pause=lambda: None)
    assert (tmp_path / "copy" / "000004.ldb").read_text() == "new table"
    assert (tmp_path / "copy" / "MANIFEST-000001").read_text() == "names the new table"
    assert copied.count("CURRENT") == 2


def test_copy_is_good_when_only_the_log_grew(chain, tmp_path, monkeypatch):
    real, copied = shutil.copyfile, []

    def copy(source, target):
        with (chain / "000003.log").open("a") as log:
            log.write("more")
        copied.append(Path(source).name)
        return real(source, target)

    monkeypatch.setattr("hub.backup.steady.shutil.copyfile", copy)
    copy_steady(chain, tmp_path / "copy", pause=lambda: None)
    assert len(copied) == 4


def test_copy_gives_up_and_leaves_nothing_when_the_chain_never_rests(chain, tmp_path):
    def busy():
        (chain / "MANIFEST-000001").write_text(str(busy.times))
        busy.times += 1

    busy.times = 0
    real = shutil.copyfile

    def copy(source, target):
        busy()
        return real(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.backup.steady.shutil.copyfile", copy)
        with pytest.raises(NeverSteady, match="try again"):
            copy_steady(chain, tmp_path / "copy", pause=lambda: None)
    assert not (tmp_path / "copy").exists()
