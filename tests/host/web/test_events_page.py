"""Demand-response events on the page: the coordinator announces one, all see how it went."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from hub.services.events import GRACE_MS, EventDesk
from hub.site_clock import SiteClock, wall_ms
from hub.web.parts import PageParts
from hub.web.server import PageServer
from tests.host.web.test_page import Visit, chromium, expect, pytestmark  # noqa: F401


class Washer:
    """A store with one house of 900 VA, 600 W of which are its washer's."""

    def __init__(self):
        self.kept = None

    def state(self, name):
        return self.kept

    def set_state(self, name, value):
        self.kept = value

    def latest_readings(self):
        return {"house-1": {"load_power_uw": None}}

    def readings_between(self, start_ms, end_ms, node=None):
        told = {"node": "house-1", "load_power_uw": None, "load_apparent_uva": 900_000_000}
        return [{**told, "received_at_ms": end_ms - 1_000}]

    def plug_readings(self, plug, since_ms):
        return [{"at_ms": wall_ms() - 1_000, "power_uw": 600_000_000, "is_on": False}]

    def registers_at(self, node, before_ms):
        return {"load_import_uwh": None, "load_apparent_uvah": 0}  # nothing was used


@pytest.fixture
def desk():
    clock = SiteClock(datetime.datetime(2017, 6, 5, 12), wall_ms(), 60, zoneinfo.ZoneInfo("UTC"))
    return EventDesk(Washer(), clock, {"house-1": ["washer"]})


def test_page_announces_an_event_and_shows_what_was_verified(
    desk,
    chromium,  # noqa: F811
    site,
    service,
    monkeypatch,
):
    server = PageServer(service, site.config, 0, PageParts(events=desk))
    server.start()
    visit = Visit(chromium, server.url)
    try:
        panel = visit.tab.locator("#events-panel")
        panel.get_by_text("Announce an event").click()
        for name, value in (("in_minutes", "soon"), ("for_minutes", "60"), ("reward", "0.2")):
            visit.tab.fill(f"#event-{name}", value)
        visit.tab.click("#event-send")
        expect(visit.tab.locator("#event-error")).to_contain_text("minutes until it begins")
        visit.tab.fill("#event-in_minutes", "30")
        visit.tab.click("#event-send")
        expect(panel).to_contain_text("house-1 promised 10.0 Wh.")
        [event] = desk.records()
        monkeypatch.setattr("hub.services.events.wall_ms", lambda: event["end_ms"] + GRACE_MS)
        desk.look()
        expect(panel).to_contain_text("10.0 Wh verified by its meter")
        expect(panel).to_contain_text("paid outside the chain")
    finally:
        visit.context.close()
        server.stop()
    assert visit.complaints == [] and visit.foreign == []
