"""What the page offers of bridges: plugs to switch, metrics to scrape, a sign-in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hub.bridges.part import BridgesPart
from hub.web import create_app
from hub.web.parts import PageParts
from tests.host.bridges.doubles import checked, wait_for
from tests.host.bridges.servers import TasmotaServer


@pytest.fixture
def open_page(site):
    """Return a function that opens the page of a hub with these tables of [bridges]."""
    running = []

    def make(**tables):
        part = BridgesPart(checked(**tables), site.parts(), site.path)
        running.append(part)
        part.start()
        config = SimpleNamespace(data_dir=site.path)
        app = create_app(None, config, {"TESTING": True}, PageParts(bridges=part))
        return app.test_client()

    yield make
    for one in running:
        one.stop()


def plug(server, **changes):
    return {
        "name": "kettle",
        "house": "house-1",
        "address": server.address,
        "period_s": 1,
    } | changes


def token(client):
    return {"X-CSRF-Token": client.get("/api/session").json["csrf_token"]}


def test_plug_is_switched_when_its_house_asks_the_page(open_page, serve):
    found = serve(TasmotaServer())
    client = open_page(plugs=[plug(found)])
    body = {"peer": "house-1", "is_on": False}
    answer = client.post("/api/plugs/kettle", json=body, headers=token(client))
    assert (answer.status_code, answer.json["is_on"]) == (200, False)
    assert found.is_on is False


@pytest.mark.parametrize(
    "body, status, sentence",
    [({"peer": "house-2", "is_on": False}, 409, "Only house-1"),
     ({"is_on": False}, 400, "which house"),
     ({"peer": "house-1", "is_on": "off"}, 400, "true or false"), ([], 400, "which house")],
)  # fmt: skip
def test_plug_stays_as_it_is_when_the_request_is_wrong(open_page, serve, body, status, sentence):
    found = serve(TasmotaServer())
    client = open_page(plugs=[plug(found)])
    answer = client.post("/api/plugs/kettle", json=body, headers=token(client))
    assert answer.status_code == status and sentence in answer.json["error"]
    assert found.is_on


def test_plug_stays_as_it_is_when_the_request_has_no_token(open_page, serve):
    found = serve(TasmotaServer())
    client = open_page(plugs=[plug(found)])
    answer = client.post("/api/plugs/kettle", json={"peer": "house-1", "is_on": False})
    assert answer.status_code == 403 and found.is_on


def test_metrics_can_be_scraped_when_prometheus_is_on(site, open_page, serve):
    found = serve(TasmotaServer())
    site.feed("house-1", 1_700_000_000_000, pv_voltage_uv=18_250_000, pv_export_uwh=5_000_000)
    client = open_page(prometheus={}, plugs=[plug(found)])
    wait_for(lambda: site.store.latest_plugs())
    text = client.get("/metrics").get_data(as_text=True)
    samples = {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    pv = (("node", "house-1"), ("port", "pv"))
    assert samples[("trueque_volts", *pv)] == 18.25
    assert samples[("trueque_energy_watt_hours_total", *pv, ("way", "export"))] == 5.0
    kettle = (("house", "house-1"), ("plug", "kettle"))
    assert samples[("trueque_plug_watts", *kettle)] == 56.0
    assert samples[("trueque_bridge_up", ("bridge", "plug kettle"))] == 1
    assert not [name for name in samples if name[0] == "trueque_volts" and "battery" in str(name)]


def test_metrics_say_what_is_missing_when_prometheus_is_off(open_page):
    answer = open_page().get("/metrics")
    assert answer.status_code == 404 and "[bridges.prometheus]" in answer.json["error"]


def test_page_is_empty_of_bridges_when_none_is_on(open_page):
    client = open_page()
    assert client.get("/api/bridges").json == {"plugs": [], "states": []}
    assert client.get("/api/thingspeak").json == client.get("/api/plugs/usage").json == {}
    assert client.get("/ewelink/sign-in").status_code == 409


def test_sign_in_is_refused_when_another_site_leads_back(open_page, site):
    tables = {"ewelink": {"api_url": "http://127.0.0.1:9"}}
    answer = open_page(**tables).get("/redirectUrl?code=1&region=us&state=forged")
    assert answer.status_code == 409 and "not begun here" in answer.json["error"]
