"""The board's side of an update: what it takes, refuses, goes on with, tries and gives up."""

import launcher
import pytest
from launcher import Boots
from node.version import RELEASE

from tests.host.node.rig import Rig, delivery_id
from tests.host.updates.board import RP2040, offer, online, reboot, take
from tests.host.updates.samples import STRANGER, made

PACKAGE = made(number=7)
SLOT_A = "firmware-a.trq"


def refusals(rig):
    return [each["reason"] for each in rig.records("event", code="update_refused")]


def test_package_is_on_trial_from_the_next_boot_on_when_all_is_well(rig, tmp_path):
    take(rig, PACKAGE)
    assert rig.machine.resets == 1
    assert (tmp_path / SLOT_A).read_bytes() == PACKAGE
    assert Boots().trial == ["a", 7, 0]
    assert rig.delivery.state == "updating"
    assert rig.relay() == "open"
    assert rig.records("event", code="update_staged")[0]["value"] == 7


def test_registers_are_saved_when_the_board_restarts_into_new_firmware(rig):
    rig.node.registers.add("bus_import", 3_600_000_000, 5_000_000)
    take(rig, PACKAGE)
    rig.boot()
    assert rig.node.registers["bus_import"] == 5_000_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (made(number=7, key=STRANGER), "bad_signature"),
        (made(number=RELEASE), "not_newer"),
        (made(number=7, arch="x64"), "wrong_arch"),
        (made(number=7, mpy="6.2"), "wrong_mpy"),
        (made({"node/program.mpy": b"abc", "../boot.py": b"x"}, number=7), "bad_package"),
        (made({"node/program.mpy": b"abc", "node/../../boot.py": b"x"}, number=7), "bad_package"),
        (made({"node/app.mpy": b"abc"}, number=7), "bad_package"),
    ],
)
def test_package_is_refused_when_it_is_not_for_this_board(rig, tmp_path, content, reason):
    take(rig, content)
    assert refusals(rig) == [reason]
    assert Boots().trial is None
    assert not (tmp_path / SLOT_A).exists()
    assert rig.machine.resets == 0


@pytest.mark.parametrize("place", [0, 7, 30, 90, 220, 240, 400, len(PACKAGE) - 1])
def test_package_is_refused_when_one_byte_is_changed(rig, place):
    content = bytearray(PACKAGE)
    content[place] ^= 1
    members = offer(PACKAGE)

    def tamper(chunk):
        start = chunk["offset"]
        return chunk | {"data": bytes(content[start : start + len(chunk["data"])])}

    take(rig, PACKAGE, tamper=tamper)
    assert refusals(rig)[0] in ("bad_package", "bad_signature", "bad_content")
    assert Boots().trial is None
    assert members["number"] == 7


def test_package_is_refused_when_an_older_one_is_offered_under_a_higher_number(rig):
    """The offer is the hub's word; the signed number counts."""
    rig.node.updates._boots.highest = 50
    take(rig, made(number=7), until=lambda: refusals(rig), number=99)
    assert refusals(rig)[-1] == "not_newer"
    assert Boots().trial is None


def test_package_is_refused_when_it_is_larger_than_offered(rig):
    def tamper(chunk):
        return chunk | {"data": chunk["data"] + b"x"} if len(chunk["data"]) < 576 else chunk

    take(rig, PACKAGE, tamper=tamper)
    assert refusals(rig) == ["too_large"]


def test_package_is_refused_when_the_flash_is_nearly_full(rig, monkeypatch):
    monkeypatch.setattr("node.staging.os.statvfs", lambda path: (4096, 4096, 212, 17, 17))
    take(rig, PACKAGE)
    assert refusals(rig) == ["no_space"]


