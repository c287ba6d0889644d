"""The whole node on fakes: readings, statuses, sampling, watchdog, outbox."""

import os

import pytest
from launcher import WATCHDOG_MS
from node.adc import BUFFERS
from node.outbox import CAPACITY
from node.supervisor import PATIENCE_MS, Supervisor
from wire.records import QUALITY
from wire.topics import topic

from tests.host.fakes.machine import LONGEST_WATCHDOG_MS
from tests.host.node.rig import NODE, Rig, delivery_id
from tests.host.node.waves import frames_of, sine_codes

FIRST = delivery_id(1)
NOW_MS = 1_800_000_000_000


def sample(rig, duration_ms, current_a, steady=(1000, 2000)):
    """Let the ADC fill blocks of 100 ms."""
    wave = sine_codes(current_a, rate_hz=8000, count=8 * duration_ms)
    frames = frames_of(wave, steady)
    for start in range(0, len(frames), 1200):
        rig.hardware.rp2.fill(list(frames[start : start + 1200]))
        rig.node.sampler.step()


@pytest.fixture
def sampling(rig):
    rig.parts[0x41].update({0x01: 4000, 0x02: 5_156})  # 4000 * 2.5 uV / 20 mOhm = 0.5 A
    rig.node.sampler._stream.start()
    return rig


def reading_of(rig):
    rig.node.send_reading()
    rig.collect()
    return rig.records("reading")[-1]


def test_reading_has_what_is_fitted_and_null_for_the_rest(sampling):
    sampling.set_bus(12_000_000, 0)
    sampling.run(200)
    sample(sampling, 3_000, 5)
    reading = reading_of(sampling)
    lsb_uv = 8 * 3_300_000 / 4096
    assert reading["bus_voltage_uv"] == 12_000_000
    assert reading["pv_voltage_uv"] == int(1000 * lsb_uv)
    assert reading["pv_current_ua"] == 500_000
    assert reading["pv_power_uw"] == reading["pv_voltage_uv"] // 2
    assert reading["battery_voltage_uv"] == int(2000 * lsb_uv)
    assert reading["battery_current_ua"] is None
    assert reading["battery_import_uwh"] is None
    assert reading["load_current_ua"] == pytest.approx(5_000_000, rel=1e-3)
    assert reading["load_apparent_uva"] == pytest.approx(1_150_000_000, rel=1e-3)
    assert reading["load_frequency_uhz"] == pytest.approx(50_000_000, rel=1e-3)
    assert reading["load_power_uw"] is None
    assert reading["load_import_uwh"] is None
    flags = reading["quality_flags"]
    assert flags == QUALITY["uncalibrated"] + QUALITY["clock_not_set"]


def test_registers_are_the_integral_of_power_when_windows_end(sampling):
    sample(sampling, 20_000, 5)
    reading = reading_of(sampling)
    # The windows are whole cycles: the first 45 ms and the last part of one are not in yet.
    hours = 19.8 / 3600
    assert reading["pv_export_uwh"] == pytest.approx(reading["pv_power_uw"] * hours, rel=0.006)
    apparent_uvah = reading["load_apparent_uva"] * hours
    assert reading["load_apparent_uvah"] == pytest.approx(apparent_uvah, rel=0.006)
    assert reading["pv_import_uwh"] == 0


def test_reading_flags_no_signal_and_counts_nothing_when_the_clamp_is_open(sampling):
    sample(sampling, 2_000, 0)
    reading = reading_of(sampling)
    assert reading["load_current_ua"] == 0
    assert reading["load_apparent_uvah"] == 0
    assert reading["quality_flags"] & QUALITY["no_signal"]


def test_reading_flags_overrange_when_a_divider_is_beyond_the_adc(sampling):
    sample(sampling, 1_000, 5, steady=(4095, 2000))
    assert reading_of(sampling)["quality_flags"] & QUALITY["overrange"]


def test_reading_flags_overrange_once_when_the_bus_shunt_was_at_its_end(sampling):
    sampling.set_bus(12_000_000, 1_638_350)
    sampling.step()
    sampling.set_bus(0, 0)
    sampling.step()
    assert reading_of(sampling)["quality_flags"] & QUALITY["overrange"]
    assert not reading_of(sampling)["quality_flags"] & QUALITY["overrange"]


@pytest.mark.parametrize("missing", ["ch1", "bus", None])
def test_reading_is_flagged_uncalibrated_until_every_part_is(ticks, tmp_path, monkeypatch, missing):
    monkeypatch.chdir(tmp_path)
    known = {name: {"gain_ppm": 1_000_000} for name in ("ch0", "ch1", "ch2", "bus", "pv")}
    if missing:
        known[missing] = {"offset_micro": 5}
    rig = Rig(ticks, monkeypatch, calibration=known)
    flags = reading_of(rig)["quality_flags"]
    assert bool(flags & QUALITY["uncalibrated"]) == (missing is not None)


