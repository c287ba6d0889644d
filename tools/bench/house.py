"""One house on the bench: its panel, battery, load, relays and sensors, as its board sees them."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from node.sensors.hall import UV_PER_AMPERE
from numpy.typing import NDArray

from tools.bench.adc import Converter
from tools.bench.appliance import Appliance
from tools.bench.battery import Battery
from tools.bench.bus import Port
from tools.bench.frontend import (
    PULL_DOWN_GAIN,
    CurrentClamp,
    HallSensor,
    MainsVoltage,
    VoltageDivider,
)
from tools.bench.ina226 import Ina226
from tools.bench.panel import Panel
from tools.bench.relay import Relay
from tools.bench.trace import Trace

MODEL_SCALE = 100.0
"""The DC side is a 1:100 model of the home: 5 kW of roof are 50 W on the bench."""
MAINS_V = 230.0
CONVERTER_EFFICIENCY = 0.92
OWN_USE_SOC = 0.2
"""Below this state of charge the home's own load takes from the grid, not from the battery."""
SOURCE_V = 13.0
IDLE_PIN_V = 0.706
"""What the on-chip temperature sensor gives at 27 C (RP2040 datasheet 4.9.5)."""
RELAY_PINS = {14: "in", 15: "out"}
I2C_PINS = (0, 4)
"""I2C bus and its SDA pin to which the INA226s are wired."""
FITTED: Mapping[str, Mapping[str, int]] = {
    "bus": {"address": 0x40, "shunt_uohm": 50_000},
    "pv": {"address": 0x41, "shunt_uohm": 20_000},
    "battery": {"address": 0x44, "shunt_uohm": 20_000},
}


class Home(Protocol):
    """The home behind a house's board: one that is replayed, or one that is simulated. W."""

    @property
    def has_pv(self) -> bool: ...
    def pv_w(self, local: datetime.datetime, /) -> float: ...
    def load_w(self, local: datetime.datetime, /) -> float: ...
    def base_w(self, local: datetime.datetime, /) -> float: ...
    def peak_pv_w(self) -> float: ...


@dataclass(frozen=True)
class Wiring:
    """How a board is wired, read from the settings the technician gave it."""

    relay_active_low: bool = False
    divider_ratio: float = 8.0
    profile: str = "thesis"
    ina226: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: FITTED)
    hall: Mapping[str, Any] | None = None
    """The part on ch1, where that is a Hall sensor for the PV's current."""

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> Wiring:
        """Take what concerns wiring from a board's settings; members left out keep defaults."""
        return cls(
            relay_active_low=bool(settings.get("relay_active_low", False)),
            divider_ratio=settings.get("divider_ratio", 8000) / 1000,
            profile=settings.get("profile", "thesis"),
            ina226=settings.get("ina226", FITTED),
            hall=_hall_of(settings.get("sensors", {}).get("ch1", {})),
        )


