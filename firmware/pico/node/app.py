"""Settings and hardware modules in, a running node out: the only place where parts are joined."""

import asyncio
import os
import sys
import time

from wire.records import QUALITY
from wire.units import NONCE_PERIOD_MS

from node import led_codes
from node.adc import CHIPS, AdcStream, chip_of
from node.aggregate import Aggregator
from node.bus_meter import BusMeter
from node.carriers import CARRIERS
from node.clock import Clock
from node.collector import Collector
from node.commands import Commands
from node.delivery import Delivery
from node.fitting import sensors
from node.house_meter import build_house, i2c_part
from node.identity import load_or_make
from node.late_updates import LOOK_MS, LateUpdates
from node.led_codes import StatusLed
from node.link import HANDSHAKE_MS, Link
from node.nonces import Nonces
from node.offline import Offline
from node.outbox import Outbox
from node.profiles import PROFILES
from node.publisher import Publisher, reading, register_members
from node.registers import Registers
from node.relays import RelayPair
from node.safety import Safety
from node.sampler import Sampler
from node.signer import Signer
from node.slots import Slots
from node.store import SAVE_PERIOD_MS, Store
from node.supervisor import Supervisor
from node.switchboard import Switchboard
from node.time_sync import TimeSync, kept_ms
from node.turns import every
from node.wall_clock import WallClock
from node.windows import build_windows


