"""What the hub says of new firmware in; chunks fetched, checked, tried, and events out.

Nothing here trusts the hub: a package counts by the technician's signature and its number alone.
It gives way to deliveries: what may write to flash is done while none is near. From the restart
into new firmware until the hub has confirmed it the relays stay open.
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
        """Tell whether no delivery is near, each is signed, and the hub within reach."""
        return self._node.is_free() and self._node.link.is_up

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
        self._next = None  # the newest offer or cancel, to be carried out while no delivery is near
        self._refused = None  # why it ends: likewise
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
            if self._is_under_way(record):
                self._asked_ms = None  # said again: it must not hold up a check of the content
            elif not self._boots.trial:
                self._next = record
        elif what == "chunk":
            self._take_chunk(record)
        elif self._next is None or _is_same(self._next, record):
            self._next = record
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
            except MemoryError as problem:
                # The node goes on as it is; the hub offers again.
                print("updates: not now:", repr(problem))
                self._stay()
                self._end()

    def _confirm(self):
        """The hub hears this boot: it echoes its nonce."""
        trial = self._boots.trial
        if trial is None or trial[1] != RELEASE:
            return
        self._boots.confirm()
        self._publisher.send_event("update_confirmed", None, None, RELEASE)
        self._board.hold("idle")

    def _take_next(self):
        """Carry out the newest offer or cancel."""
        record, self._next = self._next, None
        is_here = self._offer is not None and _is_same(self._offer, record)
        if record["what"] == "cancel":
            if is_here:
                self._end()
        elif is_here:
            self._asked_ms = None
        else:
            self._take_offer(record)

    def _take_offer(self, record):
        self._end()
        self._offer = record
        reason = self._refusal(record["number"])
        if reason:
            raise PackageError(reason)
        path = self._boots.path_of(self._boots.free_slot())
        self._staging = staging.Staging(path, record["package_id"], record["size"])
        self._awaited = self._staging.received

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
        if self._staging is None or not _is_same(self._offer, record) or not self._may_go_on():
            return  # one that comes while a delivery is near is asked for again afterwards
        if record["offset"] != self._staging.received or self._staging.is_whole():
            return  # twice the same, or one before it was lost: what is missing is asked for again
        try:
            self._staging.append(binascii.a2b_base64(record["data"]))
        except PackageError as problem:
            self._refuse(problem.args[0])
        except OSError:
            self._refuse("flash_error")

    def _is_under_way(self, record):
        is_here = self._offer is not None and _is_same(self._offer, record)
        return is_here and self._next is None and self._refused is None

    def _may_go_on(self):
        return self._board.is_free() and self._refused is None and self._next is None

    async def _step(self, turns):
        is_needed = self._refused or self._next or self._staging is not None
        if not is_needed or not self._board.is_free():
            return
        await turns.take()
        if not self._board.is_free():
            return  # a lease came first
        if self._refused:
            self._end_refused()
        if self._next:
            self._take_next()
        if self._staging is not None:
            await self._go_on(self._staging, turns)

    async def _go_on(self, transfer, turns):
        if self._manifest is None and transfer.has_manifest():
            manifest = await transfer.check_signature(self._key, turns)
            self._check(manifest)
            self._manifest = manifest
            if not self._may_go_on():
                return
        if not transfer.is_whole():
            self._fetch()
            return
        transfer.close()
        if self._manifest is None:
            raise PackageError("bad_package")
        await transfer.check_content(self._manifest, turns)
        if self._may_go_on():
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
        """End the transfer for `reason`, as soon as no delivery is near."""
        self._refused = reason
        self._stay()
        self._wake.set()

    def _stay(self):
        """Let relays close again if the last step, to the restart, has failed."""
        if self._is_leaving:
            self._is_leaving = False
            self._board.hold("idle")

    def _end_refused(self):
        reason, self._refused = self._refused, None
        number = self._offer["number"] if self._offer else None
        self._end()
        # What was refused must not be gone on with: the next offer begins from nothing.
        staging.remove(self._boots.path_of(self._boots.free_slot()))
        self._publisher.send_event("update_refused", reason, None, number)

    def _end(self):
        """Forget the transfer; its file stays, to be gone on with."""
        if self._staging is not None:
            self._staging.close()
        self._offer = self._staging = self._manifest = self._asked_ms = None


def _is_same(one, other):
    return one["package_id"] == other["package_id"]