def test_package_is_refused_when_the_board_has_no_update_key(ticks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rig = Rig(ticks, monkeypatch)
    online(rig)
    take(rig, PACKAGE)
    assert refusals(rig) == ["no_update_key"]


def test_package_is_refused_when_it_failed_three_times(rig):
    for _ in range(3):
        take(rig, PACKAGE)
        boots = Boots()
        boots.roll_back("hub_not_reached")
        reboot(rig)
    take(rig, PACKAGE)
    assert refusals(rig) == ["failed_before"]
    take(rig, made(number=8))
    assert Boots().trial == ["a", 8, 0]


def test_transfer_goes_on_where_it_was_when_the_board_restarts(rig, tmp_path):
    take(rig, PACKAGE, until=lambda: any(f["offset"] >= 5_000 for f in rig.records("fetch")))
    reboot(rig)
    kept = (tmp_path / SLOT_A).stat().st_size
    asked = len(rig.records("fetch"))
    take(rig, PACKAGE)
    assert 5_000 <= kept < len(PACKAGE)
    assert rig.records("fetch")[asked]["offset"] == kept
    assert Boots().trial == ["a", 7, 0]


def test_transfer_begins_anew_when_another_package_is_offered(rig):
    take(rig, PACKAGE, until=lambda: any(f["offset"] >= 5_000 for f in rig.records("fetch")))
    take(rig, made(number=8))
    assert Boots().trial == ["a", 8, 0]


def test_transfer_waits_when_a_delivery_is_near(rig):
    rig.lease(delivery_id(1))
    asked = len(rig.records("fetch"))
    looks = iter(range(40))
    take(rig, PACKAGE, until=lambda: next(looks, None) is None)
    assert len(rig.records("fetch")) == asked


def test_old_messages_do_nothing_when_they_are_replayed(rig):
    nonce = rig.nonce()
    rig.ticks.advance_ms(10_001)
    rig._send("update", {"what": "offer", "offset": None, "data": None, **offer(PACKAGE)}, nonce)
    assert rig.node.commands.rejected == {"old_nonce": 1}
    rig.run(1000)
    assert not rig.records("fetch")


def on_trial(rig):
    """Bring release RELEASE's own number on trial, as if this firmware were new."""
    boots = Boots()
    boots.begin_trial("a", RELEASE)
    boots.next_slot()
    reboot(rig)
    rig.node.announce()
    rig.run(1000)


def test_relays_stay_open_when_firmware_is_on_trial(rig):
    on_trial(rig)
    rig.lease(delivery_id(1))
    rig.close(delivery_id(1))
    rig.run(500)
    assert rig.relay() == "open"
    assert rig.records("event", code="command_refused")[-1]["reason"] == "updating"
    assert rig.node.status()["state"] == "trial"


def test_firmware_stays_and_delivers_when_the_hub_confirms_it(rig):
    on_trial(rig)
    rig.update("confirm")
    assert (Boots().active, Boots().highest, Boots().trial) == ("a", RELEASE, None)
    assert rig.records("event", code="update_confirmed")
    rig.lease(delivery_id(1))
    rig.close(delivery_id(1))
    assert rig.relay() == "in"


def test_confirmation_does_nothing_when_its_nonce_is_old(rig):
    on_trial(rig)
    nonce = rig.nonce()
    rig.ticks.advance_ms(10_001)
    names = ("package_id", "number", "size", "offset", "data")
    rig._send("update", {"what": "confirm", **dict.fromkeys(names)}, nonce)
    assert Boots().trial is not None


def test_hub_is_told_once_when_firmware_was_rolled_back(rig):
    boots = Boots()
    boots.begin_trial("a", 7)
    boots.roll_back("did_not_start")
    for _ in range(2):
        reboot(rig)
        rig.node.announce()
        rig.collect()
    told = rig.records("event", code="update_rolled_back")
    assert [(each["value"], each["reason"]) for each in told] == [(7, "did_not_start")]


def test_slot_that_runs_is_never_written_when_the_next_release_comes(rig, tmp_path):
    take(rig, PACKAGE)
    boots = Boots()
    boots.next_slot()
    boots.confirm()
    reboot(rig)
    take(rig, made(number=8))
    assert (tmp_path / SLOT_A).read_bytes() == PACKAGE
    assert Boots().trial == ["b", 8, 0]
    assert launcher.SLOTS == ("a", "b")


def test_board_of_this_test_is_an_rp2040(rig):
    assert rig.node.updates.whole._board.mpy == RP2040
