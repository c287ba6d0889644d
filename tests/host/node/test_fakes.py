"""The fakes refuse what the hardware refuses: otherwise the tests above them prove nothing."""

from array import array

import pytest

from tests.host.fakes.network import FakeNetwork
from tests.host.fakes.rp2 import FakeRp2
from tests.host.fakes.ticks import WRAP, Ticks

ADC_CS, ADC_DIV = 0x4004C000, 0x4004C010


def dma_of(rp2, codes, count):
    dma = rp2.DMA()
    control = dma.pack_ctrl(size=1, inc_read=False, inc_write=True, treq_sel=36, chain_to=0)
    dma.config(read=0x4004C00C, write=array("H", [0] * codes), count=count, ctrl=control)
    return dma


def test_round_robin_over_the_radios_channel_is_refused(machine):
    with pytest.raises(ValueError, match="radio"):
        machine.mem32[ADC_CS] = 0b1111 << 16


def test_divider_is_refused_when_the_adc_runs(machine):
    machine.mem32[ADC_CS] = 0b1001 | 0b111 << 16
    with pytest.raises(RuntimeError):
        machine.mem32[ADC_DIV] = 1999 << 8


def test_any_other_address_is_a_bus_fault(machine):
    with pytest.raises(RuntimeError, match="bus fault"):
        machine.mem32[0x40010000] = 1


def test_single_conversion_is_refused(machine):
    with pytest.raises(AssertionError):
        machine.ADC(machine.Pin(26)).read_u16()
    with pytest.raises(ValueError, match="pull-down"):
        machine.ADC(0)


@pytest.mark.parametrize("number", [23, 24, 25, 29, 40])
def test_pin_of_the_radio_is_refused(machine, number):
    with pytest.raises(ValueError, match="Pin"):
        machine.Pin(number)


def test_pin_without_direction_is_not_driven(machine):
    with pytest.raises(RuntimeError):
        machine.Pin(14).value(1)


def test_absent_i2c_address_does_not_acknowledge(machine):
    bus = machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5))
    with pytest.raises(OSError, match="5"):
        bus.readfrom_mem_into(0x40, 0, bytearray(2))
    with pytest.raises(ValueError, match="I2C"):
        machine.I2C(0, sda=machine.Pin(5), scl=machine.Pin(4))


@pytest.mark.parametrize("timeout_ms", [0, 8389, 60_000])
def test_watchdog_beyond_its_range_is_refused(machine, timeout_ms):
    with pytest.raises(ValueError, match="timeout"):
        machine.WDT(timeout=timeout_ms)


def test_dma_beyond_its_buffer_is_refused():
    with pytest.raises(MemoryError):
        dma_of(FakeRp2(), codes=10, count=11).config(trigger=True)


def test_dma_started_again_without_a_new_address_is_refused():
    rp2 = FakeRp2()
    dma = dma_of(rp2, codes=4, count=4)
    dma.config(trigger=True)
    rp2.fill([1, 2, 3, 4])
    with pytest.raises(MemoryError):
        dma.config(trigger=True)


def test_joining_is_refused_when_the_radio_is_off():
    wlan = FakeNetwork().WLAN(0)
    with pytest.raises(OSError, match="1"):
        wlan.connect("site", "secret")


def test_ticks_wrap_and_their_difference_does_not_mind():
    ticks = Ticks(start_us=WRAP - 10)
    before = ticks.ticks_us()
    ticks.now_us += 30
    assert ticks.ticks_us() == 20
    assert ticks.ticks_diff(ticks.ticks_us(), before) == 30
