"""What boards report against what the bench knows to be true. The boards are not calibrated."""

import statistics

import pytest

pytestmark = pytest.mark.usefixtures("at_rest")

MEANS = 8


def means(rig, wait_for, node, members):
    """Average members over the next readings."""
    start = len(rig.hub.all(node, "reading"))
    wait_for(lambda: len(rig.hub.all(node, "reading")) >= start + MEANS, 30, "readings")
    readings = rig.hub.all(node, "reading")[start:]
    return {name: statistics.fmean(each[name] for each in readings) for name in members}


@pytest.mark.parametrize("node", ["house-1", "house-2"])
def test_currents_and_voltages_are_true_when_load_stands_still(rig, wait_for, node):
    truth = rig.house(node)
    members = ("battery_voltage_uv", "battery_current_ua", "load_current_ua", "load_frequency_uhz")
    seen = means(rig, wait_for, node, members)
    # Without calibration: 0.8 % of divider, 1.5 % of reference, 15 LSB of spikes.
    assert seen["battery_voltage_uv"] == pytest.approx(truth["battery_voltage_uv"], rel=0.03)
    assert seen["battery_current_ua"] == pytest.approx(truth["battery_current_ua"], rel=0.005)
    assert seen["load_current_ua"] == pytest.approx(truth["load_current_ua"], rel=0.03)
    assert seen["load_frequency_uhz"] == pytest.approx(50_000_000, abs=100_000)


def test_panel_is_metered_when_the_sun_shines(rig, wait_for):
    truth = rig.house("house-1")
    seen = means(rig, wait_for, "house-1", ("pv_voltage_uv", "pv_current_ua", "pv_power_uw"))
    assert seen["pv_voltage_uv"] == pytest.approx(truth["pv_voltage_uv"], rel=0.03)
    assert seen["pv_current_ua"] == pytest.approx(truth["pv_current_ua"], rel=0.005)
    true_uw = truth["pv_voltage_uv"] * truth["pv_current_ua"] // 1_000_000
    assert seen["pv_power_uw"] == pytest.approx(true_uw, rel=0.03)


def test_registers_grow_as_energy_truly_flowed_when_five_seconds_pass(rig, wait_for):
    node = "house-1"
    rig.wait_online(node)
    first, true_first = rig.hub.last(node, "reading"), rig.house(node)["energies"]
    count = len(rig.hub.all(node, "reading"))
    wait_for(lambda: len(rig.hub.all(node, "reading")) >= count + 20, 30, "readings of 5 s")
    last, true_last = rig.hub.last(node, "reading"), rig.house(node)["energies"]
    for name in ("pv_export_uwh", "battery_import_uwh"):
        true_name = name.replace("pv_export", "pv")
        true_uwh = true_last[true_name] - true_first[true_name]
        # 3 % uncalibrated and up to a window of 200 ms and a reading of 250 ms at either end.
        assert last[name] - first[name] == pytest.approx(true_uwh, rel=0.15)
    assert last["bus_import_uwh"] == first["bus_import_uwh"]


def test_readings_stop_counting_load_when_the_clamp_is_unplugged(rig, wait_for):
    node = "house-2"
    rig.do(rig.lab.unplug_clamp, node)
    try:
        wait_for(lambda: rig.hub.last(node, "reading")["load_current_ua"] == 0, 20, "no load")
        before = rig.hub.last(node, "reading")["load_apparent_uvah"]
        assert means(rig, wait_for, node, ["load_apparent_uvah"])["load_apparent_uvah"] == before
    finally:
        rig.do(rig.lab.unplug_clamp, node, plugged=True)
