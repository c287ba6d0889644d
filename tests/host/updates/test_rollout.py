"""The hub's side of an update: offers, chunks, confirmations, and a journal that outlives it."""

import asyncio
import base64

import pytest
from wire import units

from hub.mqtt.ingest import Stored
from hub.store import PackageRow, Store
from hub.updates.rollout import GIVE_UP_MS, OFFER_AGAIN_MS, Rollouts

CONTENT = bytes(range(256)) * 20
PACKAGE = PackageRow("ab" * 16, 7, "0.7.0", len(CONTENT))


class Site:
    """A hub's rollouts with two nodes; what is said to them is kept."""

    def __init__(self, path):
        self.path = path
        self.now_ms = 1_000_000
        self.alive = {"house-1", "house-2", "house-3"}
        self.seq = 0
        self.start()

    def start(self):
        """Start the hub, or start it again after it was killed."""
        self.said = []
        self.store = Store.open(self.path)
        self.told = []
        self.rollouts = Rollouts(
            self.store, self, self, self.told.append, now_ms=lambda: self.now_ms
        )

    def is_alive(self, node):
        return node in self.alive

    def update(self, node, what, **members):
        self.said.append((node, what, members))
        return True

    def begin(self, *nodes, at_once=4):
        return self.store.begin_rollout(PACKAGE, CONTENT, nodes, at_once)

    def hear(self, node, kind, **members):
        """Store what a node said, as the ingest does, and pass it on."""
        self.seq += 1
        record = {"boot_id": 1, "seq": self.seq, "t_ms": None, **members}
        self.store.store_record(node, kind, record, (self.now_ms, self.now_ms))
        self.rollouts.hear([Stored(node, kind, record, self.now_ms)])

    def event(self, node, code, reason=None, value=7):
        self.hear(node, "event", code=code, reason=reason, delivery_id=None, value=value)
        self.rollouts.step()

    def states(self):
        return [row.state for row in self.store.rollout()]

    def whats(self, node="house-1"):
        return [what for each, what, _ in self.said if each == node]


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "store.db")
    yield site
    site.store.close()


def fetch(site, offset, count, node="house-1", package_id=PACKAGE.package_id):
    site.said.clear()
    site.hear(node, "fetch", package_id=package_id, offset=offset, count=count)
    return [members for _, what, members in site.said if what == "chunk"]


def test_package_is_offered_when_a_node_is_alive(site):
    site.alive = {"house-1"}
    site.begin("house-1", "house-2")
    site.rollouts.step()
    members = {"package_id": PACKAGE.package_id, "number": 7, "size": len(CONTENT)}
    assert site.said == [("house-1", "offer", members)]
    assert site.states() == ["offered", "waiting"]


def test_chunks_are_the_package_when_a_node_asks_for_all(site):
    site.begin("house-1")
    site.rollouts.step()
    got = b""
    while len(got) < len(CONTENT):
        chunks = fetch(site, len(got), 4)
        assert [chunk["offset"] for chunk in chunks][0] == len(got)
        parts = [base64.b64decode(chunk["data"]) for chunk in chunks]
        assert all(len(part) <= units.CHUNK_BYTES for part in parts)
        got += b"".join(parts)
    assert got == CONTENT
    assert site.store.rollout()[0].sent_bytes == len(CONTENT)
    assert fetch(site, len(CONTENT), 4) == []


def test_transfer_is_ended_when_a_node_asks_for_what_nobody_offers(site):
    site.begin("house-1")
    site.rollouts.step()
    assert fetch(site, 0, 4, package_id="cd" * 16) == []
    assert site.whats() == ["cancel"]
    assert fetch(site, 0, 4, node="house-3") == []
    assert site.whats("house-3") == ["cancel"]


def test_node_is_confirmed_when_it_is_on_trial_whatever_the_hub_remembers(site):
    site.rollouts.hear([Stored("house-2", "status", {"state": "trial"}, site.now_ms)])
    site.rollouts.hear([Stored("house-1", "status", {"state": "idle"}, site.now_ms)])
    assert site.said == [("house-2", "confirm", {})]


