"""Whatever arrives from the broker: nothing raises, and only genuine, fresh records act."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import codec
from wire.topics import topic

from tests.host.node.rig import KEY_DOWN, KEY_UP, NODE, delivery_id

COMMAND, LEASE = topic(NODE, "command"), topic(NODE, "lease")
FIRST = delivery_id(1)
KEEPS_RIG = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def genuine(rig, kind="lease", **changes):
    record = {"epoch": 1, "seq": 1, "nonce": rig.nonce(), "delivery_id": FIRST}
    if kind == "lease":
        record["counterparty_uwh"] = 0
    record.update(changes)
    return codec.encode(topic(NODE, kind), record, KEY_DOWN)


@KEEPS_RIG
@given(st.sampled_from([COMMAND, LEASE, "", "trueque/1/x/y", "a" * 300]), st.binary(max_size=1200))
def test_bytes_from_the_network_never_raise_and_never_act(rig, where, payload):
    rig.node.commands.receive(where, payload)
    assert rig.delivery.state == "idle"
    assert rig.relay() == "open"


@KEEPS_RIG
@given(st.data())
def test_genuine_payload_is_refused_when_any_byte_is_changed(rig, data):
    payload = bytearray(genuine(rig))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    rig.node.commands.receive(LEASE, bytes(payload))
    assert rig.delivery.state == "idle"


def test_lease_arms_when_genuine(rig):
    rig.node.commands.receive(LEASE, genuine(rig))
    assert rig.delivery.state == "armed"


def test_lease_is_refused_when_moved_to_another_topic(rig):
    rig.node.commands.receive(COMMAND, genuine(rig))
    rig.node.commands.receive(topic("house-2", "lease"), genuine(rig))
    assert rig.delivery.state == "idle"
    assert rig.node.commands.rejected == {"bad_mac": 2}


def test_own_message_is_refused_when_reflected(rig):
    rig.node.publisher.send_status()
    payload = rig.node.outbox.next_unsent().payload
    rig.node.commands.receive(COMMAND, payload)
    rig.node.commands.receive(topic(NODE, "status"), payload)
    assert rig.node.commands.rejected == {"bad_mac": 2}


def test_record_is_refused_when_signed_with_the_other_directions_key(rig):
    record = {"epoch": 1, "seq": 1, "nonce": rig.nonce(), "delivery_id": FIRST}
    record["counterparty_uwh"] = 0
    rig.node.commands.receive(LEASE, codec.encode(LEASE, record, KEY_UP))
    assert rig.delivery.state == "idle"


def test_duplicate_is_ignored_and_older_refused_when_numbers_do_not_grow(rig):
    rig.node.commands.receive(LEASE, genuine(rig, seq=5, counterparty_uwh=50))
    rig.node.commands.receive(LEASE, genuine(rig, seq=5, counterparty_uwh=60))
    rig.node.commands.receive(LEASE, genuine(rig, seq=4, counterparty_uwh=70))
    assert rig.delivery.counterparty_uwh == 50
    assert rig.node.commands.rejected == {"stale_seq": 1}


def test_numbers_start_anew_when_the_epoch_grows_and_the_old_epoch_is_refused(rig):
    rig.node.commands.receive(LEASE, genuine(rig, seq=5))
    rig.node.commands.receive(LEASE, genuine(rig, epoch=2, seq=1, counterparty_uwh=60))
    assert rig.delivery.counterparty_uwh == 60
    rig.node.commands.receive(LEASE, genuine(rig, epoch=1, seq=9, counterparty_uwh=70))
    assert rig.delivery.counterparty_uwh == 60


def test_nonces_are_forgotten_when_ten_seconds_old(rig):
    nonce = rig.nonce()
    rig.ticks.advance_ms(9_999)
    assert rig.node.nonces.end_ms(nonce, rig.node.clock.now_ms()) is not None
    rig.ticks.advance_ms(1)
    assert rig.node.nonces.end_ms(nonce, rig.node.clock.now_ms()) is None
    assert len({rig.nonce() for _ in range(50)}) == 50


def test_refused_messages_are_told_at_each_power_of_two_when_they_flood(rig):
    rig.collect()
    for _ in range(1000):
        rig.node.commands.receive(LEASE, b"x" * 60)
        rig.collect()
    told = rig.records("event", code="message_rejected")
    assert [each["value"] for each in told] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert {each["reason"] for each in told} == {"bad_mac"}


def test_reasons_are_counted_apart_when_messages_are_refused(rig):
    rig.node.commands.receive(LEASE, b"x" * 60)
    rig.node.commands.receive(LEASE, genuine(rig, nonce="ab" * 16))
    rig.collect()
    told = rig.records("event", code="message_rejected")
    assert [(each["reason"], each["value"]) for each in told] == [("bad_mac", 1), ("old_nonce", 1)]
