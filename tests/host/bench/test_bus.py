"""The DC bus: power balance, current limit, ideal diodes, discharge."""

import pytest

from tools.bench.bus import Port, Segment


def delivery(seller=0, buyer=1, houses=2):
    ports = [Port() for _ in range(houses)]
    ports[seller].out_closed = True
    ports[buyer].in_closed = True
    segment = Segment(ports)
    segment.solve(0.0)
    return segment, ports[seller], ports[buyer]


def test_delivery_moves_the_source_limit_when_seller_and_buyer_are_closed():
    _, seller, buyer = delivery()
    assert seller.current_a == pytest.approx(-0.5, abs=0.001)
    assert buyer.current_a == pytest.approx(0.5, abs=0.001)
    assert 6.0 < buyer.meter_v * buyer.current_a < 6.2


@pytest.mark.parametrize("houses", (2, 5, 20))
def test_power_balances_when_houses_are_far_apart(houses):
    segment, seller, buyer = delivery(0, houses - 1, houses)
    assert seller.source_w == pytest.approx(buyer.sink_w + segment.loss_w, rel=1e-9)
    assert 0 < segment.loss_w < 0.02 * seller.source_w


def test_meters_agree_within_half_a_percent_when_five_houses_are_apart():
    _, seller, buyer = delivery(0, 4, 5)
    given_w = -seller.meter_v * seller.current_a
    taken_w = buyer.meter_v * buyer.current_a
    assert 0 < given_w - taken_w < 0.005 * given_w


def test_bus_shows_open_circuit_voltage_when_no_buyer_is_closed():
    ports = [Port(out_closed=True), Port()]
    Segment(ports).solve(0.0)
    assert ports[1].meter_v == pytest.approx(13.0, abs=0.01)
    assert ports[1].current_a == 0


def test_buyer_does_not_feed_back_when_no_seller_is_closed():
    ports = [Port(in_closed=True), Port()]
    segment = Segment(ports)
    segment.solve(0.0)
    assert ports[0].current_a == 0
    assert segment.voltage_v(0.0) == 0


def test_weaker_source_is_blocked_when_two_sellers_are_closed():
    ports = [Port(out_closed=True, source_v=13.0), Port(out_closed=True, source_v=11.0),
             Port(in_closed=True)]  # fmt: skip
    Segment(ports).solve(0.0)
    assert ports[1].current_a == pytest.approx(0.0, abs=1e-9)
    assert ports[2].current_a == pytest.approx(0.5, abs=0.001)


def test_currents_add_when_two_equal_sellers_are_closed():
    ports = [Port(out_closed=True), Port(out_closed=True), Port(in_closed=True)]
    Segment(ports).solve(0.0)
    assert ports[2].current_a == pytest.approx(1.0, abs=0.001)


def test_house_feeds_itself_when_both_its_relays_are_closed():
    ports = [Port(out_closed=True, in_closed=True), Port()]
    Segment(ports).solve(0.0)
    assert ports[0].sink_w > 5.0
    assert ports[0].current_a == pytest.approx(0.0, abs=0.001)


def test_bus_is_dead_after_300_ms_when_the_seller_opened():
    segment, seller, _ = delivery()
    seller.out_closed = False
    segment.solve(1.0)
    assert segment.voltage_v(1.01) > 10
    assert segment.voltage_v(1.3) < 1.0
    assert segment.voltage_v(5.0) == 0.0