def test_reading_flags_samples_lost_once_when_the_reader_was_late(sampling):
    rp2 = sampling.hardware.rp2
    for _ in range(BUFFERS + 1):
        rp2.fill([2048] * 1200)
    sampling.node.sampler.step()
    assert reading_of(sampling)["quality_flags"] & QUALITY["samples_lost"]
    assert not reading_of(sampling)["quality_flags"] & QUALITY["samples_lost"]


def test_reading_is_stale_and_null_when_the_bus_sensor_is_silent(rig):
    rig.machine.absent.add(0x40)
    rig.run(40)
    reading = reading_of(rig)
    assert reading["bus_voltage_uv"] is None
    assert reading["bus_import_uwh"] == 0
    assert reading["quality_flags"] & QUALITY["sensor_stale"]


def test_ina226_is_configured_anew_when_it_comes_back(rig):
    rig.machine.absent.add(0x40)
    rig.run(40)
    rig.machine.absent.clear()
    before = len([entry for entry in rig.machine.history if entry[1] == "i2c"])
    rig.run(40)
    writes = [entry for entry in rig.machine.history if entry[1] == "i2c"]
    assert len(writes) == before + 1
    assert writes[-1][2:] == (0x40, (0x00, 0x444F))


def test_bus_energy_is_the_integral_of_samples_when_current_flows(rig):
    rig.lease("00" * 16)
    rig.step()
    rig.close("00" * 16, energy_uwh=10**9)
    rig.set_bus(12_000_000, 500_000)
    rig.step()
    start = rig.node.registers["bus_import"]
    rig.run(6_000)
    # 6 W for 6 s = 10,000 uWh
    assert rig.node.registers["bus_import"] - start == pytest.approx(10_000, abs=1)
    assert rig.node.registers["bus_export"] == 0


def test_bus_counts_nothing_when_the_sensor_only_creeps(rig):
    rig.set_bus(12_000_000, 800)
    rig.run(10_000)
    assert rig.node.registers["bus_import"] == 0


def test_registers_never_go_back_when_the_board_reboots(rig):
    rig.lease("00" * 16)
    rig.close("00" * 16)
    rig.set_bus(12_000_000, 500_000)
    rig.run(2_000)
    rig.command("open", "00" * 16)
    rig.run(200)
    before = rig.node.registers["bus_import"]
    assert before > 3_000
    rig.boot()
    assert rig.node.registers["bus_import"] == before


def test_sequence_numbers_grow_over_reboots_for_every_kind(rig):
    rig.node.publisher.send_status()
    reading_of(rig)
    first = {kind: record["seq"] for kind, record in rig.sent}
    first_boot = rig.sent[-1][1]["boot_id"]
    rig.boot()
    rig.node.publisher.send_status()
    reading_of(rig)
    for kind, record in rig.sent[-2:]:
        assert record["seq"] > first[kind]
        assert record["boot_id"] != first_boot


def test_watchdog_is_fed_only_while_every_part_lives(rig):
    supervisor = rig.node.supervisor
    assert rig.machine.watchdog_ms == WATCHDOG_MS <= LONGEST_WATCHDOG_MS
    for _ in range(60):
        rig.ticks.advance_ms(500)
        for part in PATIENCE_MS:
            supervisor.beat(part)
        supervisor.look()
    assert not rig.machine.has_starved()


def test_watchdog_is_fed_when_all_parts_are_built(machine, ticks, clock):
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    ticks.advance_ms(WATCHDOG_MS - 100)
    Supervisor(watchdog, clock, lambda: None)
    ticks.advance_ms(WATCHDOG_MS - 100)
    assert not machine.has_starved()


def test_parts_may_be_silent_while_a_handshake_holds_all_of_them_up(rig):
    supervisor = rig.node.supervisor
    rig.node.link.on_handshake()
    rig.ticks.advance_ms(1_500)
    supervisor.look()
    assert not supervisor.has_failed
    for part in PATIENCE_MS:
        supervisor.beat(part)
    rig.node._connected()  # from here on relays may close again
    rig.ticks.advance_ms(max(PATIENCE_MS.values()) + 1)
    supervisor.look()
    assert supervisor.has_failed


def test_board_that_hangs_in_a_handshake_is_reset(rig):
    rig.node.link.on_handshake()
    rig.ticks.advance_ms(LONGEST_WATCHDOG_MS)
    assert rig.machine.has_starved()


