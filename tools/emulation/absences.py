"""What an emulated board does when the hub falls silent, its broker ends or the radio is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tools.emulation.lone import NODE, LoneBoard

RETURNS = 8
RETURN_S = 120.0
"""So long a node may take; some 3 s without any that failed."""


async def silence_s(board: LoneBoard) -> float:
    """Let the hub fall silent in a delivery; return the seconds until the relay opened."""
    delivery_id = await board.begin_delivery()
    await board.run_for(3)
    del board.hub.pairs[delivery_id]
    began_s = board.now_s
    return await board.opened_s(began_s, 30) - began_s


async def loss_s(board: LoneBoard) -> float:
    """End the broker in a delivery; return the seconds until the relay opened."""
    await board.begin_delivery()
    await board.run_for(3)
    began_s = board.now_s
    await board.broker.stop()
    return await board.opened_s(began_s, 30) - began_s


async def returns_s(board: LoneBoard) -> AsyncIterator[float]:
    """Lose the access point in each of RETURNS deliveries; yield how long its return took, in s.

    Each from its being there again to the first status. Raises TimeoutError when there is none.
    """
    for number in range(RETURNS):
        await board.begin_delivery()
        await board.run_for(1.5 + 0.37 * number)
        board.device.radio.cut(True)
        await board.opened_s(board.now_s, 30)
        await board.run_for(number)  # readings gather meanwhile
        board.device.radio.cut(False)
        yield await _heard_s(board)


async def _heard_s(board: LoneBoard) -> float:
    """Wait for the next status and return how long it took."""
    began_s, seen = board.now_s, len(board.hub.all(NODE, "status"))
    await board.wait(lambda: len(board.hub.all(NODE, "status")) > seen, RETURN_S, "a status")
    return board.now_s - began_s
