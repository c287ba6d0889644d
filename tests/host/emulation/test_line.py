"""A console on a TCP port: one client at a time, bytes no faster than the board takes them."""

import asyncio
from collections import deque

import pytest

from tools.emulation.line import BUSY, Line


class Console:
    """A board's console that takes `room` bytes and then no more until read."""

    def __init__(self, room=4):
        self.room = room
        self.taken = deque()
        self.tx_fifo = self

    @property
    def full(self):
        return len(self.taken) >= self.room

    def send_serial_byte(self, data):
        assert not self.full
        self.taken.append(data)

    def read(self):
        """Return what waits and make room."""
        found = bytes(self.taken)
        self.taken.clear()
        return found


@pytest.fixture
def console():
    return Console()


async def connect(address):
    host, port = address.removeprefix("socket://").split(":")
    return await asyncio.open_connection(host, int(port))


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def served(console, client):
    """Run `client(line, address)` against a line."""

    async def run():
        line = Line(console)
        address = await line.start(0)
        try:
            await client(line, address)
        finally:
            await line.stop()

    asyncio.run(run())


def test_board_gets_all_that_is_typed_when_it_takes_little_at_a_time(console):
    async def client(line, address):
        _, writer = await connect(address)
        writer.write(b"print(1)\r")
        got = b""
        while len(got) < 9:
            await until(lambda: console.taken)
            got += console.read()
        assert got == b"print(1)\r"
        writer.close()

    served(console, client)


def test_client_hears_the_board(console):
    async def client(line, address):
        line.say(b"lost: nobody was there")
        reader, writer = await connect(address)
        writer.write(b"x")
        await until(lambda: console.taken)
        line.say(b">>> ")
        assert await reader.readexactly(4) == b">>> "
        writer.close()

    served(console, client)


def test_second_client_is_told_that_the_port_is_busy(console):
    async def client(line, address):
        _, first = await connect(address)
        first.write(b"x")
        await until(lambda: console.taken)
        reader, second = await connect(address)
        assert await reader.read() == BUSY
        second.close()
        console.read()
        first.write(b"y")
        await until(lambda: console.taken)
        first.close()

    served(console, client)


def test_next_client_is_served_when_the_first_left_a_board_that_takes_nothing(console):
    console.room = 0

    async def client(line, address):
        _, first = await connect(address)
        first.write(b"never read")
        await first.drain()
        first.close()
        reader, second = await connect(address)
        second.write(b"y")
        console.room = 4
        await until(lambda: console.taken)
        assert console.read() == b"y"
        second.close()

    served(console, client)
