"""A batch into the store: the same as its records one after another."""

from __future__ import annotations

import random

import pytest

from hub.store import Store, Verified
from tests.host.hub.samples import delivery, reading, status

TABLES = ("readings", "node_status", "delivery_reports", "last_seq")


def some_record(rng):
    node, seq = f"house-{rng.randrange(3)}", rng.randrange(1, 12)
    kind, make = rng.choice((("reading", reading), ("status", status), ("delivery", delivery)))
    at_ms = rng.randrange(1_000, 9_000)
    return Verified(node, kind, make(seq), at_ms, at_ms + 5)


def contents(store):
    return {
        table: sorted(map(repr, (dict(row) for row in store._rows(f"SELECT * FROM {table}"))))
        for table in TABLES
    }


@pytest.mark.parametrize("seed", range(20))
def test_batch_leaves_what_its_records_leave_one_after_another(tmp_path, seed):
    rng = random.Random(seed)
    at_once, singly = Store.open(tmp_path / "a.db"), Store.open(tmp_path / "b.db")
    for _ in range(6):
        batch = [some_record(rng) for _ in range(rng.randrange(1, 30))]
        words = at_once.store_batch(batch)
        expected = [
            singly.store_record(
                one.node, one.kind, one.record, (one.received_at_ms, one.site_at_ms)
            )  # fmt: skip
            for one in batch
        ]
        assert words == expected
        assert contents(at_once) == contents(singly)
    at_once.close()
    singly.close()


def test_batch_is_stored_when_it_has_more_nodes_than_one_question_may_name(place):
    store = Store.open(place)
    batch = [Verified(f"house-{n}", "reading", reading(1), 5, 5) for n in range(1_200)]
    assert store.store_batch(batch) == ["new"] * 1_200
    assert store.store_batch(batch) == ["duplicate"] * 1_200
    store.close()
