"""The page in Chromium, as a peer uses it: real store, chain and server on loopback."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
SHOTS = Path(os.environ.get("TRUEQUE_SHOTS", Path(__file__).parents[3] / "var" / "shots"))
expect = sync_api.expect
PATIENCE_MS = 60_000  # of a machine that has other work

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One tab and what it complained about."""

    def __init__(self, browser: sync_api.Browser, url: str, **options: object) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.tab = self.context.new_page()
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", self._see)
        self.tab.goto(url)
        expect(self.tab.locator("#live")).to_have_text("live")

    def _hear(self, message: sync_api.ConsoleMessage) -> None:
        # Chromium itself logs every refused request; refusals are what some tests are about.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _see(self, request: sync_api.Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def be(self, peer: str) -> None:
        self.tab.select_option("#as", peer)

    def order(self, side: str, energy: str, price: str) -> None:
        self.tab.get_by_text({"offer": "Sell", "bid": "Buy"}[side], exact=True).click()
        self.tab.fill("#order-energy", energy)
        self.tab.fill("#order-price", price)
        self.tab.click("#order-send")

    def shoot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.tab.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def visit(chromium, page, window, site) -> Iterator[Visit]:
    for number, house in enumerate(site.config.houses, 1):
        sunny = {"pv_power_uw": 20_000_000, "pv_voltage_uv": 18_000_000, "pv_export_uwh": 4_200_000}
        fitted = sunny if house.kind == "prosumer" else {}
        bus = {"bus_power_uw": 0, "bus_voltage_uv": 0, "bus_import_uwh": 0, "bus_export_uwh": 0}
        site.feed(house.name, load_apparent_uva=number * 10**8, **bus, **fitted)
    opened = Visit(chromium, page.url)
    yield opened
    opened.context.close()
    assert opened.complaints == []
    assert opened.foreign == []


def test_offer_and_bid_stand_in_the_book_when_a_peer_posts_them(visit):
    visit.be("house-1")
    visit.order("offer", "50", "0.2")
    expect(visit.tab.locator("#order-done")).to_contain_text("Your offer stands in the book")
    expect(visit.tab.locator("#offers tbody tr")).to_contain_text(["0.2"])
    visit.be("house-2")
    visit.order("bid", "40 mWh", "0.15")
    expect(visit.tab.locator("#order-done")).to_contain_text("Your bid stands in the book")
    expect(visit.tab.locator("#bids tbody tr")).to_contain_text(["house-2"])
    expect(visit.tab.locator("#escrow")).not_to_have_text("0 ETH")


def test_trade_appears_with_its_steps_when_an_offer_is_taken(visit, site, service):
    service.post_offer("house-1", 60_000, 180_000_000)
    visit.be("house-2")
    visit.tab.get_by_role("button", name=re.compile("Take .*house-1")).click()
    expect(visit.tab.locator("#take-text")).to_contain_text("0.18 ETH/kWh")
    expect(visit.tab.locator("#take-total")).to_have_text("10.8 µETH")
    visit.tab.click("#take-send")
    trade = visit.tab.locator("article.trade").first
    expect(trade).to_contain_text("house-1 sells to house-2 · 60 mWh")
    expect(trade.locator("[aria-current=step]")).to_have_text("Matched")


def test_only_a_part_is_bought_when_less_is_typed(visit, service):
    service.post_offer("house-1", 100_000, 180_000_000)
    visit.be("house-2")
    visit.tab.get_by_role("button", name=re.compile("Take .*house-1")).click()
    visit.tab.fill("#take-energy", "80")
    visit.tab.click("#take-send")
    expect(visit.tab.locator("#take-error")).to_contain_text("That would leave 20 mWh")
    visit.tab.fill("#take-energy", "40")
    visit.tab.click("#take-send")
    expect(visit.tab.locator("#take")).to_be_hidden()
    expect(visit.tab.locator("#offers tbody tr")).to_contain_text(["60"])


