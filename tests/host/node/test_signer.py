"""A board signs each of its finals once, over resets too, and its registers when told."""

import asyncio

import coincurve
from wire import digests

from tests.host.node.rig import NODE, delivery_id

NOW_MS = 1_800_000_000_000
FIRST, SECOND = delivery_id(1), delivery_id(2)


async def at_once():
    """Take a turn on a board that does nothing else."""


def sign(rig):
    """Let the signer do what waits, then be the broker."""
    asyncio.run(rig.node.signer.sign_waiting(at_once))
    rig.collect()


def start_again(rig):
    """Power off and on; a time server answers, so that records can be numbered."""
    rig.boot()
    rig.node.wall_clock.set(NOW_MS)
    rig.node._clock_set(0)


def deliver(rig, name=FIRST):
    """End a delivery that moved a little."""
    rig.lease(name)
    rig.close(name)
    rig.run(100)
    rig.set_bus(12_000_000, 500_000)
    rig.run(1_000)
    rig.command("open", name)
    rig.run(400)


def signer_of(digest, signature):
    """Return the public key (64 bytes) that a signature of 128 hex digits gives."""
    raw = bytes.fromhex(signature)
    parity, high = raw[32] >> 7, bytes([raw[32] & 127])
    recoverable = raw[:32] + high + raw[33:] + bytes([parity])
    found = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    return found.format(compressed=False)[1:]


def is_signed_by_board(rig, record):
    figures = (record["role"], record["energy_uwh"], record["counterparty_uwh"])
    digest = digests.report_digest(record["delivery_id"], *figures)
    return signer_of(digest, record["signature"]) == rig.node.signer.public_key


def test_final_is_signed_with_its_own_figures_when_a_delivery_has_ended(rig):
    deliver(rig)
    (final,) = rig.records("delivery", phase="final")
    assert final["energy_uwh"] > 0 and rig.records("signature") == []
    sign(rig)
    (record,) = rig.records("signature")
    for name in ("delivery_id", "role", "energy_uwh", "counterparty_uwh"):
        assert record[name] == final[name]
    assert is_signed_by_board(rig, record)


def test_final_is_signed_once_when_the_broker_has_the_signature(rig):
    deliver(rig)
    sign(rig)
    rig.node.save()
    start_again(rig)
    sign(rig)
    assert len(rig.records("signature")) == 1


def test_final_and_signature_go_out_again_when_power_went_before_flash_knew_of_the_broker(rig):
    deliver(rig)
    sign(rig)
    start_again(rig)
    sign(rig)
    first, again = rig.records("signature")
    assert first["signature"] == again["signature"]
    assert rig.finals() == [(FIRST, "commanded")] * 2


def test_final_is_signed_after_the_boot_when_power_went_before_its_signature(rig):
    deliver(rig)
    start_again(rig)
    sign(rig)
    (record,) = rig.records("signature")
    assert is_signed_by_board(rig, record)


def test_same_signature_comes_again_when_power_went_before_the_broker_had_it(rig):
    deliver(rig)
    asyncio.run(rig.node.signer.sign_waiting(at_once))
    waiting = [entry.payload for entry in rig.node.outbox._entries if entry.kind == "signature"]
    start_again(rig)
    sign(rig)
    (record,) = rig.records("signature")
    assert record["signature"].encode() in waiting[0]


def test_interrupted_delivery_is_signed_as_rebooted_when_power_was_cut_in_it(rig):
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.run(400)
    start_again(rig)
    sign(rig)
    assert rig.finals() == [(FIRST, "rebooted")]
    (record,) = rig.records("signature")
    assert is_signed_by_board(rig, record)


def test_signature_comes_again_when_the_hub_asks_for_the_final_again(rig):
    deliver(rig)
    sign(rig)
    rig.command("open", FIRST)
    sign(rig)
    first, second = rig.records("signature")
    assert first["signature"] == second["signature"]


def test_each_final_is_signed_when_several_wait(rig):
    deliver(rig, FIRST)
    deliver(rig, SECOND)
    sign(rig)
    assert [one["delivery_id"] for one in rig.records("signature")] == [FIRST, SECOND]