def _hall_of(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return part if part.get("part") in UV_PER_AMPERE else None


@dataclass
class Energies:
    """Energy that truly flowed since the start, in J, at the points where the meters are."""

    bus_import: float = 0.0
    bus_export: float = 0.0
    pv: float = 0.0
    battery_import: float = 0.0
    battery_export: float = 0.0
    load: float = 0.0

    def uwh(self) -> dict[str, int]:
        """Return them as integers in uWh."""
        return {f"{name}_uwh": round(value / 3600e-6) for name, value in vars(self).items()}


def _digest(name: str) -> bytes:
    return hashlib.sha256(b"trueque-bench " + name.encode()).digest()


def unique_id_of(name: str) -> bytes:
    """Return the 8 bytes that name the flash chip of a house's board."""
    return _digest(name)[8:16]


class House:
    """Everything electrical of one house. Voltages in V, currents in A, powers in W."""

    def __init__(self, name: str, profile: Home, wiring: Wiring) -> None:
        digest = _digest(name)
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        self.name = name
        self.unique_id = unique_id_of(name)
        self.profile = profile
        self.wiring = wiring
        self.port = Port(source_v=SOURCE_V)
        self._limit_a = 0.5 * (1 + float(rng.uniform(-0.015, 0.0)))
        self.panel = Panel(profile.peak_pv_w() / MODEL_SCALE)
        self.battery = Battery(*((30.0, 0.6) if profile.has_pv else (15.0, 0.4)))
        self.relays = {"in": Relay(rng), "out": Relay(rng)}
        self.traces = {"bus": Trace(), "pv": Trace(), "battery": Trace()}
        self.energies = Energies()
        self.converter = Converter(rng)
        self.clamp = CurrentClamp(rng)
        self.dividers = {0: VoltageDivider(wiring.divider_ratio, rng),
                         2: VoltageDivider(wiring.divider_ratio, rng)}  # fmt: skip
        self.meters = {
            part["address"]: Ina226(self.traces[branch], part["shunt_uohm"], rng)
            for branch, part in wiring.ina226.items()
        }
        self.mains = MainsVoltage(rng)
        hall = wiring.hall
        self.hall = HallSensor(hall["part"], hall["divider_milli"], rng) if hall else None
        self.applied: dict[int, float] = {}  # channel: known input in V or A rms, at a test bench
        self.levels: dict[int, int] = {}
        self.home_pv_w = self.home_load_w = self.battery_w = 0.0
        self.appliance = Appliance()
        self._profile_w = (0.0, 0.0)  # the profile's load and its base

    @property
    def load_a(self) -> float:
        """RMS mains current of the load."""
        return self.home_load_w / MAINS_V

    def set_pin(self, pin: int, level: int | None, now_s: float) -> None:
        """Drive a pin, or let it float with None: the module's pull-up then opens the relay."""
        if level is None:
            self.levels.pop(pin, None)
        else:
            self.levels[pin] = level
        if pin in RELAY_PINS:
            active = 0 if self.wiring.relay_active_low else 1
            self.relays[RELAY_PINS[pin]].drive(level == active, now_s)

    def float_all(self, now_s: float) -> None:
        """Let every pin float: the board is off, in reset or gone."""
        for pin in list(self.levels):
            self.set_pin(pin, None, now_s)

    def follow_profile(self, local: datetime.datetime) -> None:
        """Take the home's PV and load at a local time."""
        self.home_pv_w = self.profile.pv_w(local)
        self._profile_w = (self.profile.load_w(local), self.profile.base_w(local))
        self.follow_appliance()

    def follow_appliance(self) -> None:
        """Take the home's load with its appliance on or off."""
        self.home_load_w = self.appliance.take(*self._profile_w)

    def balance(self, now_s: float) -> None:
        """Split power between panel, bus, battery and grid and set source, sink and traces."""
        pv_w = self.home_pv_w / MODEL_SCALE
        bus_w = self.port.sink_w * CONVERTER_EFFICIENCY - self.port.source_w / CONVERTER_EFFICIENCY
        own_w = pv_w - self.home_load_w / MODEL_SCALE
        if own_w < 0 and self.battery.soc < OWN_USE_SOC:
            own_w = 0.0
        # What the battery does not take or give, the home's grid connection does.
        self.battery_w = self.battery.accept(own_w + bus_w)
        self.traces["pv"].note(now_s, *self.panel.terminals(pv_w))
        self.traces["battery"].note(now_s, *self.battery.terminals(self.battery_w))
        can_sell = self.battery.soc > 0.03 or pv_w > 7.0
        ripple = 0.004 * np.sin(2 * np.pi * now_s / 3.7) + 0.002 * np.sin(2 * np.pi * now_s / 0.31)
        self.port.source_v = SOURCE_V if can_sell else 0.0
        self.port.limit_a = self._limit_a * (1 + float(ripple))
        self.port.sink_v = 12.0 + 0.15 * (self.battery.soc - 0.5)

    def integrate(self, duration_s: float) -> None:
        """Count the energy of an interval in which nothing changed."""
        flows, bus_w = self.energies, self.port.meter_v * self.port.current_a
        flows.bus_import += max(0.0, bus_w) * duration_s
        flows.bus_export += max(0.0, -bus_w) * duration_s
        pv = self.traces["pv"]
        flows.pv += pv.voltage_v * pv.current_a * duration_s
        battery = self.traces["battery"]
        battery_w = battery.voltage_v * battery.current_a
        flows.battery_import += max(0.0, battery_w) * duration_s
        flows.battery_export += max(0.0, -battery_w) * duration_s
        flows.load += self.home_load_w * duration_s
        self.appliance.energy_j += self.appliance.power_w * duration_s
        self.battery.step(battery.current_a, duration_s)

    def sample(
        self, channels: list[int], at_s: NDArray[np.float64], pads: int
    ) -> NDArray[np.uint16]:
        """Return the codes of samples at times in s, channel `channels[i]` at `at_s[i]`, cyclic.

        `pads` has bit n set when channel n's pad was set up for analog use; the pull-down of a pad
        that was not loads its front end.
        """
        volts = np.empty(at_s.shape)
        step = len(channels)
        for place, channel in enumerate(channels[: len(at_s)]):
            gain = 1.0 if pads >> channel & 1 else PULL_DOWN_GAIN
            volts[place::step] = gain * self._pin_v(channel, at_s[place::step])
        return self.converter.convert(volts)

    def _pin_v(self, channel: int, at_s: NDArray[np.float64]) -> float | NDArray[np.float64]:
        if channel not in (0, 1, 2):
            return IDLE_PIN_V
        if channel == 1 and self.hall:
            return self.hall.pin_v(self.applied.get(1, self.traces["pv"].current_a), at_s)
        if channel == 1:
            return self.clamp.pin_v(self.applied.get(1, self.load_a), at_s)
        if channel == 2 and self.wiring.profile == "ac":
            return self.mains.pin_v(self.applied.get(2, MAINS_V), at_s)
        branch = "pv" if channel == 0 else "battery"
        input_v = self.applied.get(channel, self.traces[branch].voltage_v)
        return self.dividers[channel].pin_v(input_v)
