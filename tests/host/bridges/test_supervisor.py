"""Whatever a bridge does, the others and the hub go on."""

from __future__ import annotations

import ast
import asyncio
import gc
import types
from pathlib import Path

import pytest

import hub.bridges
from hub.bridges.errors import BridgeDown
from hub.bridges.part import BridgesPart
from tests.host.bridges.doubles import checked, wait_for

FOLDER = Path(hub.bridges.__file__).parent
# What could command a relay, settle energy, spend money or speak to a board.
FORBIDDEN = ("hub.oracle", "hub.mqtt", "hub.chain", "hub.coordinator", "hub.keys", "hub.panel",
             "hub.site", "hub.agent", "hub.updates", "hub.board_network", "hub.membership",
             "hub.services.market", "hub.services.acting", "web3", "wire.codec", "wire.signing",
             "sqlite3")  # fmt: skip


def is_forbidden(module):
    return any(module == one or module.startswith(f"{one}.") for one in FORBIDDEN)


class Broken:
    """A bridge that ends in its own way each time it is started."""

    longest_pause_s = 0.1

    def __init__(self, name, ending):
        self.name, self._ending, self.starts = name, ending, 0

    async def run(self):
        self.starts += 1
        await self._ending()


async def _raise():
    raise RecursionError("a bug")


async def _down():
    raise BridgeDown("away")


async def _end():
    return None


@pytest.mark.parametrize(
    "ending, said", [(_raise, "RecursionError: a bug"), (_down, "away"), (_end, "ended by itself")]
)
def test_bridge_is_started_again_and_said_once_when_it_ends(site, run, ending, said):
    broken, sound = Broken("broken", ending), Broken("sound", lambda: asyncio.sleep(1_000))
    running = run(broken, sound)
    wait_for(lambda: broken.starts >= 4)
    assert [text for text in site.said if said in text] == site.said[:1]
    assert site.said[0].startswith("bridge broken: ")
    assert running.states()[1].is_running and sound.starts == 1


def test_call_gives_up_when_a_bridge_hangs(run):
    running = run(Broken("idle", lambda: asyncio.sleep(1_000)))
    wait_for(lambda: running.states()[0].is_running)
    with pytest.raises(BridgeDown, match="no answer within"):
        running.call(asyncio.sleep(1_000), 0.05)


def test_bridges_import_nothing_that_commands_when_their_source_is_read():
    found = []
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            found += [f"{path.name}: {name}" for name in names if is_forbidden(name)]
            if isinstance(node, ast.Attribute) and node.attr == "_store":
                assert path.name == "views.py", f"{path.name} reaches into the store"
    assert found == []


def test_bridges_reach_nothing_that_commands_when_all_are_on(site):
    """Walk every object that the bridges hold, of whatever depth."""
    wanted = checked(
        thingspeak={"channels": [{"house": "house-1", "channel_id": 1}]},
        emoncms={},
        prometheus={},
        plugs=[{"name": "p", "house": "house-1", "address": "127.0.0.1"}],
    )
    part = BridgesPart(wanted, site.parts(), site.path)
    forbidden, seen, todo = [], set(), [part]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (type, types.ModuleType, types.CodeType)):
            continue
        seen.add(id(one))
        module = type(one).__module__
        if is_forbidden(module) and module != "sqlite3":  # the views' own store has it
            forbidden.append(type(one))
        # A function's globals are its module: what it imports is the other test's.
        skipped = one.__globals__ if isinstance(one, types.FunctionType) else None
        todo += [each for each in gc.get_referents(one) if each is not skipped]
    part.stop()
    assert len(seen) > 100
    assert forbidden == []
