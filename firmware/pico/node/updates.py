"""What the hub says of new firmware in; chunks fetched, checked, tried, and events out.

Nothing here trusts the hub: a package counts by the technician's signature and its number alone.
It gives way to deliveries, and from the restart into new firmware until the hub has confirmed it
the relays stay open.
"""

import asyncio
import binascii
import sys

from wire.package import PackageError, runs_on
from wire.units import CHUNK_BYTES

from node import staging
from node.version import RELEASE

LOOK_MS = 200
RETRY_MS = 5_000  # an answer that did not come is asked for again
FAREWELL_MS = 5_000  # the longest wait for the outbox before the restart
WINDOW = 4  # chunks asked for at once: each takes a board 20 ms, others run in between
MAX_FAILURES = 3  # of one release; then only a newer one is tried


class Board:
    """What an update needs of the node."""

    def __init__(self, node, restart):
        """`node`: Node, whole by the time any method is called. `restart`: machine.reset."""
        self._node = node
        self.restart = restart
        self.mpy = getattr(sys.implementation, "_mpy", 0)

    def is_free(self):
        """Tell whether no delivery is near and the hub within reach."""
        return self._node.delivery.state == "idle" and self._node.link.is_up

    def is_quiet(self):
        """Tell whether all that was to be told is told."""
        return len(self._node.outbox) == 0

    def hold(self, state):
        """Keep the relays open from now on, or after the delivery that runs; see Delivery.hold."""
        node = self._node
        node.switchboard.apply(node.delivery.hold(state), node.clock.now_ms())

    def save(self):
        """Save the registers."""
        self._node.save()


