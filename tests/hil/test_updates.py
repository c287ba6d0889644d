"""Firmware over the air on boards that run: taken, refused, rolled back, whatever power does."""

import base64
import random

import pytest

from hub.updates import rollout as rollouts
from tests.hil import updating
from tests.hil.updating import STRANGER, arch_of, release

pytestmark = pytest.mark.usefixtures("at_rest")

NODE = "house-1"
UPDATE_S = 90
OFFER_AGAIN_MS = 2_000  # to a board that was cut off
LOST_SHARE = 0.02  # the board asks again after 5 s
DOUBLED_SHARE = 0.05
CUTS = 5
BROKEN_START = 'raise RuntimeError("this firmware does not start")\n'
HANGING = "def main(boots):\n    while True:\n        pass\n"


@pytest.fixture
def updates(rig, tmp_path):
    with updating.updating(rig, tmp_path) as found:
        yield found


@pytest.fixture(scope="package")
def arch(choice):
    return arch_of(choice.kind)


def end(rig, updates, rollout, timeout_s=UPDATE_S):
    """Wait until a rollout has ended and return (state, reason)."""
    ended = ("done", "failed", "stopped")
    rig.wait_for(
        lambda: updates.row(NODE, rollout).state in ended, timeout_s, "the end of the update"
    )
    row = updates.row(NODE, rollout)
    return row.state, row.reason


def events(rig, *codes):
    return [each for each in rig.hub.all(NODE, "event") if each["code"] in codes]


def test_new_firmware_runs_and_registers_stay_when_it_is_signed(rig, updates, arch, tmp_path):
    package = release(tmp_path, arch)
    version = updating.row_of(package).version
    before = rig.hub.last(NODE, "reading")["pv_export_uwh"]
    edges = len(rig.report()["relay_edges"])
    assert end(rig, updates, updates.begin(package, NODE)) == ("done", None)
    rig.wait_for(lambda: rig.hub.last(NODE, "status")["firmware"] == version, 10, "the new version")
    rig.wait_for(lambda: rig.hub.last(NODE, "status")["state"] == "idle", 10, "idle again")
    rig.wait_for(lambda: rig.hub.last(NODE, "reading")["pv_export_uwh"] >= before, 20, "readings")
    states = [each["state"] for each in rig.hub.all(NODE, "status")]
    assert "updating" in states and "trial" in states
    assert len(rig.report()["relay_edges"]) == edges


def test_older_firmware_is_refused_when_it_is_signed(rig, updates, arch, tmp_path):
    rollout = updates.begin(release(tmp_path, arch, number=1), NODE)
    assert end(rig, updates, rollout) == ("failed", "not_newer")


def test_firmware_is_refused_when_a_stranger_signed_it(rig, updates, arch, tmp_path):
    rollout = updates.begin(release(tmp_path, arch, key=STRANGER), NODE)
    assert end(rig, updates, rollout) == ("failed", "bad_signature")
    # Not more of it than one window beyond the manifest was ever taken.
    assert updates.row(NODE, rollout).sent_bytes < 10_000


def test_firmware_is_refused_when_it_is_for_another_processor(rig, updates, choice, tmp_path):
    other = "armv7m" if choice.kind == "virtual" else "x64"
    rollout = updates.begin(release(tmp_path, other), NODE)
    assert end(rig, updates, rollout) == ("failed", "wrong_arch")


def test_firmware_is_refused_when_a_chunk_was_changed_on_the_way(rig, updates, arch, tmp_path):
    package = release(tmp_path, arch)

    def tamper(what, members):
        if what != "chunk" or not 40_000 < members["offset"] < 41_000:
            return members
        data = bytearray(base64.b64decode(members["data"]))
        data[7] ^= 1
        return members | {"data": base64.b64encode(data).decode()}

    updates.tamper = tamper
    rollout = updates.begin(package, NODE)
    assert end(rig, updates, rollout) == ("failed", "bad_content")
    updates.tamper = lambda what, members: members
    assert end(rig, updates, updates.begin(package, NODE)) == ("done", None)


