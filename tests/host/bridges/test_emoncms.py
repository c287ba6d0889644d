"""emoncms: what is stored arrives once, with its own time, also after it was away."""

from __future__ import annotations

from hub.bridges.emoncms import EmoncmsBridge
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import EmoncmsServer

START_MS = 1_700_000_000_000


def feed(site, count, first=0):
    for number in range(first, first + count):
        for node in ("house-1", "house-2"):
            site.feed(node, START_MS + number * 1_000, pv_power_uw=number * 1_000_000)


def begin(site, server, **secrets):
    wanted = checked(emoncms={"url": server.url, "period_s": 1}).emoncms
    return EmoncmsBridge(wanted, site.parts(**secrets))


def test_emoncms_gets_named_values_with_their_time_when_readings_were_stored(site, run, serve):
    server = serve(EmoncmsServer())
    run(begin(site, server))
    wait_for(lambda: len(site.store.state("bridge emoncms") or {}) == 2)
    feed(site, 4)
    wait_for(lambda: len(server.rows) == 6)  # the last second may still get a reading
    mine = [row for row in server.rows if row[1] == "house-1"]
    assert mine == [(1_700_000_000 + n, "house-1", "pv_power_w", float(n)) for n in range(3)]


def test_emoncms_gets_everything_once_when_it_was_away(site, run, serve):
    server = serve(EmoncmsServer())
    running = run(begin(site, server))
    wait_for(lambda: len(site.store.state("bridge emoncms") or {}) == 2)
    server.is_away = True
    feed(site, 400)
    wait_for(lambda: running.states()[0].restarts >= 2)
    server.is_away = False
    wait_for(lambda: len(server.rows) == 798)
    assert len(set(server.rows)) == 798


def test_emoncms_keeps_what_it_has_when_the_key_is_wrong(site, run, serve):
    server = serve(EmoncmsServer())
    run(begin(site, server, secrets={"emoncms.write_key": "WRONG"}))
    wait_for(lambda: len(site.store.state("bridge emoncms") or {}) == 2)
    feed(site, 3)
    wait_for(lambda: site.said)
    assert "rejected (200, b'Invalid API key')" in site.said[0]
    assert site.store.state("bridge emoncms")["house-1"]["sent_at_ms"] == 0
