"""Room for the next TLS connection: held whenever there is none."""

import asyncio
import builtins

import pytest
from node import link as link_module
from node import tls_room
from node.settings import Settings
from node.tls_room import PIECES_BYTES, TlsRoom

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


def held(room):
    return [len(piece) for piece in room._held]


@pytest.mark.parametrize(
    ("largest", "pieces"),
    [(100_000, list(PIECES_BYTES)), (16_000, [PIECES_BYTES[1]]), (4_000, [])],
)
def test_pieces_are_held_for_which_there_is_memory(memory, largest, pieces):
    memory[0] = largest
    assert held(TlsRoom(True)) == pieces


def test_room_is_taken_later_when_there_was_none(memory):
    memory[0] = 0
    room = TlsRoom(True)
    memory[0] = PIECES_BYTES[0]
    room.hold()
    room.hold()
    assert held(room) == list(PIECES_BYTES)


def test_no_memory_is_held_when_nothing_speaks_tls():
    assert held(TlsRoom(False)) == []


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
            seen.append(held(link._room))
            raise problem

        async def close(self):
            seen.append("closed")

    monkeypatch.setattr(link_module, "Connection", Connection)
    settings = Settings(settings_members(broker_tls=True, broker_ca="ca.der"))
    link = link_module.Link(settings, Wired(), [], None, None)
    monkeypatch.setattr(link, "_tls_context", object)
    assert held(link._room) == list(PIECES_BYTES)
    with pytest.raises(type(problem)):
        asyncio.run(link._serve())
    assert seen == [[], "closed"]
    assert held(link._room) == list(PIECES_BYTES)
