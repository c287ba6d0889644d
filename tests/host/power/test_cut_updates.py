"""Power that fails in each write of an update: old or new firmware runs, whole."""

import pytest

pytest.importorskip("littlefs", reason="littlefs-python is not installed")

from launcher import CABLE, TRIAL_BOOTS, Boots
from node import secp256k1, staging
from node import updates as node_updates
from wire import package

from tests.host.fakes.ticks import Ticks
from tests.host.node.rig import Rig
from tests.host.node.test_power_cuts import UWH
from tests.host.power.chip import ALL, EARLY, HALF, Board
from tests.host.power.course import MODULES, quicken, run_to_cut, writes_until_done
from tests.host.updates.board import online, take
from tests.host.updates.samples import KEY, made, manifest_of

FILES = {"node/program.mpy": bytes(range(200)) * 10, "wire/units.mpy": b"units"}
OLD, NEW = 7, 8
PACKAGES = {number: made(FILES, number=number) for number in (OLD, NEW)}
SIGNED = {package.signed_digest(manifest_of(FILES, number)) for number in PACKAGES}
SETTINGS = b'{"node": "house-1"}'
ENERGY_UWH = 77_000
SYNC_BYTES = 600
"""As node.staging's, for packages of 2 kB: some syncs in each transfer."""


def quick_verify_steps(key, digest, signature):
    """Stand for the verification of a signature, which takes longer than all else here."""
    yield
    return digest in SIGNED


class Life:
    """A board that gets firmware over the air, from its first power-on."""

    def __init__(self, patch, content=None):
        """`content`: of the flash of a board that has a past (see `past`), None for a new one."""
        self.board = Board(content)
        self.board.patch(patch, *MODULES)
        quicken(patch)
        patch.setattr(secp256k1, "verify_steps", quick_verify_steps)
        patch.setattr(staging, "SYNC_BYTES", SYNC_BYTES)
        self._patch = patch
        self.rig = Rig(Ticks(), patch, update_key=KEY.public_key)

    def past(self):
        """Come to run OLD, with something in the registers; return the flash."""
        with self.board.open("settings.json", "wb") as file:
            file.write(SETTINGS)
        self.rig.node.registers.add("pv_export", ENERGY_UWH * UWH, 1)
        self.rig.node.store.save()
        self.update(OLD)
        assert Boots().active == "a"
        return self.board.content()

    def fail(self):
        """The power has failed; mount what is left."""
        self.board.power_on()

    def launch(self):
        """Start as the launcher does; return (number that runs, the Boots)."""
        self.board.reset()
        boots = Boots()
        slot = boots.next_slot()
        number = self.number_in(slot, boots)
        self._patch.setattr(node_updates, "RELEASE", number)
        self.rig.boot()
        assert self.rig.relay() == "open"
        online(self.rig)
        self.rig.node.announce()
        self.rig.collect()
        return number

    def number_in(self, slot, boots):
        """Return the number of what starts, which must be whole."""
        if slot == CABLE:
            return 0
        content = self.board.open(boots.path_of(slot), "rb").read()
        (number,) = (each for each in PACKAGES if PACKAGES[each] == content)
        return number

    def update(self, number):
        """Go on with an update until it runs and the hub has confirmed it."""
        running = self.launch()
        if running != number:
            take(self.rig, PACKAGES[number])
            assert self.rig.machine.resets
            running = self.launch()
        if self.rig.node.delivery.state == "trial":
            self.rig.lease("ab" * 16)
            self.rig.close("ab" * 16)
            assert self.rig.relay() == "open"  # nothing closes on trial
            self.rig.update("confirm")
        assert Boots().highest == number == running

    def fall_back(self):
        """Take NEW, which never reaches the hub: after its trial OLD runs, and the hub is told."""
        self.launch()
        take(self.rig, PACKAGES[NEW])
        numbers = [self.launch() for _ in range(TRIAL_BOOTS + 1)]
        assert numbers == TRIAL_BOOTS * [NEW] + [OLD]


def check(life):
    """Check what a board that has restarted runs and keeps."""
    boots = Boots()
    for slot in {boots.active, *([boots.trial[0]] if boots.trial else [])}:
        assert life.number_in(slot, boots) in PACKAGES
    running = life.launch()
    assert running in PACKAGES
    assert life.rig.node.registers["pv_export"] == ENERGY_UWH
    assert life.board.open("settings.json", "rb").read() == SETTINGS
    assert not life.rig.node.supervisor.has_failed
    return running


@pytest.fixture(scope="module")
def past():
    """The flash of a board that runs OLD."""
    with pytest.MonkeyPatch.context() as patch:
        return Life(patch).past()


@pytest.mark.parametrize("share", [EARLY, ALL])
def test_update_goes_on_when_power_fails_in_any_write_of_it(past, monkeypatch, share):
    def one(nth):
        life = Life(monkeypatch, past)
        is_cut = run_to_cut(life, lambda: life.update(NEW), nth, share)
        life.fail()
        check(life)
        life.update(NEW)
        assert Boots().active == "b" and life.launch() == NEW
        return is_cut

    assert writes_until_done(one) > 25


def test_old_firmware_runs_again_when_power_fails_in_any_write_of_a_trial(past, monkeypatch):
    def one(nth):
        life = Life(monkeypatch, past)
        is_cut = run_to_cut(life, life.fall_back, nth, HALF)
        life.fail()
        check(life)
        # Whatever was tried by then: three starts without the hub end it.
        numbers = [life.launch() for _ in range(TRIAL_BOOTS + 1)]
        assert numbers[-1] == OLD and Boots().active == "a"
        return is_cut

    assert writes_until_done(one) > 30
