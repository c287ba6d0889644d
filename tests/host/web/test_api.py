"""The JSON interface, its refusals, and what keeps other sites out."""

from __future__ import annotations

import json
import re
import socket
import stat
import urllib.request
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from hub import web
from hub.errors import PortInUse
from hub.services.order_rules import Refused
from hub.web.parts import PageParts
from hub.web.security import cookie_name, secret_key
from hub.web.server import PageServer

ORDER = {"peer": "house-1", "side": "offer", "energy": "50", "price": "0.2"}


@pytest.fixture
def browser(site, service) -> FlaskClient:
    return web.create_app(service, site.config, {"TESTING": True}).test_client()


@pytest.fixture
def post(browser):
    """Return a function that posts JSON with this session's token."""
    token = browser.get("/api/session").json["csrf_token"]

    def send(path: str, body: object):
        return browser.post(path, json=body, headers={"X-CSRF-Token": token})

    return send


class Keys:
    """A panel of one key."""

    def record(self):
        return {"is_stopped": False, "keys": ["stop"]}

    def press(self, key):
        if key != "stop":
            raise Refused(f"The key {key!r} does nothing now.")
        return {"is_stopped": True, "keys": []}


def test_panel_is_shown_and_pressed_when_the_hub_has_one(site, service):
    app = web.create_app(service, site.config, {"TESTING": True}, parts=PageParts(panel=Keys()))
    browser = app.test_client()
    assert browser.get("/api/snapshot").json["panel"]["keys"] == ["stop"]
    assert browser.post("/api/panel/stop").status_code == 403  # another site's page
    token = {"X-CSRF-Token": browser.get("/api/session").json["csrf_token"]}
    assert browser.post("/api/panel/stop", headers=token).json["is_stopped"] is True
    refused = browser.post("/api/panel/start", headers=token)
    assert refused.status_code == 409 and "does nothing now" in refused.json["error"]


def test_panel_is_none_when_the_hub_has_none(browser, post):
    assert browser.get("/api/snapshot").json["panel"] is None
    assert post("/api/panel/stop", {}).status_code == 409


def test_order_is_posted_taken_and_shown_when_asked_for(browser, post, window):
    order_id = post("/api/orders", ORDER).json["order_id"]
    taken = post(f"/api/orders/{order_id}/take", {"peer": "house-2", "energy": "50 mWh"})
    assert taken.status_code == 201
    trade = browser.get("/api/trades?peer=house-2").json[0]
    assert trade["trade_id"] == taken.json["trade_id"]
    assert trade["cost_wei"] == str(50_000 * 200_000_000)


def test_order_is_cancelled_when_its_owner_asks(browser, post, window):
    exact = {"peer": "house-2", "side": "bid", "energy_uwh": 50_000}
    order_id = post("/api/orders", exact | {"price_gwei_per_kwh": 10**8}).json["order_id"]
    assert post(f"/api/orders/{order_id}/cancel", {"peer": "house-2"}).status_code == 200
    assert browser.get("/api/snapshot").json["book"]["bids"] == []


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"energy": "-4"}, 400, "energy"),
        ({"energy": "lots"}, 400, "energy"),
        ({"price": "0"}, 400, "price"),
        ({"energy_uwh": 1.5}, 400, "energy"),
        ({"price_gwei_per_kwh": "2"}, 400, "price"),
        ({"energy": "1"}, 409, "energy"),
        ({"peer": "house-9"}, 409, "peer"),
        ({"peer": 7}, 400, None),
        ({"side": "gift"}, 400, None),
    ],
)
def test_order_is_refused_with_a_sentence_when_it_is_wrong(post, window, change, status, field):
    answer = post("/api/orders", ORDER | change)
    assert (answer.status_code, answer.json["field"]) == (status, field)
    assert re.fullmatch(r"[A-Z].*\.", answer.json["error"])


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_body_is_refused_when_it_is_no_object(post, body):
    assert post("/api/orders", body).status_code == 400


def test_body_is_refused_when_it_is_too_long(post):
    assert post("/api/orders", ORDER | {"energy": "4" * 5_000}).status_code in (400, 413)


def test_take_is_refused_when_there_is_no_such_order(post, window):
    answer = post("/api/orders/999999/take", {"peer": "house-2"})
    assert (answer.status_code, answer.json["error"]) == (409, "There is no such order.")


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": "gueß"}])
def test_change_is_refused_when_the_token_is_missing_or_wrong(browser, headers):
    browser.get("/api/session")
    answer = browser.post("/api/orders", json=ORDER, headers=headers)
    assert answer.status_code == 403


def test_request_is_refused_when_it_names_another_host(browser):
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert browser.get("/", headers={"Host": "localhost:8080"}).status_code == 200


def test_policy_forbids_foreign_content_when_anything_is_sent(browser):
    for path in ("/", "/api/snapshot", "/static/page.css", "/missing"):
        with browser.get(path) as answer:
            headers = answer.headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_loads_nothing_from_elsewhere_when_its_files_are_read():
    static = Path(web.__file__).parent
    files = [*static.glob("static/**/*.*"), *static.glob("templates/*.html")]
    assert len(files) > 10
    for path in files:
        foreign = re.findall(r"(?:https?:)?//[a-z][a-z0-9.-]+", path.read_text("utf-8"))
        assert [one for one in foreign if "www.w3.org" not in one] == []


def test_all_words_exist_when_page_and_scripts_ask_for_them():
    base = Path(web.__file__).parent
    words = json.loads((base / "translations/en.json").read_text("utf-8"))
    used = set()
    for path in [*base.glob("static/js/*.js"), *base.glob("templates/*.html")]:
        used |= set(re.findall(r"""\bt\(["']([a-z_]+)["']""", path.read_text("utf-8")))
    assert used - set(words) == set()


def test_secret_is_kept_for_the_owner_only_when_it_is_made(tmp_path):
    first = secret_key(tmp_path)
    assert secret_key(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "page-secret").stat().st_mode) == 0o600


def test_sites_use_cookies_of_their_own_when_they_share_a_host():
    assert cookie_name(b"a" * 32) != cookie_name(b"b" * 32)


def test_secret_is_made_again_when_it_was_cut_short(tmp_path):
    (tmp_path / "page-secret").write_bytes(b"short")
    assert len(secret_key(tmp_path)) == 32


def test_page_answers_when_it_is_served(page):
    with urllib.request.urlopen(page.url, timeout=60) as answer:
        assert b"Trueque" in answer.read()
    assert page.url.startswith("http://127.0.0.1:")


def test_page_says_which_port_is_taken_when_it_cannot_listen(site, service):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} .* in use"):
            PageServer(service, site.config, port=port).start()


def test_port_is_free_again_when_the_page_stops(site, service):
    server = PageServer(service, site.config, port=0)
    server.start()
    port = server.port
    server.stop()
    again = PageServer(service, site.config, port=port)
    again.start()
    again.stop()
