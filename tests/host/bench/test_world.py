"""The bench in its own time: deliveries, energies, reset, and what the independent watch counts."""

import numpy as np
import pytest

from tools.bench import ina226

IN, OUT = 14, 15
SELLER, BUYER = 0, 1


def counted(bench):
    return {kind: n for kind, n in bench.world.watch.counts().items() if n}


def history(bench):
    return [(edge.house, edge.relay, edge.closed) for edge in bench.world.watch.edges]


def start_delivery(bench):
    bench.drive(BUYER, IN, 1)
    bench.drive(SELLER, OUT, 1)


def test_delivery_moves_about_6_w_when_both_relays_are_closed(make_bench):
    bench = make_bench(2)
    start_delivery(bench)
    before = bench.houses[BUYER].energies.bus_import
    bench.run(60.0)
    assert (bench.houses[BUYER].energies.bus_import - before) / 60 == pytest.approx(6.05, abs=0.15)
    assert counted(bench) == {}


def test_energy_given_is_energy_taken_and_lost_when_a_delivery_ended(make_bench):
    bench = make_bench(5)
    start_delivery(bench)
    bench.run(30.0)
    bench.drive(SELLER, OUT, 0)
    bench.drive(BUYER, IN, 0)
    bench.run(1.0)
    given = bench.houses[SELLER].energies.bus_export
    taken = bench.houses[BUYER].energies.bus_import
    assert 0 < given - taken < 0.005 * given
    assert bench.houses[SELLER].energies.bus_import == 0
    assert bench.houses[BUYER].energies.bus_export == 0


def test_energy_is_its_integral_when_steps_are_of_any_size(make_bench):
    coarse, fine = make_bench(2), make_bench(2)
    start_delivery(coarse)
    start_delivery(fine)
    coarse.run(10.0)
    for _ in range(1000):
        fine.run(0.01)
    for name, joules in vars(coarse.houses[SELLER].energies).items():
        assert vars(fine.houses[SELLER].energies)[name] == pytest.approx(joules, rel=1e-6), name


def test_both_meters_agree_within_half_a_percent_when_they_sum_20_ms_samples(make_bench):
    bench = make_bench(5)
    start_delivery(bench)
    for house in (SELLER, BUYER):
        bench.houses[house].meters[0x40].write(ina226.CONFIG, 0x44DF, bench.now_s)
    watts = np.zeros(2)
    for _ in range(500):
        bench.run(0.02)
        for house in (SELLER, BUYER):
            meter = bench.houses[house].meters[0x40]
            shunt = meter.read(ina226.SHUNT, bench.now_s)
            signed = shunt - 0x10000 if shunt >= 0x8000 else shunt
            watts[house] += meter.read(ina226.BUS, bench.now_s) * 1.25e-3 * signed * 2.5e-6 / 0.05
    assert watts[SELLER] / 500 == pytest.approx(-6.1, abs=0.15)
    assert abs(watts.sum() / watts[BUYER]) < 0.006


def test_relays_open_when_the_board_is_reset(make_bench):
    bench = make_bench(2)
    start_delivery(bench)
    bench.world.power_off(bench.houses[SELLER], bench.now_s)
    bench.run(0.02)
    assert history(bench)[-1] == (SELLER, "out", False)
    assert bench.houses[SELLER].port.current_a == 0


def test_floating_pins_open_an_active_low_relay_when_the_board_has_no_power(make_bench):
    bench = make_bench(2)
    object.__setattr__(bench.houses[0].wiring, "relay_active_low", True)
    bench.drive(0, IN, 0)
    assert bench.houses[0].relays["in"].is_closed
    bench.drive(0, IN, None)
    assert not bench.houses[0].relays["in"].is_closed


def test_seller_is_empty_when_its_battery_and_panel_give_nothing(make_bench):
    bench = make_bench(2)
    bench.houses[SELLER].battery.soc = 0.0
    bench.local = bench.local.replace(hour=1)
    bench.run(1.0)
    start_delivery(bench)
    bench.run(0.2)
    assert bench.houses[BUYER].port.current_a == 0