@pytest.mark.parametrize(
    ("energy", "price", "field", "sentence"),
    [
        ("0", "0.2", "energy", "The energy must be more than zero."),
        ("-3", "0.2", "energy", "The energy must be more than zero."),
        ("", "0.2", "energy", "Type the energy, for example 40 mWh."),
        ("1e9 kWh", "0.2", "energy", "absurdly large|far more than a house"),
        ("1", "0.2", "energy", "This window takes orders from 34.723 mWh"),
        ("40", "cheap", "price", "The price is not a number"),
        ("40", "-1", "price", "The price must be more than zero."),
        ("40", "100000000", "price", "absurdly high"),
    ],
)
def test_sentence_stands_by_the_field_when_an_amount_is_bad(visit, energy, price, field, sentence):
    visit.be("house-1")
    visit.order("offer", energy, price)
    expect(visit.tab.locator("#order-error")).to_have_text(re.compile(sentence))
    expect(visit.tab.locator(f"#order-{field}")).to_have_attribute("aria-invalid", "true")
    expect(visit.tab.locator(f"#order-{field}")).to_be_focused()


def test_order_leaves_the_book_when_its_owner_cancels(visit, service):
    service.post_offer("house-3", 50_000, 200_000_000)
    visit.be("house-3")
    visit.tab.get_by_role("button", name=re.compile("Cancel .*house-3")).click()
    expect(visit.tab.locator("#offers .empty")).to_be_visible()


def test_energy_is_seen_flowing_when_a_turn_runs(visit, site, service):
    trade_id = service.take("house-2", service.post_offer("house-1", 60_000, 180_000_000))
    service.post_offer("house-3", 45_000, 150_000_000)
    delivery_id = site.begin_delivery(trade_id)
    bus = {"bus_voltage_uv": 12_050_000, "state": "delivering"}
    site.feed("house-1", relay="out", bus_power_uw=-6_000_000, **bus, pv_power_uw=20_000_000)
    site.feed("house-2", relay="in", bus_power_uw=5_950_000, **bus)
    site.report("house-1", delivery_id, "seller", 30_100)
    site.report("house-2", delivery_id, "buyer", 30_000)
    visit.be("house-2")
    expect(visit.tab.locator("#bus-caption")).to_contain_text(
        "house-1 delivers to house-2: 5.95 W, 30.0 mWh of 60.0 mWh."
    )
    expect(visit.tab.locator(".flow-group")).to_have_class(re.compile(r"\bon\b"))
    expect(visit.tab.locator(".relay.closed")).to_have_count(2)
    expect(visit.tab.locator(".gauge .percent")).to_have_text("50 %")
    visit.shoot("desktop")
    site.store.write_step(delivery_id, "abandoned", "{}", None)


def test_trade_shows_the_hubs_word_when_no_board_signed_what_it_settled(visit, site, service):
    trade_id = service.take("house-2", service.post_offer("house-1", 60_000, 180_000_000))
    site.client.report(site.keys.oracle, trade_id, 60_000, 60_000)
    visit.be("house-2")
    trade = visit.tab.locator("article.trade").first
    expect(trade.locator(".steps .done")).to_have_count(6)
    expect(trade.locator("dd.warn")).to_have_text("by no board: the hub’s word")
    visit.shoot("hubs-word")


def test_form_offers_to_buy_when_the_peer_is_a_consumer(visit):
    visit.be("house-2")
    expect(visit.tab.locator("input[value=bid]")).to_be_checked()
    visit.be("house-1")
    expect(visit.tab.locator("input[value=offer]")).to_be_checked()


def test_sensor_is_called_not_fitted_when_a_house_has_none(visit):
    card = visit.tab.get_by_role("article", name="house-2")
    expect(card.locator(".measure.pv")).to_contain_text("not fitted")
    expect(card.locator(".measure.load")).to_contain_text("Load (apparent)")


def test_page_fits_a_phone_when_it_is_narrow_and_dark(chromium, page, window):
    phone = Visit(
        chromium,
        page.url,
        viewport={"width": 360, "height": 740},
        color_scheme="dark",
        has_touch=True,
        is_mobile=True,
    )
    expect(phone.tab.locator("#bus > svg")).to_be_visible()
    width = phone.tab.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    assert phone.tab.evaluate("document.documentElement.dataset.theme") == "dark"
    phone.shoot("phone")
    phone.context.close()
    assert phone.complaints == []


def test_page_can_be_used_by_keyboard_when_there_is_no_mouse(visit):
    visit.be("house-1")
    visit.tab.focus("#order-energy")
    visit.tab.keyboard.type("45")
    visit.tab.keyboard.press("Tab")
    visit.tab.keyboard.type("0.21")
    visit.tab.keyboard.press("Enter")
    expect(visit.tab.locator("#order-done")).to_contain_text("Your offer stands")


