"""The wall clock, and the SNTP answers it takes or refuses."""

import asyncio
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node import sntp, time_sync
from node.clock import Clock
from node.slots import Slots
from node.time_sync import TimeSync, kept_ms
from node.wall_clock import EARLIEST_MS, HELD_MS, SURE_MS, WallClock

from hub import time_server
from tests.host.fakes.ticks import Ticks

NOW_MS = 1_800_000_000_000  # 2027-01-15
COOKIE = bytes(range(8))


class Calendar:
    """Stands for machine.RTC."""

    def datetime(self, parts):
        self.parts = parts


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def clock(ticks):
    return Clock(ticks.ticks_us, ticks.ticks_diff)


@pytest.fixture
def wall(clock):
    return WallClock(clock, 0, Calendar())


def answer(unix_ms=NOW_MS, cookie=COOKIE, first=0x24, stratum=3):
    """Return a server's answer, built from RFC 4330's figure 1."""
    seconds = (unix_ms // 1000 + 2_208_988_800) % (1 << 32)
    fraction = (unix_ms % 1000 << 32) // 1000 + 1
    stamp = seconds.to_bytes(4, "big") + fraction.to_bytes(4, "big")
    return bytes((first, stratum)) + bytes(22) + cookie + stamp + stamp


def test_clock_counts_each_us_when_it_is_read_at_any_pace(clock, ticks):
    passed_us = 0
    for step_us in (1, 998, 1, 999, 1_001, 0, 500, 77_777_777, 3):
        passed_us += step_us
        ticks.now_us += step_us
        assert (clock.now_us(), clock.now_ms()) == (passed_us, passed_us // 1_000)


def test_time_is_unknown_until_a_server_answered(wall, ticks):
    assert wall.unix_ms() is None and not wall.is_set()
    assert wall.set(NOW_MS) == 0
    ticks.advance_ms(1_234)
    assert wall.unix_ms() == NOW_MS + 1_234 and wall.is_set()


def test_calendar_shows_the_floor_until_the_time_is_known(clock):
    calendar = Calendar()
    wall = WallClock(clock, NOW_MS, calendar)
    assert calendar.parts == (2027, 1, 15, 4, 8, 0, 0, 0)  # a Friday, 08:00 UTC
    wall.set(NOW_MS + 61_000)
    assert calendar.parts == (2027, 1, 15, 4, 8, 1, 1, 0)


def test_time_stands_still_when_it_was_a_little_ahead(wall, ticks):
    wall.set(NOW_MS)
    assert wall.unix_ms() == NOW_MS
    assert wall.set(NOW_MS - HELD_MS) == 0
    ticks.advance_ms(HELD_MS - 1)
    assert wall.unix_ms() == NOW_MS
    ticks.advance_ms(11)
    assert wall.unix_ms() == NOW_MS + 10


@pytest.mark.parametrize("step_ms", [-86_400_000, -HELD_MS - 1, HELD_MS + 1, 86_400_000])
def test_time_jumps_and_says_so_when_it_was_far_off(wall, step_ms):
    wall.set(NOW_MS)
    wall.unix_ms()
    assert wall.set(NOW_MS + step_ms) == step_ms
    assert wall.unix_ms() == NOW_MS + step_ms


def test_time_goes_on_but_is_not_called_set_after_two_weeks_without_a_server(wall, ticks):
    wall.set(NOW_MS)
    for _ in range(SURE_MS // 60_000):  # the clock must be read before its ticks wrap
        ticks.advance_ms(60_000)
        wall.unix_ms()
    assert wall.unix_ms() == NOW_MS + SURE_MS
    assert not wall.is_set()


def test_answer_is_taken_when_it_is_whole_and_ours():
    assert sntp.unix_ms(answer(NOW_MS + 250), COOKIE) == NOW_MS + 250


def test_answer_is_taken_when_the_seconds_have_wrapped_in_2036():
    after_ms = 2_200_000_000_000  # 2039
    assert sntp.unix_ms(answer(after_ms), COOKIE) == after_ms


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        answer()[:47],
        answer(cookie=bytes(8)),  # not our question's
        answer(first=0x23),  # a client's
        answer(first=0x25),  # broadcast
        answer(first=0xE4),  # unsynchronised
        answer(stratum=0),  # "kiss of death"
        answer(stratum=16),
        answer()[:40] + bytes(8),
    ],
)
def test_answer_is_refused_when_it_is_not_a_servers_word_to_us(bad):
    assert sntp.unix_ms(bad, COOKIE) is None


@given(st.binary(max_size=100))
def test_no_answer_raises(content):
    sntp.unix_ms(content, COOKIE)
    sntp.unix_ms(content[:24] + COOKIE + content, COOKIE)


def test_server_answers_nothing_but_questions():
    question = sntp.question(COOKIE)
    assert len(time_server.answer(question, 1.0, True)) == 48
    assert time_server.answer(question[:47], 1.0, True) is None
    assert time_server.answer(time_server.answer(question, 1.0, True), 1.0, True) is None


def test_board_takes_nothing_from_a_hub_without_time():
    reply = time_server.answer(sntp.question(COOKIE), 1.0, False)
    assert sntp.unix_ms(reply, COOKIE) is None


class Served:
    """A board's TimeSync and the hub's TimeServer on a free port."""

    def __init__(self, tmp_path, floor_ms=0, is_synchronised=True):
        clock = Clock(lambda: time.monotonic_ns() // 1000, lambda later, earlier: later - earlier)
        self.wall = WallClock(clock, floor_ms, None)
        self.server = time_server.TimeServer("127.0.0.1", 0, lambda: is_synchronised)
        self.slots = Slots(str(tmp_path / "clock"))
        self._clock = clock

    def ask(self):
        """Ask once; return whether the clock was set."""

        async def once():
            await self.server.start()
            try:
                address = ("127.0.0.1", self.server.port)
                self.sync = TimeSync(address, self.wall, self._clock, self.slots)
                return await self.sync.once("127.0.0.1")
            finally:
                self.server.stop()

        return asyncio.run(once())


def test_board_has_the_hubs_time_when_it_asked(tmp_path):
    served = Served(tmp_path)
    assert served.ask()
    assert abs(served.wall.unix_ms() - time.time_ns() // 1_000_000) < 100


def test_board_stays_without_time_when_the_hub_has_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(time_sync, "ANSWER_MS", 500)
    served = Served(tmp_path, is_synchronised=False)
    assert not served.ask()
    assert served.wall.unix_ms() is None
    assert capsys.readouterr().out == "clock: no time from 127.0.0.1: it has none itself\n"


def test_board_refuses_a_time_before_what_is_known_to_be_past(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(time_sync, "ANSWER_MS", 500)
    served = Served(tmp_path, floor_ms=time.time_ns() // 1_000_000 + 60_000)
    assert not served.ask()
    assert "its time is before what is known to be past" in capsys.readouterr().out


def test_floor_is_kept_in_flash_once_the_broker_is_connected(tmp_path):
    served = Served(tmp_path)
    served.ask()
    assert kept_ms(served.slots) == 0  # a forged answer must not reach the flash
    served.sync.keep()
    kept = kept_ms(Slots(str(tmp_path / "clock")))
    assert EARLIEST_MS < kept <= served.wall.unix_ms()
    served.sync.keep()  # not again within a day: the flash wears
    assert kept_ms(Slots(str(tmp_path / "clock"))) == kept


def test_nobody_answering_raises_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(time_sync, "ANSWER_MS", 50)
    served = Served(tmp_path)
    sync = TimeSync(("127.0.0.1", 9), served.wall, served._clock, served.slots)
    for _ in range(2):
        assert not asyncio.run(sync.once("127.0.0.1"))
    assert capsys.readouterr().out == "clock: no time from 127.0.0.1: no answer\n"  # said once


def test_boards_ask_at_different_times_when_they_started_together():
    random.seed(7)
    pauses = [time_sync._jittered(time_sync.PERIOD_MS) for _ in range(100)]
    assert min(pauses) >= time_sync.PERIOD_MS // 2
    assert max(pauses) < time_sync.PERIOD_MS * 3 // 2
    assert max(pauses) - min(pauses) > time_sync.PERIOD_MS // 2
