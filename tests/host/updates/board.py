"""A node on fakes that gets firmware over the air, the hub's answers in the test's hand."""

import asyncio
import base64

from wire import package, units

LONGEST_S = 120
RP2040 = 6 | 3 << 8 | 4 << 10  # sys.implementation._mpy


class Turns:
    """Every piece of work at once."""

    async def take(self):
        await asyncio.sleep(0)


def offer(content):
    """Return the members of the offer of a package."""
    manifest = content[package.HEAD_BYTES :][: package.manifest_bytes(content[:8])]
    number = int(manifest.split(b"\n")[0].split()[1])
    return {"package_id": package.package_id(manifest), "number": number, "size": len(content)}


def online(rig, mpy=RP2040):
    """Let a node that has booted reach its hub; `mpy`: of its interpreter."""
    rig.node.link.is_up = True
    rig.node.store.numbering.go_on_from(1)  # as when the clock is set
    rig.node.updates.load()._board.mpy = mpy


def switch_off(rig):
    """End a node; its open file too, which a board simply forgets."""
    whole = rig.node.updates.whole
    if whole and whole._staging:
        whole._staging.close()


def reboot(rig):
    """End a node and start it again with what is in its flash."""
    switch_off(rig)
    rig.boot()
    online(rig)


def take(rig, content, until=lambda: False, tamper=lambda members: members, **claims):
    """Offer a package and answer every fetch until the board restarts or refuses, or `until()`.

    `claims`: what the offer says that is not so. Whatever leaves the node's task is raised.
    """
    asyncio.run(_take(rig, content, until, tamper, claims))


def look_on(rig, looks=10):
    """Let the node's task look some times at what the hub has said."""

    async def some():
        running = asyncio.create_task(rig.node.updates.run(Turns()))
        for _ in range(looks):
            rig.node.updates.look()
            for _ in range(5):
                await asyncio.sleep(0)
            rig.step()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(some())


async def _take(rig, content, until, tamper, claims):
    node = rig.node
    told = len(rig.records("event", code="update_refused"))
    answered = len(rig.records("fetch"))
    rig.update("offer", **offer(content) | claims)
    running = asyncio.create_task(node.updates.run(Turns()))
    try:
        async with asyncio.timeout(LONGEST_S):
            while not (rig.machine.resets or until()):
                if running.done():
                    running.result()
                if len(rig.records("event", code="update_refused")) > told:
                    return
                node.updates.look()
                await asyncio.sleep(0)
                rig.step()
                for fetch in rig.records("fetch")[answered:]:
                    answered += 1
                    _answer(rig, content, fetch, tamper)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _answer(rig, content, fetch, tamper):
    for place in range(fetch["count"]):
        offset = fetch["offset"] + place * units.CHUNK_BYTES
        part = content[offset : offset + units.CHUNK_BYTES]
        if part:
            members = {"package_id": fetch["package_id"], "offset": offset, "data": part}
            members = tamper(members)
            members["data"] = base64.b64encode(members["data"]).decode()
            rig.update("chunk", **members)
