"""What is metered while the hub is away: aggregates in flash, bounded, in order, once."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.aggregate import KEPT_BYTES, NUMBERS, Aggregator, from_bytes, to_bytes
from node.backlog import PER_SEGMENT, Backlog
from wire import codec, records
from wire.digests import REGISTERS
from wire.records import MEANS
from wire.topics import topic

from tests.host.node.rig import KEY_UP, NODE

RECORD = b"12345678"


def kept(tmp_path, most_segments=4):
    return Backlog(str(tmp_path / "kept"), len(RECORD), most_segments)


def numbered(number):
    return b"%08d" % number


def drain(backlog):
    found = []
    while (oldest := backlog.oldest()) is not None:
        found.append(int(oldest[1]))
        backlog.remove(oldest[0])
    return found


@pytest.mark.parametrize("count", [0, 1, PER_SEGMENT, PER_SEGMENT + 1, 3 * PER_SEGMENT])
def test_records_come_out_once_and_in_order_and_leave_no_file(tmp_path, count):
    backlog = kept(tmp_path)
    for number in range(count):
        backlog.append(numbered(number))
    assert len(backlog) == count
    assert drain(backlog) == list(range(count))
    assert list(tmp_path.iterdir()) == [] and len(backlog) == 0


def test_records_wait_over_a_reboot(tmp_path):
    backlog = kept(tmp_path)
    for number in range(20):
        backlog.append(numbered(number))
    after = kept(tmp_path)
    after.append(numbered(20))
    assert len(after) == 21
    assert drain(after) == list(range(21))


def test_records_of_a_segment_under_way_come_again_after_a_reboot(tmp_path):
    backlog = kept(tmp_path)
    for number in range(20):
        backlog.append(numbered(number))
    for _ in range(3):
        backlog.remove(backlog.oldest()[0])
    assert drain(kept(tmp_path)) == list(range(20))  # the hub knows the first three


def test_oldest_give_way_when_there_are_too_many(tmp_path):
    backlog = kept(tmp_path, most_segments=2)
    for number in range(100):
        backlog.append(numbered(number))
        assert len(backlog) <= 2 * PER_SEGMENT
    assert drain(backlog) == list(range(80, 100))
    assert backlog.dropped == 80


def test_record_that_gave_way_is_not_removed_in_anothers_place(tmp_path):
    backlog = kept(tmp_path, most_segments=1)
    backlog.append(numbered(0))
    where, _ = backlog.oldest()
    for number in range(1, PER_SEGMENT + 1):
        backlog.append(numbered(number))
    backlog.remove(where)
    assert drain(backlog) == [PER_SEGMENT]


@pytest.mark.parametrize("size", range(12))
def test_torn_record_is_none_and_the_next_ones_follow(tmp_path, size):
    backlog = kept(tmp_path)
    for number in range(3):
        backlog.append(numbered(number))
    segment = next(tmp_path.iterdir())
    segment.write_bytes(segment.read_bytes()[: 2 * 12 + size])
    after = kept(tmp_path)
    after.append(numbered(7))
    assert drain(after) == [0, 1, 7]


def test_damaged_record_does_not_hide_the_ones_behind_it(tmp_path):
    backlog = kept(tmp_path)
    for number in range(4):
        backlog.append(numbered(number))
    segment = next(tmp_path.iterdir())
    content = bytearray(segment.read_bytes())
    content[13] ^= 1
    segment.write_bytes(bytes(content))
    assert drain(kept(tmp_path)) == [0, 2, 3]


def test_append_goes_on_in_a_new_segment_after_the_flash_refused_one(tmp_path, monkeypatch):
    backlog = kept(tmp_path)
    backlog.append(numbered(0))

    class Full:
        def __init__(self, path, mode):
            self._file = real(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def write(self, content):
            self._file.write(content[:5])
            raise OSError(28)

    real = open
    monkeypatch.setattr("node.backlog.open", Full, raising=False)
    with pytest.raises(OSError):
        backlog.append(numbered(1))
    monkeypatch.undo()
    backlog.append(numbered(2))
    assert drain(backlog) == [0, 2]


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "kept.new").write_bytes(b"x")
    (tmp_path / "other.1").write_bytes(b"x")
    backlog = kept(tmp_path)
    backlog.append(numbered(0))
    drain(backlog)
    assert sorted(os.listdir(tmp_path)) == ["kept.new", "other.1"]


values = {
    name: st.none() | st.integers(0, 10**15 if name in REGISTERS else 10**9) for name in NUMBERS
}
AGGREGATE = st.fixed_dictionaries(
    {
        "boot_id": st.integers(0, 2**32 - 1),
        "seq": st.integers(1, 2**53 - 1),
        "t_ms": st.none() | st.integers(1, 2**53 - 1),
        "uptime_ms": st.integers(0, 2**53 - 1),
        "duration_ms": st.integers(1, 86_400_000),
        "quality_flags": st.integers(0, 127),
        **values,
    }
)


@given(AGGREGATE)
def test_aggregate_is_the_same_after_flash_and_the_wire(record):
    content = to_bytes(record)
    assert len(content) == KEPT_BYTES
    assert from_bytes(content) == record
    path = topic(NODE, "aggregate")
    assert codec.decode(path, codec.encode(path, record, KEY_UP), KEY_UP) == (record, "")


def reading(**changes):
    blank = dict.fromkeys(member.name for member in records.SCHEMAS["reading"])
    return {**blank, "quality_flags": 0, **changes}


def test_aggregate_has_the_last_registers_the_means_and_all_flags():
    aggregator = Aggregator(60_000)
    for second, power_uw in enumerate((-5, -10, -12)):
        aggregator.add(
            reading(bus_power_uw=power_uw, bus_export_uwh=second, quality_flags=1 << second),
            second * 1_000,
        )
    ended = aggregator.end(3_000)
    assert (ended["uptime_ms"], ended["duration_ms"]) == (3_000, 3_000)
    assert (ended["bus_power_uw"], ended["bus_export_uwh"]) == (-9, 2)
    assert ended["quality_flags"] == 0b111
    assert all(ended[name] is None for name in MEANS if name != "bus_power_uw")
    assert aggregator.end(4_000) is None


def test_node_keeps_an_aggregate_each_period_and_sends_them_after_the_live(rig):
    node = rig.node
    rig.collect()
    for _ in range(2 * 900 + 60):
        rig.ticks.advance_ms(1_000)
        node.send_reading()
    assert len(node.offline) == 2
    node.wall_clock.set(1_800_000_000_000)
    node.link.is_up = True
    node._connected()
    assert len(node.offline) == 3  # the 60 s begun: longer than the readings that wait
    assert node.link._next()[0] is node.outbox
    rig.collect()
    found = []
    while (entry := node.offline.next_unsent()) is not None:
        assert node.link._next()[0] is node.offline
        node.offline.sending(entry)
        assert node.offline.next_unsent() is None  # one at a time
        found.append(codec.decode(topic(NODE, "aggregate"), entry.payload, KEY_UP)[0])
        node.offline.sent(entry)
    assert [one["seq"] for one in found] == [1, 2, 3]
    assert [one["duration_ms"] for one in found] == [900_000, 900_000, 59_000]
    # The clock was set at the end: what was made before has its time from it.
    assert [one["t_ms"] for one in found] == [
        1_800_000_000_000 - age_ms for age_ms in (959_000, 59_000, 0)
    ]


def test_node_makes_no_aggregate_of_what_the_outbox_still_has(rig):
    node = rig.node
    for _ in range(5):
        rig.ticks.advance_ms(1_000)
        node.send_reading()
    node._connected()
    assert len(node.offline) == 0


def test_aggregate_goes_again_when_the_connection_broke(rig):
    node = rig.node
    for _ in range(61):
        rig.ticks.advance_ms(1_000)
        node.send_reading()
    node._connected()
    entry = node.offline.next_unsent()
    node.offline.sending(entry)
    node.offline.connection_lost()
    again = node.offline.next_unsent()
    assert again.payload == entry.payload
    node.offline.sending(again)
    node.offline.sent(entry)  # a late word about the first is not about this one
    assert len(node.offline) == 1
    node.offline.sent(again)
    assert len(node.offline) == 0
