"""An update that meets a delivery: nothing is written to flash until that is over."""

import asyncio
import base64

import pytest
from node.staging import Staging
from node.version import RELEASE
from wire.package import PackageError
from wire.units import CHUNK_BYTES

from tests.host.node.deliveries import FIRST, deliver, run_leased
from tests.host.updates.board import look_on, offer, online, take
from tests.host.updates.samples import made

PACKAGE = made(number=7)
SLOT_A = "firmware-a.trq"


def chunk(rig, offset):
    part = base64.b64encode(PACKAGE[offset : offset + CHUNK_BYTES]).decode()
    rig.update("chunk", package_id=offer(PACKAGE)["package_id"], offset=offset, data=part)


def part_way(rig):
    """Bring a transfer to some chunks; return the offset that it goes on from."""
    take(rig, PACKAGE, until=lambda: any(f["offset"] >= 5_000 for f in rig.records("fetch")))
    return rig.node.updates.whole._staging.received


def end_delivery(rig):
    rig.command("open", FIRST)
    rig.run(300)
    assert rig.delivery.state == "idle"
    online(rig)
    asyncio.run(rig.node.signer.sign_waiting(at_once))


async def at_once():
    """Take a turn on a board that does nothing else."""


@pytest.fixture
def unwritten(tmp_path):
    """Tell whether the slot is as it was at the call before."""
    slot = tmp_path / SLOT_A

    def look():
        return (slot.stat().st_mtime_ns, slot.stat().st_size) if slot.exists() else None

    seen = look()

    def is_unwritten():
        nonlocal seen
        before, seen = seen, look()
        return before == seen

    return is_unwritten


@pytest.mark.parametrize("begin", [lambda rig: rig.lease(FIRST), deliver], ids=["armed", "closed"])
def test_offer_is_kept_and_taken_afterwards_when_it_meets_a_delivery(rig, tmp_path, begin):
    slot = tmp_path / SLOT_A
    slot.write_bytes(b"an older package")
    begin(rig)
    rig.update("offer", **offer(PACKAGE))
    look_on(rig)
    assert slot.read_bytes() == b"an older package"
    assert not rig.records("fetch")
    end_delivery(rig)
    look_on(rig)
    assert slot.stat().st_size == 0
    assert rig.records("fetch")[-1]["offset"] == 0


def test_refusal_waits_when_an_offer_meets_a_delivery(rig):
    deliver(rig)
    rig.update("offer", **offer(made(number=RELEASE)))
    look_on(rig)
    assert not rig.records("event", code="update_refused")
    end_delivery(rig)
    look_on(rig)
    assert [each["reason"] for each in rig.records("event", code="update_refused")] == ["not_newer"]


def test_chunk_is_dropped_and_asked_for_again_when_it_meets_a_delivery(rig, unwritten):
    offset = part_way(rig)
    deliver(rig)
    run_leased(rig, 200)
    unwritten()
    chunk(rig, offset)
    look_on(rig)
    assert rig.relay() == "in"
    assert unwritten()
    assert rig.node.updates.whole._staging.received == offset
    end_delivery(rig)
    rig.run(5_000)
    look_on(rig)
    assert rig.records("fetch")[-1]["offset"] == offset


def test_package_is_whole_when_a_delivery_came_between_its_chunks(rig, tmp_path):
    offset = part_way(rig)
    deliver(rig)
    chunk(rig, offset)
    end_delivery(rig)
    take(rig, PACKAGE)
    assert (tmp_path / SLOT_A).read_bytes() == PACKAGE
    assert rig.machine.resets == 1


def test_cancel_waits_when_it_meets_a_delivery(rig):
    part_way(rig)
    whole = rig.node.updates.whole
    deliver(rig)
    rig.update("cancel", package_id=offer(PACKAGE)["package_id"])
    look_on(rig)
    assert not whole._staging._file.closed
    end_delivery(rig)
    look_on(rig)
    assert whole._staging is None


def test_offer_is_forgotten_when_it_is_cancelled_within_the_delivery(rig, tmp_path):
    deliver(rig)
    rig.update("offer", **offer(PACKAGE))
    rig.update("cancel", package_id=offer(PACKAGE)["package_id"])
    end_delivery(rig)
    look_on(rig)
    assert not (tmp_path / SLOT_A).exists()


def test_refused_package_is_removed_afterwards_when_a_delivery_begins_meanwhile(
    rig, tmp_path, monkeypatch
):
    async def check_signature(staging, key, turns):
        deliver(rig)
        raise PackageError("bad_signature")

    monkeypatch.setattr("node.staging.Staging.check_signature", check_signature)
    take(rig, PACKAGE, until=lambda: rig.relay() == "in")
    look_on(rig)
    assert (tmp_path / SLOT_A).exists()
    end_delivery(rig)
    look_on(rig)
    assert not (tmp_path / SLOT_A).exists()
    (refused,) = rig.records("event", code="update_refused")
    assert refused["reason"] == "bad_signature"


def test_board_does_not_restart_when_a_cancel_comes_while_the_content_is_checked(rig, monkeypatch):
    async def check_content(staging, manifest, turns):
        rig.update("cancel", package_id=offer(PACKAGE)["package_id"])

    monkeypatch.setattr("node.staging.Staging.check_content", check_content)
    whole = rig.node.updates.whole
    take(rig, PACKAGE, until=lambda: whole._staging is None and rig.records("fetch"))
    assert rig.machine.resets == 0


def test_package_is_taken_when_it_is_offered_again_during_each_check_of_its_content(
    rig, monkeypatch
):
    check = Staging.check_content
    checks = []

    async def check_content(staging, manifest, turns):
        checks.append(manifest.number)
        rig.update("offer", **offer(PACKAGE))
        await check(staging, manifest, turns)

    monkeypatch.setattr("node.staging.Staging.check_content", check_content)
    take(rig, PACKAGE, until=lambda: len(checks) > 3)
    assert (rig.machine.resets, len(checks)) == (1, 1)
