"""Site time and the windows it opens."""

from __future__ import annotations

import asyncio
import datetime
import zoneinfo
from types import SimpleNamespace

import pytest

from hub import config
from hub.chain.records import ChainUnavailable, ContractRefused, SignedCall, StaleCall
from hub.coordinator.kinds import largest_trade_uwh
from hub.schedule import Coordinator, next_daily_slots, once_slots
from hub.site_clock import SiteClock

ZONE = zoneinfo.ZoneInfo("America/Los_Angeles")
START = datetime.datetime(2017, 3, 28, 10, 15)
T0 = 1_700_000_000_000


@pytest.fixture
def site(tmp_path):
    return config.check(
        {"houses": [{"name": f"house-{n}"} for n in range(1, 6)], "clock": {"speed": 60}},
        tmp_path,
    )


@pytest.fixture
def clock():
    return SiteClock(START, T0, 60, ZONE)


def next_daily_slot(site, clock, at_ms):
    """Return the window of a delivery that has one."""
    (slot,) = next_daily_slots(site, clock, at_ms)
    return slot


def local(clock, at_s):
    return f"{clock.at(at_s * 1000):%H:%M:%S}"


def test_clock_runs_an_hour_a_minute_when_its_speed_is_60(clock):
    assert f"{clock.at(T0 + 60_000):%Y-%m-%d %H:%M}" == "2017-03-28 11:15"
    assert clock.wall_ms_of(datetime.datetime(2017, 3, 28, 11, 15)) == T0 + 60_000


def test_clock_goes_back_and_forth_when_the_day_has_23_hours(clock):
    after = datetime.datetime(2018, 3, 11, 4, 0)  # summer time began at 2:00 that night
    assert clock.at(clock.wall_ms_of(after)).replace(tzinfo=None) == after


def test_real_clock_is_wall_time():
    clock = SiteClock.real(ZONE)
    assert clock.speed == 1
    assert clock.site_ms(clock.started_at_ms + 5_000) - clock.site_ms(clock.started_at_ms) == 5_000


def test_slot_is_the_thesis_morning_when_it_is_a_quarter_past_ten(site, clock):
    slot = next_daily_slot(site, clock, T0)
    terms = slot.terms
    assert slot.key == "window:2017-03-28T10:30"
    assert local(clock, terms.bid_start) == "10:30:00"
    assert local(clock, terms.bid_end) == local(clock, terms.delivery_start) == "13:00:00"
    assert local(clock, terms.delivery_end) == "14:00:00"
    assert terms.report_by == terms.delivery_end + 120


def test_slot_is_the_afternoon_when_the_morning_has_no_time_for_bids_left(site, clock):
    just_before = clock.wall_ms_of(datetime.datetime(2017, 3, 28, 12, 55))  # 5 s of wall time
    assert next_daily_slot(site, clock, just_before).key == "window:2017-03-28T14:00"


def test_slot_is_tomorrow_when_the_day_is_over(site, clock):
    evening = clock.wall_ms_of(datetime.datetime(2017, 3, 28, 18, 0))
    assert next_daily_slot(site, clock, evening).key == "window:2017-03-29T10:30"


def test_every_pair_gets_its_turn_when_orders_are_as_large_as_allowed(site):
    delivery_ms = 60_000
    largest_uwh = largest_trade_uwh(site, (0, delivery_ms))
    turn_ms = largest_uwh * 3_600_000 // (site.bus.rated_power_uw * 9 // 10)
    assert largest_uwh >= site.market.min_energy_uwh
    assert 2 * (turn_ms + 5_000) <= delivery_ms


def test_once_window_has_time_for_every_pair(site):
    (slot,) = once_slots(site, 3, T0)
    terms = slot.terms
    slowest_ms = terms.max_energy_uwh * 3_600_000 // site.bus.rated_power_uw * 2
    assert terms.bid_start == T0 // 1000
    assert terms.bid_end == terms.bid_start + site.schedule.once_bids_s
    assert (terms.delivery_end - terms.delivery_start) * 1000 >= 2 * slowest_ms
    assert once_slots(site, 4, T0)[0].key != slot.key