def test_charge_moves_when_energy_is_sold(make_bench):
    sold, kept = make_bench(2), make_bench(2)
    start_delivery(sold)
    sold.run(600.0)
    kept.run(600.04)
    lost = kept.houses[SELLER].battery.soc - sold.houses[SELLER].battery.soc
    assert lost > 0 or kept.houses[SELLER].battery_w == sold.houses[SELLER].battery_w
    assert sold.houses[BUYER].battery.soc > kept.houses[BUYER].battery.soc


def test_bounces_are_one_edge_when_a_relay_closes(make_bench):
    bench = make_bench(2)
    bench.drive(0, IN, 1)
    bench.run(0.1)
    bench.drive(0, IN, 0)
    bench.run(0.1)
    assert history(bench) == [(0, "in", True), (0, "in", False)]


def test_watch_counts_both_relays_when_one_house_closes_them(make_bench):
    bench = make_bench(2)
    bench.drive(0, IN, 1)
    bench.drive(0, OUT, 1)
    assert counted(bench) == {"both_relays_closed": 1}


@pytest.mark.parametrize(("pause_s", "expected"), [(0.0, {"dead_time_short": 1}), (0.1, {})])
def test_watch_counts_short_dead_time_when_relays_change_over(make_bench, pause_s, expected):
    bench = make_bench(2)
    bench.drive(0, IN, 1)
    bench.run(1.0)
    bench.drive(0, IN, 0)
    bench.run(pause_s)
    bench.drive(0, OUT, 1)
    assert counted(bench) == expected


def test_watch_counts_two_sellers_when_both_close_out(make_bench):
    bench = make_bench(3)
    bench.drive(0, OUT, 1)
    bench.drive(2, OUT, 1)
    assert counted(bench) == {"two_sellers_on_segment": 1}


def test_watch_counts_crowding_when_a_third_house_connects(make_bench):
    bench = make_bench(3)
    bench.drive(0, OUT, 1)
    bench.drive(1, IN, 1)
    bench.drive(2, IN, 1)
    assert counted(bench) == {"segment_crowded": 1}


def test_watch_counts_a_mismatch_when_a_source_closes_onto_another_voltage(make_bench):
    bench = make_bench(3)
    bench.drive(0, OUT, 1)
    bench.houses[0].relays["out"].break_down("welded", bench.now_s)
    bench.world.segments[""]._charged_v = 5.0
    bench.drive(1, IN, 1)
    assert counted(bench) == {"mismatched_live_bus": 1}


def test_unplugged_clamp_reads_noise_only_when_the_house_has_load(make_bench):
    bench = make_bench(2)
    house = bench.houses[1]
    at_s = bench.now_s + np.arange(2400) / 24_000
    loaded = house.sample([0, 1, 2], at_s, 7)[1::3].std()
    house.clamp.is_plugged = False
    assert house.sample([0, 1, 2], at_s, 7)[1::3].std() < 1.5 < 100 < loaded


def test_pad_without_set_up_loads_the_divider_when_sampled(make_bench):
    bench = make_bench(2)
    house = bench.houses[0]
    at_s = bench.now_s + np.arange(300) / 24_000
    right, wrong = (house.sample([2], at_s, pads).mean() for pads in (7, 3))
    assert wrong / right == pytest.approx(0.955, abs=0.01)


def test_grid_feeds_the_load_when_the_battery_is_at_its_reserve(make_bench):
    bench = make_bench(2)
    consumer = bench.houses[BUYER]
    consumer.battery.soc = 0.19
    bench.run(0.1)
    reserve = consumer.battery.soc
    bench.run(60.0)
    assert consumer.battery.soc == reserve
    start_delivery(bench)
    bench.run(60.0)
    assert consumer.battery.soc > reserve
