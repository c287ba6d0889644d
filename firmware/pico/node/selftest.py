"""A board tries its own parts for a technician: settings in, plain numbers out; no judgement here.

Runs from the prompt while no node does. Relays are open before and after each step; the steps that
close one are in `node.selftest_relays`.
"""

import asyncio
import gc
import os
import sys
import time

from node.adc import CHIPS, AdcStream, chip_of
from node.calibration import TEXTS
from node.carriers import CARRIERS
from node.clock import Clock
from node.fitting import CHANNELS
from node.house_meter import i2c_part
from node.measure import Measurement
from node.profiles import PROFILES
from node.relays import RelayPair
from node.roots import square_root
from node.settings import BRANCHES
from node.slots import Slots

MEASURE_MS = 1_500
READS = 16
READ_PAUSE_MS = 20  # longer than the 7 ms after which an INA226 has a new result
FLASH_FILE = "selftest.tmp"
FLASH_BYTES = 8_192


class SelfTest:
    """One board. `hardware`: as for node.app.Node."""

    def __init__(self, settings, hardware):
        self.settings = settings
        self.machine = machine = hardware.machine
        self._module, self._dma = hardware.network, hardware.rp2.DMA
        self.clock = Clock(time.ticks_us, time.ticks_diff)
        self._profile = profile = PROFILES[settings.profile]
        inactive = 1 if settings.relay_active_low else 0
        self.relay_pins = [
            machine.Pin(number, machine.Pin.OUT, value=inactive)
            for number in (profile.RELAY_IN, profile.RELAY_OUT)
        ]
        self.relays = RelayPair(
            self.relay_pins[0], self.relay_pins[1], settings.relay_active_low, self.clock
        )
        self.i2c = machine.I2C(
            profile.I2C,
            sda=machine.Pin(profile.SDA),
            scl=machine.Pin(profile.SCL),
            freq=settings.i2c_hz,
        )
        self._network = None

    def parts(self):
        """Return what each I2C part reads: {branch: mean and spread, or None when silent}."""
        found = {}
        for branch in BRANCHES:
            part = i2c_part(self.settings, self.i2c, branch)
            if part is not None:
                found[branch] = self.read_part(part)
        return found

    def read_part(self, part, count=READS):
        """Return the mean of some results of an INA226 or INA219, None when it does not answer."""
        voltages, currents = [], []
        try:
            part.read()  # configures it
            for _ in range(count):
                time.sleep_ms(READ_PAUSE_MS)
                voltage_uv, current_ua = part.read()
                voltages.append(voltage_uv)
                currents.append(current_ua)
        except OSError:
            return None
        return {
            "voltage_uv": sum(voltages) // count,
            "current_ua": sum(currents) // count,
            "spread_uv": max(voltages) - min(voltages),
            "spread_ua": max(currents) - min(currents),
        }

    def measure(self, calibration, duration_ms=MEASURE_MS):
        """Return what all sensors read by `calibration`, as node.measure says, and noise.

        {"rate_mhz", "quantities": {quantity: ...}, "noise_millicodes": [of each channel], "lost"}
        """
        settings, machine = self.settings, self.machine
        for number in self._profile.ADC_PINS:
            machine.ADC(machine.Pin(number))
        chip = CHIPS.get(settings.chip) or chip_of(getattr(sys.implementation, "_machine", ""))
        stream = AdcStream(machine.mem32, self._dma, settings.sample_rate_hz, chip)
        kept, settings.calibration = settings.calibration, calibration
        try:
            meter = Measurement(settings, stream.rate_mhz, chip, self.i2c)
            stream.start()
            noise = self._feed(stream, meter, duration_ms)
        finally:
            settings.calibration = kept
            stream.stop()
        return {
            "rate_mhz": stream.rate_mhz,
            "quantities": meter.result(),
            "noise_millicodes": noise,
            "lost": stream.lost,
        }

    def _feed(self, stream, meter, duration_ms):
        """Feed blocks for so long; return the noise of the last one."""
        end_ms = self.clock.now_ms() + duration_ms
        noise = [0] * len(CHANNELS)
        while True:
            block = stream.take()
            if block is None:
                time.sleep_ms(5)
            else:
                meter.feed(block, stream.frames_per_block)
                is_last = self.clock.now_ms() >= end_ms
                if is_last:
                    noise = _deviations(block)
                stream.release()
                if is_last:
                    return noise
            if self.clock.now_ms() > end_ms + 2_000:
                raise OSError("the converter gives no samples")

    def network(self):
        """Join the network. Return {"is_up", "problem", "address", "rssi_dbm"}."""
        # Here and in `time`: not in memory before they are needed.
        from node.ethernet import Ethernet
        from node.wifi import Wifi

        settings = self.settings
        carrier = CARRIERS[settings.board]
        module = self._module
        found = {"is_up": False, "problem": None, "address": None, "rssi_dbm": None}
        try:
            if carrier.IS_WIRED:
                self._network = Ethernet(module, self.machine, carrier, settings.node)
            else:
                credentials = (settings.wifi_ssid, settings.wifi_password)
                self._network = Wifi(module, credentials, settings.node)
            asyncio.run(self._network.join())
        except OSError as problem:
            found["problem"] = str(problem)
            return found
        found["is_up"] = True
        if not carrier.IS_WIRED:
            station = module.WLAN(module.STA_IF)
            found["address"] = station.ifconfig()[0]
            found["rssi_dbm"] = station.status("rssi")
        return found

    def time(self):
        """Ask the hub for the time, after `network`. Return {"unix_ms"}, None without answer."""
        from node.time_sync import TimeSync
        from node.wall_clock import WallClock

        settings = self.settings
        floor_ms = settings.clock_floor_s * 1000
        wall_clock = WallClock(self.clock, floor_ms, self.machine.RTC())
        server = (settings.ntp_host, settings.ntp_port)
        sync = TimeSync(server, wall_clock, self.clock, Slots("clock"))
        asyncio.run(sync.once(self._network.name_server()))
        return {"unix_ms": wall_clock.unix_ms()}

    def memory(self):
        """Return {"free_bytes"} with this test's own modules loaded."""
        gc.collect()
        return {"free_bytes": gc.mem_free() if hasattr(gc, "mem_free") else None}

    def flash(self):
        """Write, read and rename a file. Return {"free_bytes", "is_good", "took_ms"}."""
        size = os.statvfs(".")
        pattern = bytes(range(256)) * (FLASH_BYTES // 256)
        started_ms = self.clock.now_ms()
        try:
            with open(FLASH_FILE, "wb") as file:
                file.write(pattern)
            os.rename(FLASH_FILE, FLASH_FILE + "2")
            with open(FLASH_FILE + "2", "rb") as file:
                is_good = file.read() == pattern
        except OSError:
            is_good = False
        took_ms = self.clock.now_ms() - started_ms
        for name in (FLASH_FILE, FLASH_FILE + "2"):
            try:
                os.remove(name)
            except OSError:
                pass  # it is not there
        return {"free_bytes": size[0] * size[3], "is_good": is_good, "took_ms": took_ms}

    def calibrated(self):
        """Return {channel or branch: {"date", "reference"}, or None where nothing was measured}."""
        known = self.settings.calibration
        return {
            name: {text: known[name].get(text) for text in TEXTS} if name in known else None
            for name in CHANNELS + tuple(self.settings.ina226)
        }

    def public_key(self):
        """Return the public half of the board's own key in hex, None when it has none yet."""
        kept = Slots("identity").load()
        return "".join("%02x" % byte for byte in kept[32:]) if kept else None


def _deviations(block):
    """Return the standard deviation of each channel's codes in 1/1000 code."""
    found = []
    for channel in range(len(CHANNELS)):
        codes = [block[place] for place in range(channel, len(block), len(CHANNELS))]
        mean = sum(codes) // len(codes)
        squares = sum((code - mean) * (code - mean) for code in codes)
        found.append(square_root(squares * 1_000_000 // len(codes)))
    return found