@pytest.mark.parametrize("silent", sorted(PATIENCE_MS))
def test_watchdog_bites_and_relays_are_open_when_one_part_is_silent(rig, silent):
    rig.lease("00" * 16)
    rig.close("00" * 16)
    assert rig.relay() == "in"
    supervisor = rig.node.supervisor
    for _ in range((PATIENCE_MS[silent] + LONGEST_WATCHDOG_MS) // 500 + 2):
        rig.ticks.advance_ms(500)
        for part in PATIENCE_MS:
            if part != silent:
                supervisor.beat(part)
        supervisor.look()
    assert rig.relay() == "open"
    assert rig.machine.has_starved()


def test_outbox_keeps_the_newest_status_and_all_finals_when_the_broker_is_away(rig):
    publisher = rig.node.publisher
    for number in range(100):
        publisher.send_status()
        rig.node.send_reading()
        members = rig.delivery.report("final", "commanded")[1]
        members.update(delivery_id=f"{number:032x}", role="buyer")
        publisher.send_final(members)
    assert len(rig.node.outbox) == 1 + CAPACITY["reading"] + 100
    rig.collect()
    assert len(rig.finals()) == 100
    numbers = [record["seq"] for record in rig.records("reading")]
    assert numbers == list(range(numbers[-1] - CAPACITY["reading"] + 1, numbers[-1] + 1))


def test_final_stays_in_flash_until_the_broker_has_it(rig):
    rig.lease("00" * 16)
    rig.close("00" * 16)
    rig.collect()
    rig.node.supervisor.fail("test")
    assert [members["reason"] for members in rig.node.store.finals.unsent()] == ["exception"]
    rig.collect()
    assert rig.node.store.finals.unsent() == []


def test_final_waits_once_when_a_broker_asks_for_it_without_end(rig):
    rig.lease(FIRST)
    rig.close(FIRST)
    payload = rig.payload("open", FIRST)
    rig.command("open", FIRST)
    rig.run(1000)
    assert rig.finals() == [(FIRST, "commanded")]
    rig.sent.clear()
    for _ in range(500):
        rig.node.receive(topic(NODE, "command"), rig.payload("open", FIRST))
    assert len(rig.node.outbox) < 5
    rig.collect()
    assert rig.finals() == [(FIRST, "commanded")]
    rig.node.receive(topic(NODE, "command"), payload)  # however old, and so it is told again
    rig.collect()
    assert rig.finals() == [(FIRST, "commanded")] * 2


def test_board_starts_again_with_all_it_knows_when_its_link_is_long_gone(rig, tmp_path):
    rig.node.registers.add("bus_import", 1_000_000, 3_600_000_000)  # a Wh
    for _ in range(CAPACITY["reading"] + 1):
        rig.node.send_reading()
    rig.node.link.on_given_up()
    assert rig.machine.resets == 1
    assert len(rig.node.offline) == 1
    rig.boot()
    assert rig.node.registers["bus_import"] == 1_000_000


@pytest.mark.parametrize("state", ["armed", "delivering", "fault", "trial"])
def test_board_does_not_start_again_for_want_of_a_link_when_that_would_end_something(rig, state):
    rig.lease(FIRST)
    if state == "delivering":
        rig.close(FIRST)
    elif state == "fault":
        rig.delivery.stop_for_ever("welded_contact")
    elif state == "trial":
        rig.command("open", FIRST)
        rig.delivery.hold("trial")
    assert rig.delivery.state == state
    rig.node.link.on_given_up()
    assert rig.machine.resets == 0


def test_free_running_pins_are_set_up_and_never_read_singly(rig):
    assert rig.machine.pads == {26, 27, 28}


def test_final_waits_for_the_clock_when_the_numbers_are_lost(rig):
    rig.lease(FIRST)
    rig.close(FIRST)
    rig.node.save()
    for name in ("numbering.0", "numbering.1"):
        if os.path.exists(name):
            os.remove(name)
    rig.sent.clear()
    rig.boot()  # power went while it delivered, and flash lost the numbers
    rig.node.announce()
    rig.node.publisher.send_status()
    rig.collect()
    assert rig.sent == []
    rig.node.wall_clock.set(NOW_MS)
    rig.node._clock_set(0)
    rig.collect()
    assert rig.finals() == [(FIRST, "rebooted")]
    assert all(record["seq"] >= NOW_MS for _, record in rig.sent)


def test_status_tells_the_highest_epoch_heard(rig):
    def told():
        rig.node.publisher.send_status()
        rig.collect()
        return rig.records("status")[-1]["epoch"]

    assert told() == 0
    rig.lease(FIRST)
    assert told() == 1