def test_update_comes_through_when_messages_are_lost_and_doubled(rig, updates, arch, tmp_path):
    chance = random.Random(5)
    happened = set()

    def tamper(what, members):
        draw = chance.random() if what == "chunk" else 1
        if draw < LOST_SHARE:
            happened.add("lost")
            return None
        if draw > 1 - DOUBLED_SHARE and what == "chunk":
            happened.add("doubled")
            rig.hub.update(NODE, {"what": what, **members})
        return members

    updates.tamper = tamper
    assert end(rig, updates, updates.begin(release(tmp_path, arch), NODE), 180) == ("done", None)
    assert happened == {"lost", "doubled"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"node/program.py": BROKEN_START}, "did_not_start"),
        ({"node/program.py": HANGING}, "kept_resetting"),
    ],
    ids=["raises", "hangs"],
)
def test_firmware_before_runs_again_when_the_new_one_fails(
    rig, updates, arch, tmp_path, changes, reason
):
    version = rig.hub.last(NODE, "status")["firmware"]
    rollout = updates.begin(release(tmp_path, arch, changes), NODE)
    assert end(rig, updates, rollout, 150) == ("failed", reason)
    rig.wait_online(NODE)
    status = rig.hub.last(NODE, "status")
    assert (status["firmware"], status["state"]) == (version, "idle")
    assert rig.report()["violations"]["total"] == 0


def test_relays_stay_open_when_a_delivery_is_asked_of_firmware_on_trial(
    rig, updates, arch, tmp_path
):
    """The hub of this test confirms nothing; the board must refuse to close until it does."""
    updates.tamper = lambda what, members: None if what == "confirm" else members
    rollout = updates.begin(release(tmp_path, arch), NODE)
    rig.wait_for(lambda: updates.row(NODE, rollout).state == "trial", UPDATE_S, "the trial")
    delivery_id = rig.new_id()
    rig.wait_online(NODE)
    rig.hub.lease(NODE, delivery_id)
    rig.hub.close(NODE, delivery_id, "buyer", 8_000)
    rig.wait_for(lambda: rig.hub.refusals(NODE, delivery_id), 10, "the refusal")
    assert rig.hub.refusals(NODE, delivery_id) == ["updating"]
    assert not rig.is_closed(NODE, "in")
    updates.tamper = lambda what, members: members
    assert end(rig, updates, rollout) == ("done", None)


def test_delivery_is_not_disturbed_when_an_update_is_offered_in_it(rig, updates, arch, tmp_path):
    package = release(tmp_path, arch)
    with rig.delivery(8_000) as delivery_id:
        rollout = updates.begin(package, NODE)
        rig.wait_for(lambda: rig.hub.finals(NODE, delivery_id), 30, "the final")
        assert updates.row(NODE, rollout).sent_bytes == 0
    assert rig.hub.finals(NODE, delivery_id)[0]["reason"] in ("energy_reached", "commanded")
    assert end(rig, updates, rollout) == ("done", None)


def test_update_comes_through_when_power_fails_again_and_again(
    rig, updates, arch, choice, tmp_path, monkeypatch
):
    if choice.kind == "virtual":  # others need longer for what they have been sent
        monkeypatch.setattr(rollouts, "OFFER_AGAIN_MS", OFFER_AGAIN_MS)
    chance = random.Random(3)
    rollout = updates.begin(release(tmp_path, arch), NODE)
    cuts = 0
    while updates.row(NODE, rollout).state not in ("done", "failed") and cuts < CUTS:
        wanted = min(18_000 * (cuts + 1) + chance.randrange(3_000), 90_000)
        rig.wait_for(
            lambda wanted=wanted: (
                updates.row(NODE, rollout).sent_bytes >= wanted
                or updates.row(NODE, rollout).state in ("staged", "trial", "done", "failed")
            ),
            UPDATE_S,
            "more chunks",
        )
        rig.do(rig.lab.restart, NODE)
        cuts += 1
    assert cuts >= 3
    assert end(rig, updates, rollout, 240) in [("done", None), ("failed", "kept_resetting")]
    rig.wait_online(NODE)