def test_update_is_done_when_the_node_says_so(site):
    site.begin("house-1")
    site.rollouts.step()
    fetch(site, 0, 4)
    for code, state in (
        ("update_staged", "staged"),
        ("update_on_trial", "trial"),
        ("update_confirmed", "done"),
    ):
        site.event("house-1", code)
        assert site.states() == [state]


def test_each_state_is_told_once_however_often_the_hub_looks(site):
    site.begin("house-1")
    site.rollouts.step()
    for code in ("update_staged", "update_on_trial", "update_confirmed"):
        site.event("house-1", code)
        site.rollouts.step()
    states = [text.removeprefix("firmware for house-1: ") for text in site.told]
    assert states == ["offered", "staged", "trial", "done"]


def test_events_of_another_release_do_not_count(site):
    site.begin("house-1")
    site.rollouts.step()
    site.event("house-1", "update_refused", "not_newer", value=6)
    assert site.states() == ["offered"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("update_refused", "wrong_arch"), ("update_rolled_back", "did_not_start")],
)
def test_rollout_stops_when_a_node_fails(site, code, reason):
    site.begin("house-1", "house-2", "house-3", at_once=1)
    site.rollouts.step()
    site.event("house-1", code, reason)
    site.rollouts.step()
    assert site.states() == ["failed", "stopped", "stopped"]
    assert site.store.rollout()[0].reason == reason
    assert site.whats("house-2") == []


def test_nodes_come_one_after_the_other_when_told_to(site):
    site.begin("house-1", "house-2", at_once=1)
    site.rollouts.step()
    site.rollouts.step()
    assert site.states() == ["offered", "waiting"]
    site.event("house-1", "update_confirmed")
    site.rollouts.step()
    assert site.states() == ["done", "offered"]


def test_package_is_offered_again_when_a_node_fell_silent(site):
    site.begin("house-1")
    site.rollouts.step()
    site.now_ms += OFFER_AGAIN_MS - 1
    site.rollouts.step()
    assert site.whats() == ["offer"]
    site.now_ms += 1
    site.rollouts.step()
    assert site.whats() == ["offer", "offer"]


def test_node_is_given_up_when_it_never_answers(site):
    site.begin("house-1", "house-2", at_once=1)
    site.rollouts.step()
    site.now_ms += GIVE_UP_MS["offered"]
    site.rollouts.step()
    site.rollouts.step()
    assert site.states() == ["failed", "stopped"]
    assert site.store.rollout()[0].reason == "no_answer"


def test_hub_goes_on_when_it_was_killed_at_any_step(site):
    site.begin("house-1", "house-2", at_once=1)
    for code in (None, "update_staged", "update_on_trial", "update_confirmed"):
        site.store.close()
        site.start()
        if code:
            # Stored by the ingest, and then the hub was killed before it looked.
            site.hear("house-1", "event", code=code, reason=None, delivery_id=None, value=7)
            site.store.close()
            site.start()
        site.rollouts.step()
    site.rollouts.step()
    assert site.states() == ["done", "offered"]


def test_second_rollout_is_refused_when_the_first_has_not_ended(site):
    assert site.begin("house-1") == 1
    assert site.begin("house-2") is None
    site.rollouts.step()
    site.event("house-1", "update_confirmed")
    assert site.begin("house-2") == 2


def test_rollout_goes_on_at_once_when_it_is_told_of(tmp_path):
    site = Site(tmp_path / "store.db")

    async def story():
        running = asyncio.create_task(site.rollouts.run())
        await asyncio.sleep(0)
        assert site.said == []
        site.begin("house-1")
        site.rollouts.wake()  # as the signal of `trueque hub update` does
        while not site.said:
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 10))
    assert site.whats() == ["offer"]
    site.store.close()