class Updates:
    """One update at a time. `take` is called by the link, `run` is a task of its own."""

    def __init__(self, update_key, boots, board, publisher, clock):
        """`update_key`: 64 bytes or None. `boots`: launcher.Boots. `board`: Board."""
        self._key = update_key
        self._boots = boots
        self._board = board
        self._publisher = publisher
        self._clock = clock
        self._wake = asyncio.Event()
        self._offer = None  # the record that began it
        self._staging = None
        self._manifest = None  # once its signature is checked
        self._asked_ms = None  # when chunks were asked for last
        self._awaited = 0  # the offset at which the next ones are asked for
        self._is_leaving = False  # nothing stops the restart any more

    def announce(self):
        """Queue what a boot has to tell, and keep the relays open while on trial."""
        trial, failed = self._boots.trial, self._boots.failed
        if trial:
            self._board.hold("trial")
            self._publisher.send_event("update_on_trial", None, None, trial[1])
        if failed and not failed[3]:
            code, reason = "update_rolled_back", failed[1]
            self._publisher.send_event(code, reason, None, failed[0], self._boots.told)

    def take(self, record):
        """Take a verified, fresh record of kind update. Never raises."""
        what = record["what"]
        if self._is_leaving:
            return
        if what == "confirm":
            self._confirm()
        elif what == "offer":
            self._take_offer(record)
        elif self._offer is not None and record["package_id"] == self._offer["package_id"]:
            if what == "chunk":
                self._take_chunk(record)
            else:
                self._end()
        self._wake.set()

    def look(self):
        """Let `run` look at what is under way; to be called every LOOK_MS."""
        self._wake.set()

    async def run(self, turns):
        """Go on with what is under way, for ever. `turns`: Turns, for long pieces of work."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._step(turns)
            except PackageError as problem:
                self._refuse(problem.args[0])
            except OSError:
                self._refuse("flash_error")

    def _confirm(self):
        """The hub hears this boot: it echoes its nonce."""
        trial = self._boots.trial
        if trial is None or trial[1] != RELEASE:
            return
        self._boots.confirm()
        self._publisher.send_event("update_confirmed", None, None, RELEASE)
        self._board.hold("idle")

    def _take_offer(self, record):
        if self._boots.trial:
            return
        if self._offer and record["package_id"] == self._offer["package_id"]:
            self._asked_ms = None
            return
        self._end()
        self._offer = record
        reason = self._refusal(record["number"])
        try:
            if reason:
                raise PackageError(reason)
            path = self._boots.path_of(self._boots.free_slot())
            self._staging = staging.Staging(path, record["package_id"], record["size"])
            self._awaited = self._staging.received
        except PackageError as problem:
            self._refuse(problem.args[0])
        except OSError:
            self._refuse("flash_error")

    def _refusal(self, number):
        """Return why a release of this number is not for this board, or None."""
        if self._key is None:
            return "no_update_key"
        if number <= max(RELEASE, self._boots.highest):
            return "not_newer"
        failed = self._boots.failed
        if failed and failed[0] == number and failed[2] >= MAX_FAILURES:
            return "failed_before"
        return None

    def _take_chunk(self, record):
        if self._staging is None or record["offset"] != self._staging.received:
            return  # twice the same, or one before it was lost: what is missing is asked for again
        try:
            self._staging.append(binascii.a2b_base64(record["data"]))
        except PackageError as problem:
            self._refuse(problem.args[0])
        except OSError:
            self._refuse("flash_error")

    async def _step(self, turns):
        if self._staging is None or not self._board.is_free():
            return
        await turns.take()
        if self._staging is None:
            return
        # A record that arrives meanwhile may end this transfer and begin another.
        transfer = self._staging
        if self._manifest is None and transfer.read_manifest():
            manifest = await transfer.check_signature(self._key)
            if transfer is not self._staging:
                return
            self._check(manifest)
            self._manifest = manifest
        if transfer.received < transfer.size:
            self._fetch()
            return
        transfer.close()
        if self._manifest is None:
            raise PackageError("bad_package")
        await transfer.check_content(self._manifest, turns)
        if transfer is self._staging and self._board.is_free():
            await self._apply(self._manifest.number)

    def _check(self, manifest):
        """Check what only the signed manifest can tell."""
        reason = self._refusal(manifest.number) or runs_on(manifest, self._board.mpy)
        if reason:
            raise PackageError(reason)

    def _fetch(self):
        """Ask for the next chunks when the last ones are here, or did not come."""
        now_ms = self._clock.now_ms()
        is_due = self._asked_ms is None or now_ms - self._asked_ms >= RETRY_MS
        if self._staging.received < self._awaited and not is_due:
            return
        missing = self._staging.size - self._staging.received
        count = min(WINDOW, (missing + CHUNK_BYTES - 1) // CHUNK_BYTES)
        members = {
            "package_id": self._offer["package_id"],
            "offset": self._staging.received,
            "count": count,
        }
        self._publisher.send("fetch", members)
        self._asked_ms = now_ms
        self._awaited = min(self._staging.received + count * CHUNK_BYTES, self._staging.size)

    async def _apply(self, number):
        """Open the relays for good, save, say farewell, and restart into the new firmware."""
        self._is_leaving = True
        self._board.hold("updating")
        self._board.save()
        self._publisher.send_event("update_staged", None, None, number)
        until_ms = self._clock.now_ms() + FAREWELL_MS
        while not self._board.is_quiet() and self._clock.now_ms() < until_ms:
            await asyncio.sleep(LOOK_MS / 1000)
        self._boots.begin_trial(self._boots.free_slot(), number)
        self._board.restart()

    def _refuse(self, reason):
        number = self._offer["number"] if self._offer else None
        self._end()
        # What was refused must not be gone on with: the next offer begins from nothing.
        staging.remove(self._boots.path_of(self._boots.free_slot()))
        if self._is_leaving:  # the flash did not take the last step
            self._is_leaving = False
            self._board.hold("idle")
        self._publisher.send_event("update_refused", reason, None, number)

    def _end(self):
        """Forget the transfer; its file stays, to be gone on with."""
        if self._staging is not None:
            self._staging.close()
        self._offer = self._staging = self._manifest = self._asked_ms = None
