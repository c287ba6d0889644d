"""Names become addresses, from answers that are whole and ours."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node import resolver
from node.addresses import address_of

QUESTION = b"\x03hub\x07example\x00\x00\x01\x00\x01"
POINTER = b"\xc0\x0c"


def record(kind=1, content=b"\xc0\x00\x02\x07", group=1):
    return (
        POINTER
        + kind.to_bytes(2, "big")
        + group.to_bytes(2, "big")
        + bytes(4)
        + len(content).to_bytes(2, "big")
        + content
    )


def head(number, answers, flags=0x8180):
    words = (flags, 1, answers, 0, 0)
    return number + b"".join(word.to_bytes(2, "big") for word in words)


class NameServer(asyncio.DatagramProtocol):
    """Answers each question with what `reply(question)` returns, or not."""

    def __init__(self, reply):
        self.questions = []
        self._reply = reply

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.questions.append(data)
        answer = self._reply(data)
        if answer is not None:
            self.transport.sendto(answer, addr)


def look_up(host, reply, monkeypatch):
    """Return (address, the server) of one look-up."""
    monkeypatch.setattr(resolver, "ANSWER_MS", 60)

    async def scenario():
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            lambda: NameServer(reply), local_addr=("127.0.0.1", 0)
        )
        try:
            found = await address_of(host, transport.get_extra_info("sockname"))
        finally:
            transport.close()
        return found, server

    return asyncio.run(scenario())


def test_number_is_its_own_address(monkeypatch):
    found, server = look_up("192.0.2.7", lambda question: None, monkeypatch)
    assert found == "192.0.2.7" and server.questions == []


def test_name_is_resolved_when_an_alias_comes_first(monkeypatch):
    def reply(question):
        return head(question[:2], 2) + QUESTION + record(5, b"\x01x\xc0\x10") + record()

    found, server = look_up("hub.example", reply, monkeypatch)
    assert found == "192.0.2.7"
    assert server.questions[0][12:] == QUESTION


def test_name_is_resolved_when_the_first_answer_is_lost(monkeypatch):
    answers = iter([None])

    def reply(question):
        return next(answers, head(question[:2], 1) + QUESTION + record())

    assert look_up("hub.example", reply, monkeypatch)[0] == "192.0.2.7"


@pytest.mark.parametrize(
    "reply",
    [
        lambda question: None,
        lambda question: head(question[:2], 0, 0x8183) + QUESTION,  # no such name
        lambda question: head(question[:2], 0) + QUESTION,
        lambda question: head(b"\0\0", 1) + QUESTION + record(),  # to another question
        lambda question: question,
        lambda question: head(question[:2], 1) + QUESTION + record()[:9],
        lambda question: head(question[:2], 1) + b"\xff" * 30,
    ],
)
def test_sentence_names_the_host_when_nobody_knows_it(reply, monkeypatch):
    with pytest.raises(OSError, match=r"no address for the name hub\.example"):
        look_up("hub.example", reply, monkeypatch)


@given(st.binary(max_size=80), st.booleans())
def test_no_answer_raises(content, is_ours):
    resolver._read((b"\0\1\x81\x80" if is_ours else b"") + content, 1)