class Node:
    """All parts of one board. `hardware`: an object with `machine`, `network` and `rp2`."""

    def __init__(self, settings, hardware, boots, watchdog):
        """`boots`: launcher.Boots, of this start. `watchdog`: machine.WDT that runs already."""
        self._settings = settings
        self._machine = hardware.machine
        self.clock = Clock(time.ticks_us, time.ticks_diff)
        profile, carrier = PROFILES[settings.profile], CARRIERS[settings.board]
        # Relays first: from here on this object owns their pins.
        self.relays = self._build_relays(profile)
        self.registers = Registers()
        self._build_meters(profile, hardware.rp2.DMA)
        self._build_deliveries(carrier.LED or profile.LED)
        self._build_link(carrier, hardware.network)
        self._boots = boots
        self.updates = LateUpdates(boots, self.is_free, self._build_updates)
        self.commands.on_update = self.updates.take
        self.collector = Collector(self._is_delivering)
        self.supervisor = Supervisor(watchdog, self.clock, self.switchboard.fail)

    def _build_relays(self, profile):
        settings, pin = self._settings, self._machine.Pin
        inactive = 1 if settings.relay_active_low else 0
        pins = [
            pin(number, pin.OUT, value=inactive) for number in (profile.RELAY_IN, profile.RELAY_OUT)
        ]
        return RelayPair(pins[0], pins[1], settings.relay_active_low, self.clock)

    def _build_meters(self, profile, dma_class):
        settings, machine = self._settings, self._machine
        for number in profile.ADC_PINS:
            # Sets the pad up; a bare channel number would leave its pull-down on.
            machine.ADC(machine.Pin(number))
        chip = CHIPS.get(settings.chip) or chip_of(getattr(sys.implementation, "_machine", ""))
        stream = AdcStream(machine.mem32, dma_class, settings.sample_rate_hz, chip)
        fitted = sensors(
            settings.sensors, settings.calibration, stream.rate_mhz, settings.divider_ratio
        )
        i2c = machine.I2C(
            profile.I2C,
            sda=machine.Pin(profile.SDA),
            scl=machine.Pin(profile.SCL),
            freq=settings.i2c_hz,
        )
        creep_ua = settings.limits["creep_ua"]
        part = i2c_part(settings, i2c, "bus")
        self.bus = BusMeter(part, self.registers, self.clock, creep_ua, self.relays)
        self.house = build_house(settings, fitted, i2c, self.registers)
        windows = build_windows(fitted, stream.rate_mhz, settings, chip)
        self.sampler = Sampler(stream, windows, self.house, self.clock)

    def _build_deliveries(self, led_pin):
        settings, machine = self._settings, self._machine
        self.store = Store(self.registers, "", settings.clock_floor_s * 1000)
        self._time_slots = Slots("clock")
        floor_ms = max(settings.clock_floor_s * 1000, kept_ms(self._time_slots))
        self.wall_clock = WallClock(self.clock, floor_ms, machine.RTC())
        self.outbox = Outbox()
        identity = (int.from_bytes(os.urandom(4), "big"), _reset_cause(machine))
        self.publisher = Publisher(settings, identity, self.store, self.outbox, self.wall_clock)
        self.publisher.read_status = self.status
        self.nonces = Nonces(os.urandom)
        self.delivery = Delivery(settings.limits, self.store.finals.is_finished)
        led = machine.Pin(led_pin, machine.Pin.OUT, value=0)
        self.switchboard = Switchboard(self.delivery, self.relays, led, self.store, self.publisher)
        self.signer = Signer(
            settings.node, load_or_make(machine.unique_id()), self.store.finals, self.publisher
        )
        self.signer.read_snapshot = self.snapshot
        self.signer.read_steps = self._ended_steps
        self.switchboard.on_final = self.signer.wake
        self.commands = Commands(settings, self.nonces, self.delivery, self.switchboard, self.clock)
        self.safety = Safety(self.bus, self.delivery, self.switchboard, self.clock)

    def is_free(self):
        """Tell whether no delivery is near and none waits for its signature."""
        return self.delivery.state == "idle" and not self.signer.is_final_due

    def _is_signed(self):
        return not self.signer.is_final_due

    def _is_delivering(self):
        return self.delivery.is_relay_needed() or self.signer.is_final_due

    def _build_updates(self):
        from node.updates import Board, Updates  # only now: see late_updates

        board = Board(self, self._machine.reset)
        key = self._settings.update_key
        return Updates(key, self._boots, board, self.publisher, self.clock)

    def receive(self, topic, payload):
        """Take a message of the hub. What goes wrong within is the node's failure, not the link's.

        So relays open: the link alone would only connect anew.
        """
        try:
            self.safety.look_before_work()
            self.commands.receive(topic, payload)
        except Exception as problem:
            self.supervisor.fail("commands: %r" % problem)

    def _build_link(self, carrier, network):
        settings = self._settings
        # Only what this board has: the other would take memory.
        if carrier.IS_WIRED:
            from node.ethernet import Ethernet

            self.network = Ethernet(network, self._machine, carrier, settings.node)
        else:
            from node.wifi import Wifi

            credentials = (settings.wifi_ssid, settings.wifi_password)
            self.network = Wifi(network, credentials, settings.node)
            if settings.regulator_pwm:
                # Once, for it goes over the radio's bus; the radio holds the pin from then on.
                self._machine.Pin("WL_GPIO1", self._machine.Pin.OUT, value=1)
        aggregator = Aggregator(settings.aggregate_period_s * 1000)
        self.offline = Offline(self.publisher, aggregator, self.clock)
        self.offline.is_delivering = self._is_delivering
        sources = (self.outbox, self.offline)
        self.link = Link(settings, self.network, sources, self.clock, self.receive)
        self.publisher.on_added = self.link.wake
        self.link.on_up = self._connected
        server = (settings.ntp_host, settings.ntp_port)
        self.time_sync = TimeSync(server, self.wall_clock, self.clock, self._time_slots)
        self.time_sync.on_set = self._clock_set
        self.link.time_sync = self.time_sync
        self.link.before_work = self.signer.before_step = self.safety.look_before_work
        self.link.beat = lambda: self.supervisor.beat("link")
        self.link.on_handshake = lambda: self.supervisor.excuse(HANDSHAKE_MS)
        self.link.on_given_up = self._start_again
        self.led = StatusLed(self._machine.Pin("LED", self._machine.Pin.OUT))

    def status(self):
        """Return the members of a status that change."""
        now_ms = self.clock.now_ms()
        return {
            "uptime_ms": now_ms,
            "nonce": self.nonces.issue(now_ms),
            "state": self.delivery.state,
            "relay": self.relays.state(),
            "delivery_id": self.delivery.delivery_id,
            "fault": self.delivery.fault,
            "free_bytes": self.collector.free_bytes,
            "epoch": self.commands.epoch,
        }

    def send_reading(self):
        """Queue a reading of this moment."""
        settings = self._settings
        flags = QUALITY["samples_lost"] if self.sampler.take_lost() else 0
        if not settings.is_calibrated:
            flags |= QUALITY["uncalibrated"]
        if not self.wall_clock.is_set():
            flags |= QUALITY["clock_not_set"]
        members = reading(self.bus, self.house, self.registers, flags)
        self.publisher.send("reading", members)
        if not self.link.is_up:
            self.offline.take(members)

    def snapshot(self):
        """Return the members of a snapshot of this moment, without header and signature."""
        members = register_members(self.bus, self.house, self.registers)
        members["uptime_ms"] = self.clock.now_ms()
        return members

    def announce(self):
        """Queue what a boot has to tell, and the finals nobody has acknowledged."""
        self.signer.wake()
        self.publisher.send_event("boot", None, None)
        self.updates.announce()
        if self.store.has_restored:
            self.publisher.send_event("registers_restored", None, None)
        for members in self.store.finals.unsent():
            self.publisher.send_final(members)

    def save(self):
        """Save registers, and with them a delivery under way."""
        if self.delivery.state == "delivering":
            self.store.keep_running(self.delivery.report("progress", None)[1])
        else:
            self.store.save()

    def _ended_steps(self):
        """Return what puts the reports in their place, none of it while a relay is closed."""
        return [lambda step=step: self._when_open(step) for step in self.store.ended_steps()]

    def _when_open(self, step):
        if self.relays.state() == "open":
            step()

    async def run(self):
        """Run all tasks for ever."""
        self.announce()
        beat, turns = self.supervisor.beat, self.safety.turns
        tasks = {
            "sampler": self.sampler.run(lambda: beat("sampler"), self._samples_lost, turns),
            "safety": self.safety.run(lambda: beat("safety"), lambda: self.link.is_up),
            "link": self.link.run(),
            "link tick": self.link.tick(),
            "collector": self.collector.run(turns),
            "reading": every(self._settings.reading_period_ms, self.send_reading, turns),
            "status": self.publisher.run(turns),
            "nonce": every(NONCE_PERIOD_MS, self.publisher.want_status),
            "updates": self.updates.run(turns),
            "updates look": every(LOOK_MS, self.updates.look),
            "save": every(SAVE_PERIOD_MS, self.save, turns, self._is_signed),
            "clock": self.time_sync.run(self.network),
            "led": every(led_codes.STEP_MS, self.show),
            "signer": self.signer.run(turns),
            "snapshot": every(self._settings.snapshot_period_ms, self.signer.take_snapshot, turns),
        }
        for part, coroutine in tasks.items():
            asyncio.create_task(self.supervisor.guard(part, coroutine))
        try:
            await self.supervisor.run()
        finally:
            self.relays.open()

    def show(self):
        """Show on the board's LED what the node is doing."""
        if self.link.is_up:
            link = "connected"
        else:
            link = "connecting" if self.network.is_up() else "joining"
        self.led.show(led_codes.code_of(self.delivery.state, self.relays.state(), link))
        self.led.step()

    def _connected(self):
        self.supervisor.excuse(0)
        self.offline.end()
        self.time_sync.keep()
        self.publisher.send_status()

    def _start_again(self):
        """The link is long gone: start anew, unless a delivery, a fault or an update is here.

        Once for each absence: another would not help, and what is kept offline gets its time by
        the uptime of one boot.
        """
        if self.is_free():
            print("link: gone for long, the board starts again")
            self.save()
            self.offline.end()
            self._machine.reset()

    def _clock_set(self, step_ms):
        numbering = self.store.numbering
        if numbering.is_unsure():
            was_waiting = not self.store.may_number()
            numbering.go_on_from(self.wall_clock.unix_ms())
            if was_waiting:
                self.announce()
        if step_ms:
            self.publisher.send_event("clock_stepped", None, None, step_ms)

    def _samples_lost(self, count):
        self.publisher.send_event("samples_lost", None, None, count)


def _reset_cause(machine):
    cause = machine.reset_cause()
    if cause == machine.PWRON_RESET:
        return "power_on"
    return "watchdog" if cause == machine.WDT_RESET else "other"