def test_signature_in_the_outbox_is_not_made_again_when_the_broker_is_away(rig):
    deliver(rig)
    for _ in range(2):
        asyncio.run(rig.node.signer.sign_waiting(at_once))
    assert sum(entry.kind == "signature" for entry in rig.node.outbox._entries) == 1


def test_snapshot_is_signed_with_the_registers_when_it_is_taken(rig):
    rig.node.registers.add("bus_import", 3_600_000_000, 5_000_000)
    rig.node.signer.take_snapshot()
    sign(rig)
    (record,) = rig.records("snapshot")
    assert record["bus_import_uwh"] == 5_000_000 and record["battery_import_uwh"] is None
    digest = digests.snapshot_digest(NODE, record)
    assert signer_of(digest, record["signature"]) == rig.node.signer.public_key


def test_final_is_signed_first_when_a_delivery_ends_while_a_snapshot_is_being_signed(rig):
    deliver(rig, FIRST)
    sign(rig)
    sent = len(rig.sent)
    rig.node.signer.take_snapshot()
    turns = 0

    async def end_in_it():
        nonlocal turns
        turns += 1
        if turns == 3:
            deliver(rig, SECOND)
            assert not rig.node.is_free()

    asyncio.run(rig.node.signer.sign_waiting(end_in_it))
    rig.collect()
    kinds = [kind for kind, _ in rig.sent[sent:] if kind in ("signature", "snapshot")]
    assert kinds == ["signature", "snapshot"] and rig.node.is_free()
    (record,) = rig.records("snapshot")
    assert record["bus_import_uwh"] == rig.node.registers["bus_import"]
    digest = digests.snapshot_digest(NODE, record)
    assert signer_of(digest, record["signature"]) == rig.node.signer.public_key


def test_others_wait_on_when_an_older_final_is_asked_for_while_one_is_being_signed(rig):
    deliver(rig, FIRST)
    sign(rig)
    deliver(rig, SECOND)
    free = []

    async def ask():
        rig.node.signer.wake()
        free.append(rig.node.is_free())

    asyncio.run(rig.node.signer.sign_waiting(ask))
    signing = free[: -len(("registers", "reports", "under way"))]  # saved last, all is signed
    assert len(signing) > 3 and not any(signing)


def test_end_of_a_delivery_is_put_in_its_place_when_the_broker_has_the_signature(rig, tmp_path):
    deliver(rig)
    asyncio.run(rig.node.signer.sign_waiting(at_once))
    assert (tmp_path / "underway").exists()
    rig.collect()
    asyncio.run(rig.node.signer.sign_waiting(at_once))
    assert not (tmp_path / "underway").exists()
    start_again(rig)
    sign(rig)
    assert len(rig.records("signature")) == 1 and len(rig.finals()) == 1


def test_nothing_is_put_in_its_place_when_the_next_relay_is_closed(rig, tmp_path):
    deliver(rig, FIRST)
    sign(rig)
    rig.lease(SECOND)
    rig.close(SECOND)
    assert rig.relay() == "in"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    asyncio.run(rig.node.signer.sign_waiting(at_once))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_old_figures_and_updates_wait_when_a_final_is_not_signed(rig):
    deliver(rig)
    node = rig.node
    assert node.delivery.state == "idle" and not node.is_free() and node.offline.is_delivering()
    sign(rig)
    assert node.is_free() and not node.offline.is_delivering()


def test_snapshot_of_changed_registers_is_by_nobody_known(rig):
    rig.node.signer.take_snapshot()
    sign(rig)
    (record,) = rig.records("snapshot")
    digest = digests.snapshot_digest(NODE, dict(record, bus_import_uwh=1))
    assert signer_of(digest, record["signature"]) != rig.node.signer.public_key


def test_nothing_is_signed_until_records_can_be_numbered(rig):
    deliver(rig)
    rig.boot()  # its numbers were never tied to the time, and no time server answers
    sign(rig)
    assert rig.records("signature") == []
    rig.node.wall_clock.set(NOW_MS)
    rig.node._clock_set(0)
    sign(rig)
    assert len(rig.records("signature")) == 1


def test_key_is_the_same_when_the_board_boots_again(rig):
    key = rig.node.signer.public_key
    rig.boot()
    assert rig.node.signer.public_key == key
