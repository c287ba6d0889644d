"""Any content of the files of an update: nothing runs but what the technician signed, whole."""

import asyncio
import contextlib
import json

import mounted
from launcher import CABLE, SLOTS, TRIAL_BOOTS, Boots
from node import secp256k1, slots, staging
from wire import package
from wire.package import PackageError
from wire.records import UPDATE_REFUSALS

from tests.host.fuzz import mutate
from tests.host.fuzz.on_flash import OnFlash
from tests.host.updates.samples import made, manifest_of

FILES = {"node/program.mpy": bytes(range(200)), "wire/units.mpy": b"units"}
GOOD = made(FILES)
MANIFEST = manifest_of(FILES)
ID = package.package_id(MANIFEST)
ENDS = (None, "did_not_start", "kept_resetting", "hub_not_reached", "because")


class Turns:
    """Every piece of work at once."""

    async def take(self):
        """Wait for nothing."""


def quick_verify_steps(key, digest, signature):
    """Stand for the verification of a signature: only that of the package is one."""
    yield
    is_signed = digest == package.signed_digest(MANIFEST)
    return is_signed and signature == GOOD[package.HEAD_BYTES + len(MANIFEST) :][:64]


class Target(OnFlash):
    """A board's slots for firmware over damaged files, and a transfer that goes on from there."""

    MODULES = (slots, staging, mounted)

    def __init__(self, rng, flash=None):
        super().__init__(rng, flash)
        self.taken = 0

    def _quicken(self):
        self._patch.setattr(secp256k1, "verify_steps", quick_verify_steps)

    def one(self):
        """Boot on damaged files, mount what is there, transfer a package."""
        self._flash.content.clear()
        self.write()
        boots = self._boot()
        path = boots.path_of(boots.free_slot())
        self._mount(path)
        self._transfer(path)

    def write(self):
        """Fill the files."""
        self._write_boots()
        for slot in SLOTS:
            if self.rng.random() < 0.8:
                self._flash.content[f"firmware-{slot}.trq"] = self._found()

    def _boot(self):
        """Boot until a trial has ended; return the Boots."""
        for _ in range(TRIAL_BOOTS + 2):
            boots = Boots()
            was_on_trial = boots.trial is not None
            slot = boots.next_slot()
            assert slot == CABLE or slot in SLOTS
            assert boots.free_slot() in SLOTS and boots.free_slot() != boots.active
            assert 0 <= boots.highest < 1 << 32
            if not was_on_trial:
                assert slot == boots.active
                return boots
        raise AssertionError("a trial without an end")

    def _mount(self, path):
        try:
            found = mounted.Package(path)
        except (OSError, PackageError):
            return
        for name in FILES:
            with contextlib.suppress(OSError):  # it may have other files
                assert found.stat("/" + name)[6] >= 0 and found.where("/" + name) > 0

    def _transfer(self, path):
        try:
            transfer = staging.Staging(path, ID, len(GOOD))
            assert 0 <= transfer.received <= len(GOOD)
            while transfer.received < len(GOOD):
                size = self.rng.randrange(1, 200)
                transfer.append(GOOD[transfer.received : transfer.received + size])
            transfer.close()
            is_taken = asyncio.run(self._is_taken(transfer))
        except PackageError as problem:
            assert problem.args[0] in UPDATE_REFUSALS
            is_taken = False
        assert not is_taken or self._flash.content[path] == GOOD
        self.taken += is_taken

    async def _is_taken(self, transfer):
        manifest = await transfer.check_signature(bytes(64), Turns())
        await transfer.check_content(manifest, Turns())
        return True

    def _found(self):
        """What an earlier transfer, or decay, may have left of a package."""
        rng = self.rng
        found = GOOD[: rng.randrange(len(GOOD) + 1)] if rng.random() < 0.7 else GOOD
        path = rng.random()
        if path < 0.3:
            return mutate.damaged(rng, found)
        return mutate.any_bytes(rng, 600) if path < 0.4 else found

    def _write_boots(self):
        rng = self.rng
        kept = {
            "active": rng.choice((CABLE, *SLOTS, mutate.any_value(rng))),
            "highest": rng.choice((0, 7, mutate.any_value(rng))),
            "trial": rng.choice((None, [rng.choice(SLOTS), 8, rng.randrange(4)])),
            "failed": rng.choice((None, [7, rng.choice(ENDS), 1, rng.random() < 0.5])),
        }
        for name in list(kept):
            if rng.random() < 0.1:
                kept[name] = mutate.any_value(rng)
        record = json.dumps(kept).encode()
        if rng.random() < 0.2:
            record = rng.choice((mutate.any_bytes(rng, 100), mutate.damaged(rng, record)))
        for _ in range(rng.randrange(3)):
            slots.Slots("boots").save(record)
