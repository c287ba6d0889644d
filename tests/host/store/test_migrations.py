"""From every version of the schema there was to today's: what hubs wrote then is kept."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from hub.errors import ForeignStore, NewerStore, StoreError
from hub.store import Store, migrations
from tests.host.hub.samples import reading, snapshot

SCHEMAS = Path(__file__).with_name("schemas")  # as they stood in the history, one a version
EVENTS = (
    ("PeerRegistered", {"peer": "0xhouse-1"}),
    ("PeerApproved", {"peer": "0xhouse-1", "node_id": "house-1", "node_key": "0xboard"}),
    ("Deposited", {"peer": "0xhouse-1", "amount_wei": 70}),
)


def old_store(path: Path, version: int) -> None:
    """Write a store as a hub of that version left it: lasting rows, and the chain's events."""
    columns = tuple(reading(1))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((SCHEMAS / f"{version}.sql").read_text())
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO hub_state VALUES ('epoch', '41')")
        connection.execute("INSERT INTO last_seq VALUES ('house-1', 'reading', 7)")
        names = ", ".join(("node", "received_at_ms", "site_at_ms", *columns))
        values = ("house-1", 5, 5, *reading(7).values())
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO readings ({names}) VALUES ({marks})", values)
        connection.execute("INSERT INTO chain_cursor VALUES (1, 3, '0xb3')")
        for number, (name, args) in enumerate(EVENTS, 1):
            row = (number, 0, f"0xb{number}", f"0xt{number}", name, json.dumps(args), 1_000)
            connection.execute("INSERT INTO chain_events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute(
            "INSERT INTO transactions VALUES ('refund:7', x'abcd', '0xhash', 1000, 0)"
        )
        report = {"delivery_id": "cd", "node": "house-1", "role": "seller", "phase": "final",
                  "received_at_ms": 5, "energy_uwh": 9, "counterparty_uwh": 8, "elapsed_ms": 7,
                  "register_uwh": 6}  # fmt: skip
        connection.execute(
            f"INSERT INTO delivery_reports ({', '.join(report)}) VALUES ({'?, ' * 8}?)",
            tuple(report.values()),
        )
        connection.commit()


def tables(path: Path) -> dict[str, list[tuple]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names
        }


def test_there_is_a_schema_of_every_version_before_this():
    found = {int(path.stem) for path in SCHEMAS.glob("*.sql")}
    assert found == set(range(1, migrations.SCHEMA_VERSION))


@pytest.mark.parametrize("version", range(1, migrations.SCHEMA_VERSION))
def test_store_goes_on_when_it_was_written_by_an_older_version(tmp_path, version):
    path, fresh = tmp_path / "store.db", tmp_path / "fresh.db"
    old_store(path, version)
    Store.open(fresh).close()
    store = Store.open(path)
    assert tables(path) == tables(fresh)
    assert store.next_epoch() == 42
    assert [row["seq"] for row in store.readings_between(0, 10)] == [7]
    assert store.store_record("house-1", "reading", reading(7), (9, 9)) == "duplicate"
    assert store.chain_cursor() == (3, "0xb3")
    (peer,) = store.peers()
    assert (peer.node, peer.node_key, peer.balance_wei) == ("house-1", "0xboard", 70)
    (report,) = store.delivery_reports("cd")
    assert (report.node, report.energy_uwh, report.register_uwh) == ("house-1", 9, 6)
    assert store.kept_transaction("refund:7").raw == bytes.fromhex("abcd")
    assert store.store_record("house-1", "snapshot", snapshot(), (5, 5)) == "new"
    assert store.trades() == []
    store.close()


def test_file_can_shrink_when_it_is_of_an_older_version(tmp_path):
    path = tmp_path / "store.db"
    old_store(path, 5)
    Store.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_store_is_as_it_was_when_a_step_fails(tmp_path, monkeypatch):
    path = tmp_path / "store.db"
    old_store(path, 4)
    before = tables(path)
    monkeypatch.setattr(migrations, "schema", lambda: "CREATE TABLE IF NOT EXISTS")
    with pytest.raises(StoreError, match="store.db"):
        Store.open(path)
    assert tables(path) == before


def test_store_refuses_and_leaves_it_when_it_is_of_a_newer_version(place, monkeypatch):
    Store.open(place).close()
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", migrations.SCHEMA_VERSION - 1)
    with pytest.raises(NewerStore, match="written by a newer Trueque.*update the program"):
        Store.open(place)
    monkeypatch.undo()
    Store.open(place).close()


def test_store_refuses_and_leaves_it_when_the_database_is_another_programs(place):
    if isinstance(place, Path):
        with contextlib.closing(sqlite3.connect(place)) as connection:
            connection.execute("CREATE TABLE songs (title TEXT)")
        with pytest.raises(ForeignStore, match="another program's database.*choose another --data"):
            Store.open(place)
        assert list(tables(place)) == ["songs"]
        return
    import psycopg

    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(ForeignStore, match="another program's tables.*createdb"):
        Store.open(place)


def test_store_says_what_to_do_when_the_file_is_no_database(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"this was a store once" * 100)
    with pytest.raises(StoreError, match="restore a backup"):
        Store.open(path)
