"""The chain's blocks enter by WebSocket; the contract's events leave once each, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from eth_utils import to_checksum_address, to_hex
from web3.exceptions import BlockNotFound

from hub.chain.abi import market_abi
from hub.chain.records import Batch, ChainUnavailable, Cursor, Rollback, WrongContract
from hub.chain.stream import ConnectionEnded, Stream

# Blocks asked for at once when far behind, so that an answer stays small.
BLOCKS_PER_BATCH = 500
# Hashes remembered to find where a replaced branch began.
REMEMBERED_BLOCKS = 256
# Heads announce new blocks; asking once in a while covers a lost announcement.
QUIET_S = 15.0
FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 5.0
# A node of others that refuses has its reasons, such as a limit of requests.
FIRST_REFUSED_S = 2.0
LONGEST_REFUSED_S = 60.0


async def follow(
    ws_url: str,
    address: str,
    start: Cursor | None = None,
    origin: Cursor | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> AsyncIterator[Batch | Rollback]:
    """Yield every event of the contract after `start` (None: after `origin`) exactly once.

    `origin` is a block before the contract's first one; None stands for the chain's first block.

    A broken connection is made again, what a node refuses is asked for again ever later, and
    nothing is lost or repeated; `say` hears once of refusals and once that they are over. When
    blocks that were yielded are replaced, a Rollback names the last block that still stands; what
    follows it comes again. Ends only by cancellation or `aclose`.

    Raises WrongContract when even the contract is no longer there: the chain is another one.
    """
    progress, backoff = _Progress(address, start or origin, origin), _Backoff(say)
    while True:
        try:
            async with Stream(ws_url) as stream:
                await stream.subscribe_heads()
                while True:
                    async for step in progress.catch_up(stream):
                        yield step
                    backoff.is_over()
                    await stream.wait_head(QUIET_S)
        except ConnectionEnded:
            await asyncio.sleep(backoff.broken_s())
        except ChainUnavailable as refusal:
            await asyncio.sleep(backoff.refused_s(refusal))


class _Backoff:
    """How long to wait before the next try; over once everything there was has been read."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._broken_s, self._refused_s = FIRST_BACKOFF_S, FIRST_REFUSED_S
        self._is_refused = False

    def broken_s(self) -> float:
        pause_s, self._broken_s = self._broken_s, min(2 * self._broken_s, LONGEST_BACKOFF_S)
        return pause_s

    def refused_s(self, refusal: ChainUnavailable) -> float:
        if not self._is_refused:
            self._say(f"{refusal}; it is asked again, ever later")
        self._is_refused = True
        pause_s, self._refused_s = self._refused_s, min(2 * self._refused_s, LONGEST_REFUSED_S)
        return pause_s

    def is_over(self) -> None:
        self._broken_s, self._refused_s = FIRST_BACKOFF_S, FIRST_REFUSED_S
        if self._is_refused:
            self._say("the chain answers again: nothing was missed")
        self._is_refused = False


class _Progress:
    """What has been yielded so far, and how to get from there to the chain's head."""

    def __init__(self, address: str, start: Cursor | None, origin: Cursor | None) -> None:
        self._address = to_checksum_address(address)
        self._origin = origin
        self._cursor = start
        self._remembered: deque[Cursor] = deque(maxlen=REMEMBERED_BLOCKS)
        if start is not None:
            self._remembered.append(start)

    async def catch_up(self, stream: Stream) -> AsyncIterator[Batch | Rollback]:
        """Yield what stands between the cursor and the chain's head at this moment."""
        while True:
            if not await self._stands(stream, self._cursor):
                self._cursor = await self._last_common(stream)
                yield Rollback(self._cursor)
            head = await stream.ask(stream.eth.block_number)
            first = 0 if self._cursor is None else self._cursor.block_number + 1
            if first > head:
                return
            batch = await self._read(stream, first, min(head, first + BLOCKS_PER_BATCH - 1))
            if batch is not None:
                self._cursor = batch.cursor
                self._remembered.append(batch.cursor)
                yield batch

    async def _read(self, stream: Stream, first: int, last: int) -> Batch | None:
        """Read the events of [first, last]; None when these blocks were replaced meanwhile."""
        before = await _block_hash(stream, last)
        logs = await stream.ask(
            stream.eth.get_logs({"address": self._address, "fromBlock": first, "toBlock": last})
        )
        after = await _block_hash(stream, last)
        if before is None or before != after or not await self._stands(stream, self._cursor):
            return None
        in_order = sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"]))
        events = [market_abi().decode_log(log) for log in in_order]
        return Batch(tuple(one for one in events if one is not None), Cursor(last, before))

    async def _stands(self, stream: Stream, cursor: Cursor | None) -> bool:
        """Tell whether a block seen before is still part of the chain."""
        if cursor is None:
            return True
        return await _block_hash(stream, cursor.block_number) == cursor.block_hash

    async def _last_common(self, stream: Stream) -> Cursor:
        """Return the newest remembered block that still stands, else the origin, else block 0."""
        while self._remembered:
            if await self._stands(stream, self._remembered[-1]):
                return self._remembered[-1]
            self._remembered.pop()
        code = await stream.ask(stream.eth.get_code(self._address))
        genesis_hash = await _block_hash(stream, 0)
        if not code or genesis_hash is None:
            raise WrongContract(
                f"The chain was replaced by one without the contract at {self._address}. Bring "
                "back the chain's own directory, or run trueque hub init for a new site."
            )
        if self._origin is not None and await self._stands(stream, self._origin):
            return self._origin
        return Cursor(0, genesis_hash)


async def _block_hash(stream: Stream, number: int) -> str | None:
    """Return the hash of a block, None when the chain is shorter."""
    try:
        return to_hex((await stream.ask(stream.eth.get_block(number)))["hash"])
    except BlockNotFound:
        return None
