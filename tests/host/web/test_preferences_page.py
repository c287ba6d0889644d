"""A house's preferences on the page: set in its card, refused by the field, on a phone, too."""

from __future__ import annotations

import pytest

from hub.services.wishes import WishDesk
from hub.web.parts import PageParts
from hub.web.server import PageServer
from tests.host.web.test_page import Visit, chromium, expect, pytestmark  # noqa: F401

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def desk(site):
    for house in site.config.houses:
        site.feed(house.name, load_apparent_uva=10**8)
    yield WishDesk(site.store, site.config)
    for house in site.config.houses:
        site.store.set_state(f"preferences:{house.name}", None)


@pytest.fixture
def url(site, service, desk):
    server = PageServer(service, site.config, 0, PageParts(wishes=desk))
    server.start()
    yield server.url
    server.stop()


def opened(visit, house):
    """Open a house's preferences as that house and return the form's place."""
    visit.be(house)
    card = visit.tab.get_by_role("article", name=house)
    card.locator(".wishes summary").click()
    form = card.locator(".wishes form")
    expect(form).to_be_visible()
    return form


def finish(visit):
    visit.context.close()
    assert visit.complaints == []
    assert visit.foreign == []


def test_consumer_sets_its_producers_and_price_in_its_card(chromium, url, desk, service):  # noqa: F811
    visit = Visit(chromium, url)
    form = opened(visit, "house-2")
    expect(visit.tab.locator(".wishes:visible")).to_have_count(1)  # of one's own house
    expect(form.get_by_label("Lowest selling price")).to_have_count(0)
    form.get_by_text("pv", exact=True).click()
    form.get_by_text("house-3", exact=True).click()
    form.get_by_text("pv", exact=True).click()
    form.get_by_label("Highest buying price").fill("0.25")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".form-done")).to_contain_text("Saved")
    expect(visit.tab.locator(".wishes:visible summary")).to_contain_text(
        "automatic, buys only from house-3"
    )
    expect(form).to_contain_text("Last changed by house-2")
    record = desk.record("house-2")
    assert record["preferences"]["producers"] == ["house-3"]
    assert record["preferences"]["highest_buying_gwei_per_kwh"] == 250_000_000
    visit.shoot("preferences-consumer")
    finish(visit)


def test_prosumer_is_told_by_the_field_what_is_wrong(chromium, url, desk):  # noqa: F811
    visit = Visit(chromium, url, color_scheme="dark")
    form = opened(visit, "house-1")
    form.get_by_label("Reserve in the battery").fill("130")
    form.get_by_label("Lowest selling price").fill("cheap")
    form.get_by_role("button", name="Save").click()
    wrong = form.locator(".field.wrong .form-error")
    expect(wrong).to_have_count(2)
    expect(wrong.first).to_contain_text("lowest selling price is not a number")
    expect(form.get_by_label("Lowest selling price")).to_be_focused()
    visit.shoot("preferences-wrong-dark")
    assert desk.record("house-1")["changes"] == []
    form.get_by_label("Reserve in the battery").fill("62.5")
    form.get_by_label("Lowest selling price").fill("")
    form.get_by_label("What the house does not use").select_option("use-store-trade")
    form.get_by_label("Automatic trading").uncheck()
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".form-done")).to_contain_text("Saved")
    kept = desk.record("house-1")["preferences"]
    assert (kept["reserve_permille"], kept["order"]) == (625, "use-store-trade")
    assert (kept["is_automatic"], kept["lowest_selling_gwei_per_kwh"]) == (False, None)
    finish(visit)


def test_preferences_fit_a_phone(chromium, url):  # noqa: F811
    visit = Visit(chromium, url, **PHONE)
    form = opened(visit, "house-1")
    picks = form.get_by_role("group", name="Sell only to")
    picks.get_by_text("house-2", exact=True).click()
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 360
    form.scroll_into_view_if_needed()
    visit.shoot("preferences-phone")
    finish(visit)
