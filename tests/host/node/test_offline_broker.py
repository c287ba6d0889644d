"""A board under MicroPython, cut off from Mosquitto and back: all arrives once and in order."""

import itertools
import json
import os
import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest

from hub.certificates import BROKER_NAME, ensure
from hub.mqtt.broker import Broker, find_mosquitto
from hub.mqtt.ingest import Ingest
from hub.mqtt.link import Link
from hub.processes import free_port
from hub.site_clock import SiteClock
from hub.store import Store
from tests.host.hub.conftest import loop_thread  # noqa: F401
from tests.host.hub.test_ingest import until
from tests.host.node.rig import KEY_UP, NODE, settings_members

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[2] / "firmware" / "pico"
PASSWORDS = {"hub": "hub-word", NODE: "secret"}


class Board:
    """The process of one board; its flash is `directory`."""

    def __init__(self, broker, directory):
        directory.mkdir(exist_ok=True)
        members = settings_members(
            broker_port=broker.port,
            broker_name=BROKER_NAME,
            broker_tls=True,
            broker_ca=str(broker.tls.authority_der),
        )
        (directory / "settings.json").write_text(json.dumps(members))
        self._directory = directory
        self.log = []
        self.power_on()

    def power_on(self):
        argv = [sys.executable, "-m", "micropython_unix", str(HERE / "on_board_offline.py")]
        self._process = subprocess.Popen(
            [*argv, "settings.json"],
            cwd=self._directory,
            env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def say(self, words):
        self._process.stdin.write(words + "\n")
        return self.until(words)

    def until(self, start):
        """Return the next line that starts so."""
        for line in self._process.stdout:
            self.log.append(line.strip())
            if line.startswith(start):
                return line.strip()
        raise AssertionError(f"the board ended before {start!r}: {self.log}")

    def power_off(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


@pytest.fixture
def broker(loop_thread, tmp_path):  # noqa: F811
    if find_mosquitto() is None:
        pytest.skip("Mosquitto is not installed")
    files, _ = ensure(tmp_path / "tls", [])
    made = Broker("mosquitto", free_port(), tmp_path / "broker", PASSWORDS, files)
    loop_thread(made.start())
    yield made
    loop_thread(made.stop())


@pytest.fixture
def hub(broker, tmp_path):
    """Link, ingest and store as the hub composes them; `heard` is (kind, seq) in order."""
    store = Store.open(tmp_path / "store.db")
    heard = []
    ingest = Ingest(
        store,
        SiteClock.real(zoneinfo.ZoneInfo("UTC")),
        {NODE: KEY_UP},
        lambda batch: heard.extend((one.kind, one.record["seq"]) for one in batch),
    )
    address = (broker.host, broker.port)
    link = Link(address, "hub-word", ingest.put, authority=broker.tls.authority)
    ingest.start(link.acknowledge)
    link.start()
    until(lambda: link.is_connected, "connecting")
    store.heard = heard
    yield store
    link.stop()
    ingest.stop()
    store.close()


@pytest.fixture
def board(broker, tmp_path):
    made = Board(broker, tmp_path / "flash")
    yield made
    made.power_off()


def arrived(hub, count):
    until(lambda: len(hub.aggregates()) >= count, f"{count} aggregates")
    return hub.aggregates()


def test_aggregates_arrive_once_and_in_order_after_the_link_was_cut(board, hub):
    board.until("up")
    board.say("live")
    until(lambda: ("reading", 1_800_000_000_000) in hub.heard, "the first reading")
    board.say("cut")
    # The link notices within a tick; readings from then on are aggregates.
    assert board.say("absent 1200").endswith(" 19")  # the first minute begins with its reading
    board.say("mend")
    board.until("up")
    found = arrived(hub, 20)
    assert [one["seq"] for one in found] == sorted({one["seq"] for one in found})
    for before, one in itertools.pairwise(found):  # periods without a gap between them
        assert one["uptime_ms"] - before["uptime_ms"] == one["duration_ms"]
    assert all(60_000 <= one["duration_ms"] < 61_000 for one in found[1:19])
    energies = [one["bus_import_uwh"] for one in found]
    assert energies == sorted(energies) and energies[-1] == 1_201
    assert [one["bus_power_uw"] for one in found] == [3_600] * 20
    times = [one["t_ms"] for one in found]
    assert times == sorted(times) and times[0] > 1_800_000_000_000
    counts = hub.message_counts()
    assert counts["rejected"] == {} and counts["duplicate"] == 0
    # What is live went first: the readings that waited, then all aggregates.
    kinds = [kind for kind, _ in hub.heard]
    assert kinds.index("aggregate") > max(
        place for place, kind in enumerate(kinds) if kind == "reading"
    )
    assert not list((board._directory).glob("aggregates.*"))


def test_live_records_do_not_wait_for_the_aggregates(board, hub):
    board.until("up")
    board.say("cut")
    board.say("absent 6000")
    board.say("mend")
    board.until("up")
    board.say("live")
    until(lambda: any(kind == "event" for kind, _ in hub.heard), "the event")
    before = [kind for kind, _ in hub.heard][: [kind for kind, _ in hub.heard].index("event")]
    assert before.count("aggregate") < 99
    assert len(arrived(hub, 100)) == 100


def test_aggregates_arrive_once_when_power_goes_while_they_wait_and_while_they_are_sent(
    board, broker, hub
):
    board.until("up")
    board.say("cut")
    board.say("absent 3000")
    board.power_off()
    board.power_on()
    board.until("up")
    until(lambda: len(hub.aggregates()) >= 5, "some aggregates")
    board.power_off()
    board.power_on()
    found = arrived(hub, 49)
    assert len(found) == 49 and len({one["seq"] for one in found}) == 49
    assert hub.message_counts()["rejected"] == {}
