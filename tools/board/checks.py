"""What a board's self-test found in; for each part whether it is good, and what to do, out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tools.board.calibration import Channel, channels_of
from tools.board.firmware import Firmware
from tools.board.flashing import compare

PASS: Literal["pass"] = "pass"
FAIL: Literal["fail"] = "fail"
SKIP: Literal["skip"] = "skip"
NOTE: Literal["note"] = "note"
Status = Literal["pass", "fail", "skip", "note"]

PLAUSIBLE = {  # quantity: (lowest, highest) in V or A, and what to look at outside
    "pv_voltage": (-0.3, 26.4, "the panel's polarity and R1 of the divider"),
    "battery_voltage": (3.0, 14.0, "the pack's plug X2, isolator S2, fuse F2, jumper JP1"),
    "load_voltage": (180.0, 260.0, "the mains lead of the ZMPT101B"),
    "load_current": (0.0, 12.0, "the clip: its type and its plug"),
    "pv_current": (-1.0, 10.0, "the sensor's wiring"),
    "battery_current": (-10.0, 10.0, "the sensor's wiring"),
}
LARGEST_NOISE_MILLICODES = 40_000
"""Of a channel that should stand still: ten times what a sound front end shows."""
LARGEST_SPREAD_UA = 50_000
SMALLEST_FREE_BYTES = 60_000
SMALLEST_FLASH_BYTES = 150_000
"""A package of firmware that comes over the air must fit beside the one that runs."""
WEAKEST_RSSI_DBM = -75
LARGEST_CLOCK_ERROR_MS = 2_000


@dataclass(frozen=True)
class Check:
    """One line of the report. `advice`: what to do, "" when nothing is."""

    part: str
    status: Status
    found: str
    advice: str = ""


def sensor_checks(settings: Mapping[str, Any], measured: Any, parts: Any) -> list[Check]:
    """Judge the ADC channels (SelfTest.measure) and the parts on I2C (SelfTest.parts)."""
    channels = [each for each in channels_of(settings) if not each.is_on_i2c]
    quantities = measured["quantities"]
    found = [_quantity(each.quantity, quantities[each.quantity]) for each in channels]
    for channel, noise in zip(channels, measured["noise_millicodes"], strict=True):
        found.append(_noise(channel, noise))
    lost = measured["lost"]
    text = f"{measured['rate_mhz'] / 1e6:.3f} kS/s a channel, {lost} gaps"
    found.append(Check("sampling", FAIL if lost else PASS, text, "flash again" if lost else ""))
    for branch, part in sorted(parts.items()):
        found.append(_part(branch, settings["ina226"][branch], part))
    return found


def _quantity(name: str, each: Mapping[str, Any]) -> Check:
    value, unit = each["value"] / 1e6, "V" if name.endswith("voltage") else "A"
    text = f"{value:.3f} {unit}" + "".join(f", {flag}" for flag in each["flags"])
    low, high, where = PLAUSIBLE[name]
    part = name.replace("_", " ")
    if "overrange" in each["flags"]:
        return Check(part, FAIL, text, f"beyond the converter's range: {where}")
    if not low <= value <= high:
        return Check(part, FAIL, text, f"not plausible ({low:g} to {high:g} {unit}): {where}")
    return Check(part, PASS, text)


def _noise(channel: Channel, noise: int) -> Check:
    """The noise of a channel; one that carries the mains may move."""
    part, text = f"noise of {channel.name}", f"{noise / 1000:.1f} codes"
    if channel.is_alternating:
        return Check(part, PASS, f"{text}, its signal among them")
    if noise > LARGEST_NOISE_MILLICODES:
        return Check(part, FAIL, text, "long or crossed sensor leads, missing capacitor at the pin")
    return Check(part, PASS, text)


def _part(branch: str, fitted: Mapping[str, Any], part: Mapping[str, int] | None) -> Check:
    name = f"{fitted.get('part', 'ina226').upper()} of {branch}"
    if part is None:
        return Check(
            name, FAIL, "no answer",
            f"0x{fitted['address']:02x}: straps A0 and A1, SDA on GP4, SCL on GP5, 3V3",
        )  # fmt: skip
    text = f"{part['voltage_uv'] / 1e6:.3f} V, {part['current_ua'] / 1e6:.4f} A"
    if part["spread_ua"] > LARGEST_SPREAD_UA:
        return Check(name, FAIL, f"{text}, moves by {part['spread_ua'] / 1e3:.0f} mA", "its shunt")
    return Check(name, PASS, text)


def network_checks(network: Any, answer: Any) -> list[Check]:
    """Judge SelfTest.network and, None without one, SelfTest.time."""
    if not network["is_up"]:
        advice = "SSID and password: trueque board provision; distance to the access point"
        return [
            Check("network", FAIL, network["problem"] or "not joined", advice),
            Check("clock", SKIP, "no network"),
        ]
    rssi = network["rssi_dbm"]
    text = f"{network['address'] or 'cable'}" + ("" if rssi is None else f", {rssi} dBm")
    is_weak = rssi is not None and rssi < WEAKEST_RSSI_DBM
    advice = f"weak (below {WEAKEST_RSSI_DBM} dBm): move board or access point" if is_weak else ""
    return [Check("network", NOTE if is_weak else PASS, text, advice), _clock(answer)]


def _clock(answer: Any) -> Check:
    unix_ms = answer["unix_ms"]
    if unix_ms is None:
        advice = "is the hub running (trueque hub up) and reachable: broker.hosts in site.toml?"
        return Check("clock", FAIL, "the hub's time server does not answer", advice)
    error_ms = unix_ms - int(time.time() * 1000)
    text = f"{error_ms / 1000:+.1f} s from this computer"
    if abs(error_ms) > LARGEST_CLOCK_ERROR_MS:
        return Check("clock", FAIL, text, "one of hub and this computer has no NTP")
    return Check("clock", PASS, text)


def store_checks(memory: Any, flash: Any) -> list[Check]:
    """Judge SelfTest.memory and SelfTest.flash."""
    free, space = memory["free_bytes"], flash["free_bytes"]
    found = []
    if free is not None:
        is_low = free < SMALLEST_FREE_BYTES
        advice = "flash again; remove foreign modules" if is_low else ""
        found.append(Check("memory", FAIL if is_low else PASS, f"{free // 1000} kB free", advice))
    text = f"{space // 1000} kB free, write and read in {flash['took_ms']} ms"
    if not flash["is_good"]:
        found.append(Check("flash", FAIL, "what was written was not read", "change the board"))
    elif space < SMALLEST_FLASH_BYTES:
        advice = "remove foreign files: updates over the air need the space"
        found.append(Check("flash", FAIL, text, advice))
    else:
        found.append(Check("flash", PASS, text))
    return found


def identity_checks(
    calibrated: Mapping[str, Any], public_key: str | None, firmware: Firmware, on_board: Any
) -> list[Check]:
    """Judge calibration, the board's own key, and its files against the checkout's."""
    missing = sorted(name for name, each in calibrated.items() if each is None)
    dates = {each["date"] for each in calibrated.values() if each and each["date"]}
    calibration = (
        Check("calibration", NOTE, f"missing: {', '.join(missing)}", "trueque board calibrate")
        if missing
        else Check("calibration", PASS, f"of {', '.join(sorted(dates)) or 'unknown date'}")
    )
    key = (
        Check("signing key", PASS, f"{public_key[:16]}...")
        if public_key
        else Check("signing key", FAIL, "none", "trueque board provision")
    )
    return [calibration, key, _firmware(firmware, on_board)]


def _firmware(firmware: Firmware, on_board: Mapping[str, str]) -> Check:
    if not on_board:
        return Check("firmware", SKIP, "the checkout's own (no files on the board)")
    differs = compare(firmware, dict(on_board))
    if differs.is_empty:
        return Check("firmware", PASS, firmware.digest[:12])
    names = (*differs.write, *differs.remove)
    text = f"{len(names)} files are not this checkout's ({names[0]})"
    return Check("firmware", NOTE, text, "trueque board flash, or use the checkout it came from")