class Chain:
    """A contract that counts windows; it fails as often and as a test wants."""

    def __init__(self, failures=(), times=()):
        self.opened = []
        self.times = list(times)
        self.mined = {}
        self.failures = list(failures)
        self.nonce = 0

    def execute(self, account, function, *args, before_send):
        self.nonce += 1
        call = SignedCall(f"{function}-{self.nonce}".encode(), f"0x{self.nonce}")
        before_send(call)
        return self.send(call)

    def head(self):
        return 1, self.times.pop(0) if self.times else 0

    def send(self, call, account=None):
        if call.raw in self.mined:
            return self.mined[call.raw]
        if self.failures:
            problem, is_mined = self.failures.pop(0)
            if is_mined:
                self._mine(call)
            raise problem
        return self._mine(call)

    def _mine(self, call):
        self.opened.append(call.raw)
        event = SimpleNamespace(args={"window_id": len(self.opened)})
        self.mined[call.raw] = SimpleNamespace(events=(event,))
        return self.mined[call.raw]


def open_slot(site, store, chain, clock, monkeypatch):
    monkeypatch.setattr("hub.schedule.RETRY_S", 0)
    coordinator = Coordinator(site, store, chain, None, clock)
    return asyncio.run(coordinator.open(next_daily_slot(site, clock, T0)))


@pytest.mark.parametrize(
    "failures",
    [
        [],
        [(ChainUnavailable("gone before it was sent"), False)],
        [(ChainUnavailable("gone before the receipt"), True)],
        [(StaleCall("overtaken"), False)],
    ],
)
def test_window_is_opened_once_when_the_chain_fails_in_between(
    site, store, clock, monkeypatch, failures
):
    chain = Chain(failures)
    assert open_slot(site, store, chain, clock, monkeypatch) == 1
    assert len(chain.opened) == 1


def test_window_waits_when_the_chain_is_ahead_of_the_clock(site, store, clock, monkeypatch):
    chain = Chain(times=[2**40])
    assert open_slot(site, store, chain, clock, monkeypatch) == 1
    assert chain.times == []


def test_window_is_found_again_when_the_hub_restarts(site, store, clock, monkeypatch):
    chain = Chain()
    open_slot(site, store, chain, clock, monkeypatch)
    assert open_slot(site, store, chain, clock, monkeypatch) == 1
    assert len(chain.opened) == 1
    assert store.kept_transaction("window:2017-03-28T10:30").is_done


def test_refusal_comes_out_when_the_contract_takes_no_such_window(site, store, clock, monkeypatch):
    refusal = ContractRefused("WindowTimesOutOfOrder", {}, "no")
    with pytest.raises(ContractRefused):
        open_slot(site, store, Chain([(refusal, False)]), clock, monkeypatch)


def test_no_window_is_opened_while_the_clock_follows_no_time_server(
    site, store, clock, monkeypatch
):
    """The window that was due is opened as soon as the clock is right."""
    monkeypatch.setattr("hub.schedule.CLOCK_LOOK_S", 0)
    bids_ms = clock.wall_ms_of(datetime.datetime(2017, 3, 28, 11, 0))
    monkeypatch.setattr("hub.schedule.wall_ms", lambda: bids_ms)
    chain, said, looks = Chain(), [], []

    def is_trusted():
        looks.append(len(chain.opened))
        return len(looks) > 3

    coordinator = Coordinator(
        site, store, chain, None, clock, said.append, is_clock_trusted=is_trusted
    )

    async def story():
        running = asyncio.create_task(coordinator.run_daily())
        while not store.plans():
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 10))
    assert looks == [0, 0, 0, 0]
    assert [text for text in said if "follows no time server" in text] == said[:1]
    assert len(chain.opened) == 1


def test_single_window_waits_until_a_board_that_completes_them_is_heard(
    site, store, clock, monkeypatch
):
    coordinator = Coordinator(site, store, Chain(), None, clock)
    measuring = []

    async def story():
        opening = asyncio.create_task(coordinator.run_once(1, lambda: len(measuring) == 2))
        for node in ("house-1", "house-2"):
            await asyncio.sleep(0)
            assert not store.plans()
            measuring.append(node)
            coordinator.wake()
        return await opening

    assert asyncio.run(asyncio.wait_for(story(), 10)) == [1]
