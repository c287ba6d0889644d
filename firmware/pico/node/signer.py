"""Finals and registers in; records signed by the board's own key out, some ms of work at a time.

A final goes out at once and unsigned; its signature follows, also after a reset that came between.
Until it is made, whatever can wait waits: saves that erase flash, snapshots, updates.
"""

import asyncio
import gc

from wire import digests

from node.secp256k1 import share


class Signer:
    """Signs what waits, one after the other."""

    def __init__(self, node, identity, finals, publisher):
        """`node`: the node's name. `finals`: Finals."""
        self._node = node
        self._identity = identity
        self._finals = finals
        self._publisher = publisher
        self._wake = asyncio.Event()
        self._under_way = []  # deliveries whose signature is in the outbox
        self._is_snapshot_due = False
        self._has_sent = False  # a signature, since the last `read_steps`
        self.is_final_due = False  # a final is about to be signed, or being signed
        self.read_snapshot = None  # () -> uptime and registers; set when all is built
        self.read_steps = tuple  # () -> what to do when the broker has signatures, a turn each
        self.before_step = None  # () -> None, before each step of a signature

    @property
    def public_key(self):
        """Return the board's public key, 64 bytes."""
        return self._identity.public_key

    def wake(self):
        """A final may wait for its signature."""
        if self._next_final():
            self.is_final_due = True
        self._wake.set()

    def take_snapshot(self):
        """Sign the registers as they stand when the turn comes."""
        self._is_snapshot_due = True
        self._wake.set()

    async def run(self, turns):
        """Sign for ever. `turns`: Turns, for collections and for records to be encoded."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.sign_waiting(turns.take)

    async def sign_waiting(self, take_turn):
        """Sign and queue all that waits; finals first, for they are somebody's money.

        Nothing while records can't be numbered: whoever ends that announces anew, and wakes this.
        """
        if not self._publisher.may_send():
            self.is_final_due = False
            return
        await self._sign_finals(take_turn)
        while self._is_snapshot_due:
            self._is_snapshot_due = not await self._sign_snapshot(take_turn)
            await self._sign_finals(take_turn)

    async def _sign_finals(self, take_turn):
        members = self._next_final()
        while members:
            await self._sign_final(members, take_turn)
            await self._give_way()  # a record was encoded: with a digest it would be 20 ms
            members = self._next_final()
        self.is_final_due = False
        if self._has_sent:
            self._has_sent = False
            for step in self.read_steps():
                await take_turn()
                step()

    def _next_final(self):
        for members in self._finals.unsigned():
            if members["delivery_id"] not in self._under_way:
                return members
        return None

    async def _give_way(self):
        await asyncio.sleep(0)
        if self.before_step:
            self.before_step()

    async def _sign_final(self, members, take_turn):
        await _collect(take_turn)  # the end of a delivery leaves much
        delivery_id = members["delivery_id"]
        signed = {
            name: members[name]
            for name in ("delivery_id", "role", "energy_uwh", "counterparty_uwh")
        }
        digest = digests.report_digest(
            delivery_id, signed["role"], signed["energy_uwh"], signed["counterparty_uwh"]
        )
        self._under_way.append(delivery_id)
        signed["signature"] = await self._sign(self._identity.sign_steps(digest), take_turn)
        self._publisher.send("signature", signed, delivery_id, lambda: self._sent(delivery_id))

    async def _sign(self, steps, take_turn):
        """Return what `steps` return, in hex; a record is to be encoded in the turn this ends with.

        None where they return None.
        """
        signature = await share(steps, lambda: _collect(take_turn), self.before_step)
        if signature is None:
            return None
        await take_turn()
        return signature.hex()

    def _sent(self, delivery_id):
        self._finals.acknowledge_signature(delivery_id)
        self._under_way.remove(delivery_id)
        self._has_sent = True
        self._wake.set()

    async def _sign_snapshot(self, take_turn):
        """Return whether it was signed: a final that comes meanwhile goes first."""
        record = self._publisher.header("snapshot")
        record.update(self.read_snapshot())
        digest = digests.snapshot_digest(self._node, record)
        steps = self._steps_until_final(self._identity.sign_steps(digest))
        record["signature"] = await self._sign(steps, take_turn)
        if record["signature"] is None:
            return False
        self._publisher.send_record("snapshot", record)
        return True

    def _steps_until_final(self, steps):
        """Return what `steps` return, None as soon as a final waits."""
        while not self.is_final_due:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            yield
        return None


async def _collect(take_turn):
    await take_turn()
    gc.collect()