def test_page_says_so_when_the_hub_does_not_answer(visit):
    visit.tab.route("**/api/**", lambda route: route.abort())
    expect(visit.tab.locator("#trouble")).to_contain_text("does not answer", timeout=PATIENCE_MS)
    visit.tab.unroute("**/api/**")
    expect(visit.tab.locator("#trouble")).to_be_hidden(timeout=PATIENCE_MS)


def test_every_tab_is_served_when_several_are_open(chromium, page, window):
    tabs = [Visit(chromium, page.url) for _ in range(4)]
    for tab in tabs:
        expect(tab.tab.locator("#live")).to_have_class("live ok")
        assert tab.complaints == []
        tab.context.close()


def bargain(visit, text):
    return visit.tab.locator("#counters li").filter(has_text=text)


def test_two_houses_agree_on_other_terms_in_the_dialog(visit, service):
    service.post_offer("house-1", 60_000, 200_000_000)
    visit.be("house-2")
    visit.tab.get_by_role("button", name=re.compile("Take .*house-1")).click()
    expect(visit.tab.locator("#take-send")).to_have_text("Buy")
    visit.tab.fill("#take-price", "0.15")
    expect(visit.tab.locator("#take-send")).to_have_text("Propose it")
    expect(visit.tab.locator("#take-total")).to_have_text("9 µETH")
    visit.shoot("counter-dialog")
    visit.tab.click("#take-send")
    expect(visit.tab.locator("#order-done")).to_have_text("Your terms are proposed to house-1.")
    mine = bargain(visit, "You proposed 60 mWh at 0.15 ETH/kWh to house-1")
    expect(mine.get_by_role("button")).to_have_text(["Withdraw"])
    visit.be("house-1")
    row = bargain(visit, "house-2 proposes 60 mWh at 0.15 ETH/kWh")
    expect(row.get_by_role("button")).to_have_text(["Accept", "Answer", "Decline"])
    visit.shoot("counter-asked")
    row.get_by_role("button", name="Answer").click()
    visit.shoot("counter-answer")
    expect(visit.tab.locator("#take-energy")).to_have_value("60")
    visit.tab.fill("#take-price", "0.18")
    visit.tab.click("#take-send")
    expect(visit.tab.locator("#order-done")).to_have_text("Your terms are proposed to house-2.")
    visit.be("house-2")
    answered = bargain(visit, "house-1 proposes 60 mWh at 0.18 ETH/kWh")
    answered.get_by_role("button", name="Accept").click()
    trade = visit.tab.locator("article.trade").first
    expect(trade).to_contain_text("house-1 sells to house-2 · 60 mWh")
    expect(trade).to_contain_text("0.18")
    expect(visit.tab.locator("#counters")).to_be_hidden()
    visit.shoot("counter-agreed")


def test_proposal_is_withdrawn_or_declined_and_a_bad_one_gets_a_sentence(visit, service):
    service.post_bid("house-2", 60_000, 150_000_000)
    visit.be("house-1")
    visit.tab.get_by_role("button", name=re.compile("Take .*house-2")).click()
    visit.tab.fill("#take-price", "free")
    visit.tab.click("#take-send")
    expect(visit.tab.locator("#take-error")).to_contain_text("The price is not a number")
    for word, peer in (("Withdraw", "house-1"), ("Decline", "house-2")):
        if word == "Decline":
            visit.be("house-1")
            visit.tab.get_by_role("button", name=re.compile("Take .*house-2")).click()
        visit.tab.fill("#take-price", "0.25")
        visit.tab.click("#take-send")
        expect(visit.tab.locator("#take")).to_be_hidden()
        visit.be(peer)
        visit.tab.locator("#counters li").get_by_role("button", name=word).click()
        expect(visit.tab.locator("#counters")).to_be_hidden()


def test_accepting_tells_why_when_the_order_has_gone(visit, service):
    order_id = service.post_offer("house-1", 60_000, 200_000_000)
    service.counter("house-2", order_id, 60_000, 150_000_000)
    visit.be("house-1")
    row = bargain(visit, "house-2 proposes")
    expect(row).to_be_visible()
    service.cancel("house-1", order_id)
    row.get_by_role("button", name="Accept").click()
    expect(row.get_by_role("alert")).to_have_text(re.compile("order|Order"))
    visit.shoot("counter-refused")
