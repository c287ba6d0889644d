"""Appliances, turbines and vehicles as loads and powers of slots."""

from __future__ import annotations

import numpy as np
import pytest

from hub.sim.assets import CATALOGUE, Appliance, HistoryEntry, Vehicle, Wallet, WindTurbine

HOURS = np.arange(24) * 60


def test_appliance_runs_part_of_a_slot_when_its_run_is_shorter():
    kettle = Appliance("kettle", "kitchen", 2000, ((7 * 60, 7 * 60 + 6),))
    ran = kettle.share_of_slots(HOURS, 60)
    assert ran[7] == pytest.approx(0.1)
    assert ran.sum() == pytest.approx(0.1)


def test_appliance_runs_over_midnight_when_it_ends_before_it_starts():
    lamp = Appliance("lamp", "living room", 10, ((22 * 60, 2 * 60),))
    assert np.flatnonzero(lamp.share_of_slots(HOURS, 60)).tolist() == [0, 1, 22, 23]


def test_appliance_uses_nothing_when_it_is_off():
    fridge = CATALOGUE["fridge"]
    off = Appliance(fridge.name, fridge.place, fridge.power_w, fridge.runs, is_on=False)
    assert fridge.share_of_slots(HOURS, 60).sum() == 24
    assert off.share_of_slots(HOURS, 60).sum() == 0


def test_turbine_follows_its_power_curve():
    turbine = WindTurbine(1000, 3, 12, 25)
    power_w = turbine.power_w(np.array([0.0, 3.0, 8.0, 12.0, 20.0, 25.0]))
    rising = 1000 * (8**3 - 3**3) / (12**3 - 3**3)
    assert power_w == pytest.approx([0, 0, rising, 1000, 1000, 0])


def test_vehicle_charges_from_arrival_until_its_need_is_met():
    vehicle = Vehicle(
        need_wh=4500, arrival=18 * 60, departure=7 * 60, charge_w=2000, charge_efficiency=0.9
    )
    load_w = vehicle.load_w(HOURS, 60)
    # 4500 / 0.9 = 5000 Wh: 2 h at 2000 W, then 1000 Wh; the first night of the run counts as well
    assert load_w[18:21].tolist() == pytest.approx([2000, 2000, 1000])
    assert load_w[0:3].tolist() == pytest.approx([2000, 2000, 1000])
    assert load_w.sum() == pytest.approx(10_000)


def test_wallet_holds_what_trades_leave():
    bought = HistoryEntry(3, "amina", "pv", 2.0, 0.2)
    sold = HistoryEntry(4, "bruno", "battery", -1.0, 0.3)
    assert Wallet(10.0, (bought, sold)).balance_eur() == pytest.approx(10 - 0.4 + 0.3)
