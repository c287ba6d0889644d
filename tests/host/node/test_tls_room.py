"""Room for the next TLS connection: held whenever there is none."""

import asyncio
import builtins

import pytest
from node import link as link_module
from node import tls_room
from node.settings import Settings
from node.tls_room import READ_BYTES, WRITE_BYTES, TlsRoom

from tests.host.node.rig import settings_members


@pytest.fixture
def memory(monkeypatch):
    """The largest piece that is to be had, as a list of one."""
    largest = [100_000]

    def bytearray_(size):
        if size > largest[0]:
            raise MemoryError
        return builtins.bytearray(size)

    monkeypatch.setattr(tls_room, "bytearray", bytearray_, raising=False)
    return largest


@pytest.mark.parametrize(
    ("largest", "held"),
    [
        (100_000, READ_BYTES + WRITE_BYTES),
        (READ_BYTES, READ_BYTES),  # all that the connection before has left behind
        (READ_BYTES - 1, 0),
    ],
)
def test_room_is_as_large_as_there_is_memory_for(memory, largest, held):
    memory[0] = largest
    assert len(TlsRoom(True)._held or b"") == held


def test_room_is_taken_later_when_there_was_none(memory):
    memory[0] = 0
    room = TlsRoom(True)
    memory[0] = READ_BYTES
    room.hold()
    assert len(room._held) == READ_BYTES


def test_no_memory_is_held_when_nothing_speaks_tls():
    assert TlsRoom(False)._held is None


class Wired:
    """A network that is there and asks nobody."""

    def name_server(self):
        return "127.0.0.1"

    def is_up(self):
        return True


@pytest.mark.parametrize("problem", [OSError(12), TimeoutError(), MemoryError()])
def test_link_holds_the_room_but_while_it_connects(monkeypatch, problem):
    seen = []

    class Connection:
        def __init__(self, clock, on_message):
            pass

        async def open(self, *_):
            seen.append(link._room._held)
            raise problem

        async def close(self):
            seen.append("closed")

    monkeypatch.setattr(link_module, "Connection", Connection)
    settings = Settings(settings_members(broker_tls=True, broker_ca="ca.der"))
    link = link_module.Link(settings, Wired(), [], None, None)
    monkeypatch.setattr(link, "_tls_context", object)
    assert link._room._held
    with pytest.raises(type(problem)):
        asyncio.run(link._serve())
    assert seen == [None, "closed"]
    assert link._room._held
